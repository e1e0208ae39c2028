using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>
/// An expression in the notation of .NET. Sets are spelled as ranges of UTF-16 units, so nothing depends on what .NET thinks
/// <c>\d</c>, <c>\w</c>, <c>.</c> or <c>$</c> are, and code points above U+FFFF are one character each.
/// </summary>
internal static class RegexTranslation
{
    /// <summary>Positions of the automaton that an expression may have with its repetitions spelled out.</summary>
    public const int MaxSize = 2_000;

    /// <summary>Why an expression cannot be matched in linear time here; null when it can.</summary>
    public static string? Refusal(RegexNode node) => node switch
    {
        RegexNode.Unsupported unsupported => unsupported.What + " is not supported",
        RegexNode.Sequence sequence => sequence.Items.Select(Refusal).FirstOrDefault(r => r is not null),
        RegexNode.Choice choice => choice.Items.Select(Refusal).FirstOrDefault(r => r is not null),
        RegexNode.Repeat repeat => Refusal(repeat.Item),
        _ => null,
    };

    public static long Size(RegexNode node) => Math.Min(int.MaxValue, node switch
    {
        RegexNode.One one => 1 + one.Set.Ranges.Count(r => r.Last > 0xFFFF),
        RegexNode.Sequence sequence => sequence.Items.Sum(Size) + 1,
        RegexNode.Choice choice => choice.Items.Sum(Size) + 1,
        RegexNode.Repeat repeat => Size(repeat.Item) * (repeat.Max == RegexNode.Unbounded ? repeat.Min + 1L : repeat.Max) + 1,
        _ => 1,
    });

    public static string ToDotNet(RegexNode node)
    {
        var text = new StringBuilder();
        Write(node, text);
        return text.ToString();
    }

    private static void Write(RegexNode node, StringBuilder text)
    {
        switch (node)
        {
            case RegexNode.One one:
                WriteSet(one.Set, text);
                break;
            case RegexNode.Sequence sequence:
                foreach (var item in sequence.Items)
                    WriteGrouped(item, text);
                break;
            case RegexNode.Choice choice:
                for (var i = 0; i < choice.Items.Count; i++)
                {
                    text.Append(i == 0 ? "" : "|");
                    Write(choice.Items[i], text);
                }
                break;
            case RegexNode.Repeat repeat:
                WriteGrouped(repeat.Item, text);
                text.Append(CultureInfo.InvariantCulture, $"{{{repeat.Min},");
                if (repeat.Max != RegexNode.Unbounded)
                    text.Append(repeat.Max);
                text.Append('}');
                break;
            case RegexNode.Anchor anchor:
                text.Append(anchor.AtEnd ? @"\z" : @"\A");
                break;
        }
    }

    private static void WriteGrouped(RegexNode node, StringBuilder text)
    {
        text.Append("(?:");
        Write(node, text);
        text.Append(')');
    }

    private static void WriteSet(CodePointSet set, StringBuilder text)
    {
        var units = set.Ranges.Where(r => r.First <= 0xFFFF).Select(r => Units(r.First, Math.Min(r.Last, 0xFFFF)));
        var pairs = set.Ranges.Where(r => r.Last > 0xFFFF).SelectMany(r => Pairs(Math.Max(r.First, 0x10000), r.Last));
        var classes = string.Concat(units);
        var choices = (classes.Length > 0 ? [$"[{classes}]"] : Array.Empty<string>()).Concat(pairs);
        text.Append(set.IsEmpty ? @"[^\u0000-\uFFFF]" : string.Join('|', choices));
    }

    private static string Units(int first, int last) => string.Create(CultureInfo.InvariantCulture, $"\\u{first:X4}-\\u{last:X4}");

    // High surrogates whose low surrogates are all there go together; the two ends are cut to size.
    private static IEnumerable<string> Pairs(int first, int last)
    {
        var (high, low) = (High(first), Low(first));
        var (highEnd, lowEnd) = (High(last), Low(last));
        if (high == highEnd)
            return [Pair(high, high, low, lowEnd)];
        var pairs = new List<string>();
        if (low > 0xDC00)
            pairs.Add(Pair(high, high++, low, 0xDFFF));
        if (lowEnd < 0xDFFF)
            pairs.Add(Pair(highEnd, highEnd--, 0xDC00, lowEnd));
        if (high <= highEnd)
            pairs.Add(Pair(high, highEnd, 0xDC00, 0xDFFF));
        return pairs;
    }

    private static string Pair(int high, int highEnd, int low, int lowEnd) => $"[{Units(high, highEnd)}][{Units(low, lowEnd)}]";

    private static int High(int codePoint) => 0xD800 + ((codePoint - 0x10000) >> 10);

    private static int Low(int codePoint) => 0xDC00 + ((codePoint - 0x10000) & 0x3FF);
}
