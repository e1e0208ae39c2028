using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Reads a pattern by the grammar of ECMA-262 (section 22.2.1) with the flag <c>u</c>, which JSON Schema asks for. Stricter than most
/// engines on purpose: an escape that means nothing there (<c>\a</c>, <c>\-</c> outside a class) is an error, not a guess.
/// </summary>
internal ref struct EcmaRegexParser
{
    private const int Depth = 32;
    private const string SyntaxCharacters = "^$\\.*+?()[]{}|/";

    private readonly ReadOnlySpan<char> text;
    private readonly HashSet<string> groupNames = new(StringComparer.Ordinal);
    private readonly List<string> namesReferredTo = [];
    private int position;
    private int groups;
    private int highestReference;
    private int depth;

    // The sets of Unicode properties are large; where only the syntax is asked for they are not made.
    private readonly bool syntaxOnly;

    private EcmaRegexParser(ReadOnlySpan<char> text, bool syntaxOnly)
    {
        this.text = text;
        this.syntaxOnly = syntaxOnly;
    }

    /// <summary>Null with a reason when it is not a valid expression.</summary>
    public static RegexNode? Parse(ReadOnlySpan<char> pattern, out string? fault) => Parse(pattern, syntaxOnly: false, out fault);

    /// <summary>Whether it is an expression at all, be it one that cannot be matched here.</summary>
    public static bool IsValid(ReadOnlySpan<char> pattern) => Parse(pattern, syntaxOnly: true, out _) is not null;

    private static RegexNode? Parse(ReadOnlySpan<char> pattern, bool syntaxOnly, out string? fault)
    {
        fault = pattern.Length > SchemaLimits.PatternLength ? $"longer than {SchemaLimits.PatternLength}" : null;
        if (fault is not null)
            return null;
        var parser = new EcmaRegexParser(pattern, syntaxOnly);
        try
        {
            var node = parser.ParseChoice();
            if (!parser.AtEnd)
                throw new FormatException("unmatched ')'");
            parser.CheckReferences();
            return node;
        }
        catch (FormatException refused)
        {
            fault = $"{refused.Message} at character {parser.position}";
            return null;
        }
    }

    private readonly bool AtEnd => position >= text.Length;

    private readonly char Current => text[position];

    private bool Take(char expected)
    {
        if (AtEnd || Current != expected)
            return false;
        position++;
        return true;
    }

    private bool Take(string expected)
    {
        if (!text[position..].StartsWith(expected, StringComparison.Ordinal))
            return false;
        position += expected.Length;
        return true;
    }

    private void Expect(char expected)
    {
        if (!Take(expected))
            throw new FormatException($"'{expected}' expected");
    }

    private readonly void CheckReferences()
    {
        if (highestReference > groups)
            throw new FormatException($"no group {highestReference}");
        foreach (var name in namesReferredTo)
        {
            if (!groupNames.Contains(name))
                throw new FormatException($"no group '{Excerpt.OfName(name)}'");
        }
    }

    private RegexNode ParseChoice()
    {
        if (++depth > Depth)
            throw new FormatException($"groups nested deeper than {Depth}");
        var choices = new List<RegexNode> { ParseSequence() };
        while (Take('|'))
            choices.Add(ParseSequence());
        depth--;
        return choices.Count == 1 ? choices[0] : new RegexNode.Choice(choices);
    }

    private RegexNode ParseSequence()
    {
        var items = new List<RegexNode>();
        while (!AtEnd && Current is not ('|' or ')'))
            items.Add(ParseTerm());
        return items.Count == 1 ? items[0] : new RegexNode.Sequence(items);
    }

    private RegexNode ParseTerm()
    {
        if (Take('^'))
            return new RegexNode.Anchor(AtEnd: false);
        if (Take('$'))
            return new RegexNode.Anchor(AtEnd: true);
        foreach (var look in (ReadOnlySpan<string>)["(?=", "(?!", "(?<=", "(?<!"])
        {
            if (Take(look))
                return ParseLook();
        }
        if (Take("\\b") || Take("\\B"))
            return new RegexNode.Unsupported("a word boundary");
        return ParseQuantifier(ParseAtom());
    }

    // An assertion takes no quantifier with the flag u, so it is a term of its own.
    private RegexNode ParseLook()
    {
        ParseChoice();
        Expect(')');
        return new RegexNode.Unsupported("look-around");
    }

    private RegexNode ParseAtom()
    {
        if (Take('('))
            return ParseGroup();
        if (Take('['))
            return new RegexNode.One(ParseClass(out var unknown)) is var one && unknown is null ? one : new RegexNode.Unsupported(unknown!);
        if (Take('.'))
            return new RegexNode.One(CodePointSet.NotLineEnd);
        if (Take('\\'))
            return ParseAtomEscape();
        if (SyntaxCharacters.Contains(Current, StringComparison.Ordinal) && Current != '/')
            throw new FormatException($"'{Current}' must be escaped here");
        return Literal(TakeCodePoint());
    }

    private RegexNode ParseGroup()
    {
        if (Take("?<"))
        {
            var name = TakeName();
            if (!groupNames.Add(name))
                throw new FormatException($"two groups '{Excerpt.OfName(name)}'");
            groups++;
        }
        else if (!Take("?:"))
        {
            if (!AtEnd && Current == '?')
                throw new FormatException("not a group of ECMA-262");
            groups++;
        }
        var inner = ParseChoice();
        Expect(')');
        return inner;
    }

    private RegexNode ParseQuantifier(RegexNode atom)
    {
        int min, max;
        if (Take('*'))
            (min, max) = (0, RegexNode.Unbounded);
        else if (Take('+'))
            (min, max) = (1, RegexNode.Unbounded);
        else if (Take('?'))
            (min, max) = (0, 1);
        else if (Take('{'))
            (min, max) = ParseBounds();
        else
            return atom;
        Take('?');
        return new RegexNode.Repeat(atom, min, max);
    }

    private (int Min, int Max) ParseBounds()
    {
        var min = TakeNumber();
        var max = min;
        if (Take(','))
            max = !AtEnd && Current == '}' ? RegexNode.Unbounded : TakeNumber();
        Expect('}');
        return min <= max ? (min, max) : throw new FormatException("bounds out of order");
    }

    // A count as large as this is refused later for its size; here it must only not overflow.
    private int TakeNumber()
    {
        var start = position;
        var value = 0;
        for (; !AtEnd && char.IsAsciiDigit(Current); position++)
            value = Math.Min(value * 10 + (Current - '0'), 100_000_000);
        return position > start ? value : throw new FormatException("a number expected");
    }

    private RegexNode ParseAtomEscape()
    {
        if (AtEnd)
            throw new FormatException("nothing after '\\'");
        if (Current is >= '1' and <= '9')
        {
            highestReference = Math.Max(highestReference, TakeNumber());
            return new RegexNode.Unsupported("a back-reference");
        }
        if (Take("k<"))
        {
            namesReferredTo.Add(TakeName());
            return new RegexNode.Unsupported("a back-reference");
        }
        var set = ParseSetEscape(out var unknown);
        if (unknown is not null)
            return new RegexNode.Unsupported(unknown);
        return set is not null ? new RegexNode.One(set) : Literal(ParseCharacterEscape(inClass: false));
    }

    /// <summary>After the backslash: <c>\d \s \w \p</c> and their opposites; null, nothing taken, for anything else.</summary>
    private CodePointSet? ParseSetEscape(out string? unknown)
    {
        unknown = null;
        var set = Current switch
        {
            'd' or 'D' => CodePointSet.Digit,
            's' or 'S' => CodePointSet.Space,
            'w' or 'W' => CodePointSet.Word,
            'p' or 'P' => CodePointSet.Empty,
            _ => null,
        };
        if (set is null)
            return null;
        var letter = text[position++];
        if (letter is 'p' or 'P')
            set = ParseProperty(out unknown);
        return char.IsUpper(letter) ? set.Negate() : set;
    }

    private CodePointSet ParseProperty(out string? unknown)
    {
        Expect('{');
        var end = text[position..].IndexOf('}');
        if (end <= 0 || text.Slice(position, end).ContainsAnyExcept(PropertyCharacters))
            throw new FormatException("not a property");
        var name = text.Slice(position, end).ToString();
        position += end + 1;
        if (name.IndexOf('=') is var equals and >= 0 && name[..equals] is "General_Category" or "gc")
            name = name[(name.IndexOf('=') + 1)..];
        unknown = null;
        if (syntaxOnly)
            return CodePointSet.Empty;
        var set = UnicodeCategories.Find(name);
        unknown = set is null ? $"the Unicode property '{Excerpt.OfName(name)}' (only general categories are known)" : null;
        return set ?? CodePointSet.Empty;
    }

    private static readonly System.Buffers.SearchValues<char> PropertyCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=");

    private int ParseCharacterEscape(bool inClass)
    {
        var c = text[position++];
        switch (c)
        {
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'v':
                return '\v';
            case 'f':
                return '\f';
            case 'r':
                return '\r';
            case 'b' when inClass:
                return '\b';
            case '-' when inClass:
                return '-';
            case '0' when AtEnd || !char.IsAsciiDigit(Current):
                return 0;
            case 'c' when !AtEnd && char.IsAsciiLetter(Current):
                return text[position++] % 32;
            case 'x':
                return TakeHex(2);
            case 'u':
                return ParseUnicodeEscape();
            default:
                return SyntaxCharacters.Contains(c, StringComparison.Ordinal) ? c : throw new FormatException($"'\\{c}' means nothing");
        }
    }

    private int ParseUnicodeEscape()
    {
        if (Take('{'))
        {
            var start = position;
            var value = 0;
            for (; !AtEnd && char.IsAsciiHexDigit(Current); position++)
                value = Math.Min(value * 16 + HexValue(Current), 0x110000);
            if (position == start || value > 0x10FFFF)
                throw new FormatException("not a code point");
            Expect('}');
            return value;
        }
        var unit = TakeHex(4);
        if (!char.IsHighSurrogate((char)unit) || !text[position..].StartsWith("\\u", StringComparison.Ordinal) || position + 6 > text.Length)
            return unit;
        var before = position;
        position += 2;
        var low = TakeHex(4);
        if (char.IsLowSurrogate((char)low))
            return char.ConvertToUtf32((char)unit, (char)low);
        position = before;
        return unit;
    }

    private int TakeHex(int digits)
    {
        var value = 0;
        for (var i = 0; i < digits; i++, position++)
        {
            if (AtEnd || !char.IsAsciiHexDigit(Current))
                throw new FormatException($"{digits} hexadecimal digits expected");
            value = value * 16 + HexValue(Current);
        }
        return value;
    }

    private static int HexValue(char digit) => int.Parse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private CodePointSet ParseClass(out string? unknown)
    {
        unknown = null;
        var negated = Take('^');
        var ranges = new List<(int, int)>();
        var sets = CodePointSet.Empty;
        while (!Take(']'))
        {
            var first = ParseClassAtom(ref sets, ref unknown);
            if (AtEnd || Current != '-' || text[position..].StartsWith("-]", StringComparison.Ordinal))
            {
                if (first >= 0)
                    ranges.Add((first, first));
                continue;
            }
            position++;
            var last = ParseClassAtom(ref sets, ref unknown);
            if (first < 0 || last < first)
                throw new FormatException("not a range");
            ranges.Add((first, last));
        }
        var all = CodePointSet.Of([.. ranges]).Union(sets);
        return negated ? all.Negate() : all;
    }

    /// <summary>A code point, or −1 for a set such as \d, which is added to <paramref name="sets"/>.</summary>
    private int ParseClassAtom(ref CodePointSet sets, ref string? unknown)
    {
        if (AtEnd)
            throw new FormatException("']' expected");
        if (!Take('\\'))
            return TakeCodePoint();
        if (AtEnd)
            throw new FormatException("nothing after '\\'");
        var set = ParseSetEscape(out var property);
        unknown ??= property;
        if (set is null)
            return ParseCharacterEscape(inClass: true);
        sets = sets.Union(set);
        return -1;
    }

    private int TakeCodePoint()
    {
        Rune.DecodeFromUtf16(text[position..], out var rune, out var length);
        position += length;
        return rune.Value;
    }

    private string TakeName()
    {
        var start = position;
        while (!AtEnd && (char.IsLetterOrDigit(Current) || Current is '_' or '$'))
            position++;
        var name = text[start..position].ToString();
        Expect('>');
        return name.Length > 0 && !char.IsAsciiDigit(name[0]) ? name : throw new FormatException("not a group name");
    }

    private static RegexNode Literal(int codePoint) => new RegexNode.One(CodePointSet.Of((codePoint, codePoint)));
}
