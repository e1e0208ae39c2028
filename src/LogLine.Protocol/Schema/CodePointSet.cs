namespace LogLine.Protocol.Schema;

/// <summary>A set of Unicode scalar values, as sorted ranges that neither overlap nor touch.</summary>
internal sealed class CodePointSet
{
    private const int Last = 0x10FFFF;

    public static readonly CodePointSet Empty = new([]);
    public static readonly CodePointSet Everything = new([(0, 0xD7FF), (0xE000, Last)]);
    public static readonly CodePointSet Digit = Of(('0', '9'));
    public static readonly CodePointSet Word = Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));
    public static readonly CodePointSet Space = Of(('\t', '\r'), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
        (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF));
    public static readonly CodePointSet NotLineEnd = Of(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)).Negate();

    private readonly (int First, int Last)[] ranges;

    private CodePointSet((int, int)[] ranges) => this.ranges = ranges;

    public IReadOnlyList<(int First, int Last)> Ranges => ranges;

    public bool IsEmpty => ranges.Length == 0;

    /// <summary>The one member of a set of one; else −1.</summary>
    public int Single => ranges is [var (first, last)] && first == last ? first : -1;

    /// <summary>Any ranges, in any order; surrogates are left out.</summary>
    public static CodePointSet Of(params ReadOnlySpan<(int First, int Last)> ranges)
    {
        var sorted = ranges.ToArray();
        Array.Sort(sorted);
        var merged = new List<(int First, int Last)>();
        foreach (var (first, last) in sorted)
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else
                merged.Add((first, last));
        }
        return new([.. merged.SelectMany(WithoutSurrogates)]);
    }

    public bool Contains(int codePoint)
    {
        int low = 0, high = ranges.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (codePoint > ranges[middle].Last)
                low = middle + 1;
            else if (codePoint < ranges[middle].First)
                high = middle - 1;
            else
                return true;
        }
        return false;
    }

    public CodePointSet Union(CodePointSet other) => IsEmpty ? other : other.IsEmpty ? this : Of([.. ranges, .. other.ranges]);

    public CodePointSet Negate()
    {
        var gaps = new List<(int, int)>();
        var next = 0;
        foreach (var (first, last) in ranges)
        {
            if (first > next)
                gaps.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= Last)
            gaps.Add((next, Last));
        return Of([.. gaps]);
    }

    public bool Overlaps(CodePointSet other)
    {
        for (int i = 0, j = 0; i < ranges.Length && j < other.ranges.Length;)
        {
            if (ranges[i].Last < other.ranges[j].First)
                i++;
            else if (other.ranges[j].Last < ranges[i].First)
                j++;
            else
                return true;
        }
        return false;
    }

    private static IEnumerable<(int, int)> WithoutSurrogates((int First, int Last) range)
    {
        if (range.Last < 0xD800 || range.First > 0xDFFF)
            return [range];
        var parts = new List<(int, int)>();
        if (range.First < 0xD800)
            parts.Add((range.First, 0xD7FF));
        if (range.Last > 0xDFFF)
            parts.Add((0xE000, range.Last));
        return parts;
    }
}
