using System.Buffers;
using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>
/// A matcher for anchored expressions in which the next code point always decides what comes next: no choice is ever taken back, so
/// one pass over the bytes is enough. <see cref="DirectMatcherCompiler"/> proves that property and gives up where it cannot.
/// </summary>
internal sealed class DirectMatcher
{
    private readonly Step[] steps;
    private readonly bool anchoredAtEnd;

    public DirectMatcher(Step[] steps, bool anchoredAtEnd, bool excludesBackslash)
    {
        this.steps = steps;
        this.anchoredAtEnd = anchoredAtEnd;
        ExcludesBackslash = excludesBackslash;
    }

    /// <summary>No text that matches has a backslash anywhere.</summary>
    public bool ExcludesBackslash { get; }

    /// <summary>Null when the expression is not of this kind.</summary>
    public static DirectMatcher? TryCompile(RegexNode node) => DirectMatcherCompiler.TryCompile(node);

    public bool IsMatch(ReadOnlySpan<byte> utf8)
    {
        var at = MatchAll(steps, utf8, 0);
        return at >= 0 && (!anchoredAtEnd || at == utf8.Length);
    }

    private static int MatchAll(Step[] steps, ReadOnlySpan<byte> utf8, int at)
    {
        foreach (var step in steps)
        {
            at = step.Match(utf8, at);
            if (at < 0)
                break;
        }
        return at;
    }

    /// <summary>A part of the expression.</summary>
    public abstract class Step
    {
        /// <summary>Where it ends when it begins at <paramref name="at"/>; −1 when it does not match.</summary>
        public abstract int Match(ReadOnlySpan<byte> utf8, int at);
    }

    /// <summary>These bytes.</summary>
    public sealed class LiteralStep(byte[] bytes) : Step
    {
        public override int Match(ReadOnlySpan<byte> utf8, int at) => utf8[at..].StartsWith(bytes) ? at + bytes.Length : -1;
    }

    /// <summary>
    /// So many bytes, each of a class of its own. For short stretches this costs less than a search for the end of each run.
    /// </summary>
    /// <param name="classes">For each position the bit of its class.</param>
    /// <param name="classesOfByte">For each of the 256 bytes the bits of the classes that it is in.</param>
    public sealed class FixedStep(byte[] classes, byte[] classesOfByte) : Step
    {
        /// <summary>Classes that one step can tell apart, one bit each.</summary>
        public const int MaxClasses = 8;

        public override int Match(ReadOnlySpan<byte> utf8, int at)
        {
            ReadOnlySpan<byte> wanted = classes;
            ReadOnlySpan<byte> table = classesOfByte;
            if (utf8.Length - at < wanted.Length)
                return -1;
            var text = utf8.Slice(at, wanted.Length);
            for (var i = 0; i < wanted.Length; i++)
            {
                if ((table[text[i]] & wanted[i]) == 0)
                    return -1;
            }
            return at + wanted.Length;
        }
    }

    /// <summary>As many code points of a set as there are, up to max.</summary>
    public sealed class RunStep(CodePointSet set, int min, int max) : Step
    {
        private readonly SearchValues<byte> ascii = SearchValues.Create([.. Enumerable.Range(0, 128).Where(set.Contains).Select(c => (byte)c)]);
        private readonly bool asciiOnly = !set.Overlaps(CodePointSet.Of((128, 0x10FFFF)));

        public override int Match(ReadOnlySpan<byte> utf8, int at)
        {
            var rest = utf8[at..];
            if (asciiOnly)
            {
                if (rest.Length > max)
                    rest = rest[..max];
                var length = rest.IndexOfAnyExcept(ascii);
                length = length < 0 ? rest.Length : length;
                return length >= min ? at + length : -1;
            }
            var count = 0;
            for (; count < max && !rest.IsEmpty; count++)
            {
                Rune.DecodeFromUtf8(rest, out var rune, out var length);
                if (rune.IsAscii ? !ascii.Contains((byte)rune.Value) : !set.Contains(rune.Value))
                    break;
                rest = rest[length..];
            }
            return count >= min ? utf8.Length - rest.Length : -1;
        }
    }

    /// <summary>One of several branches, told apart by their first code point, between min and max times.</summary>
    public sealed class GroupStep((CodePointSet First, Step[] Steps)[] branches, int min, int max) : Step
    {
        public override int Match(ReadOnlySpan<byte> utf8, int at)
        {
            for (var count = 0; count < max; count++)
            {
                if (Choose(utf8[at..]) is not { } chosen)
                    return count >= min ? at : -1;
                at = MatchAll(chosen, utf8, at);
                if (at < 0)
                    return -1;
            }
            return at;
        }

        private Step[]? Choose(ReadOnlySpan<byte> rest)
        {
            if (rest.IsEmpty)
                return null;
            Rune.DecodeFromUtf8(rest, out var rune, out _);
            foreach (var (first, steps) in branches)
            {
                if (first.Contains(rune.Value))
                    return steps;
            }
            return null;
        }
    }
}
