namespace LogLine.Protocol.Schema;

/// <summary>A regular expression of ECMA-262 in Unicode mode, as far as whether it matches is concerned: groups do not capture.</summary>
internal abstract record RegexNode
{
    /// <summary>One code point of a set.</summary>
    public sealed record One(CodePointSet Set) : RegexNode;

    /// <summary>One after the other; none at all is the empty expression.</summary>
    public sealed record Sequence(IReadOnlyList<RegexNode> Items) : RegexNode;

    /// <summary>Any of them.</summary>
    public sealed record Choice(IReadOnlyList<RegexNode> Items) : RegexNode;

    /// <summary>Between min and max times; greed does not change whether there is a match.</summary>
    public sealed record Repeat(RegexNode Item, int Min, int Max) : RegexNode;

    /// <summary>The beginning or the end of the text.</summary>
    public sealed record Anchor(bool AtEnd) : RegexNode;

    /// <summary>Valid, but not regular, or not known here.</summary>
    public sealed record Unsupported(string What) : RegexNode;

    /// <summary><see cref="Repeat.Max"/> of an open repetition.</summary>
    public const int Unbounded = int.MaxValue;
}
