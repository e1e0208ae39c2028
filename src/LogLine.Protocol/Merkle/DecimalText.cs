using System.Globalization;

namespace LogLine.Protocol.Merkle;

/// <summary>Sizes and indexes as the C2SP formats spell them: ASCII digits, no sign, no leading zero, no value above 2^63 - 1.</summary>
internal static class DecimalText
{
    internal static bool TryParse(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        return text.Length > 0
            && (text[0] != '0' || text.Length == 1)
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
