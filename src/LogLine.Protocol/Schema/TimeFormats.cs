namespace LogLine.Protocol.Schema;

/// <summary>Dates, times and durations by the grammars of RFC 3339 (sections 5.6, 5.7 and appendix A), digits ASCII.</summary>
internal static class TimeFormats
{
    private const int DateLength = 10;
    private const int MinutesPerDay = 24 * 60;

    public static bool IsDateTime(ReadOnlySpan<byte> text) =>
        text.Length > DateLength && text[DateLength] is (byte)'T' or (byte)'t' && IsDate(text[..DateLength]) && IsTime(text[(DateLength + 1)..]);

    public static bool IsDate(ReadOnlySpan<byte> text)
    {
        if (text.Length != DateLength || text[4] != '-' || text[7] != '-')
            return false;
        var (high, low, month, day) = (TwoDigits(text), TwoDigits(text[2..]), TwoDigits(text[5..]), TwoDigits(text[8..]));
        if (high < 0 || low < 0 || month is < 1 or > 12 || day < 1)
            return false;
        var year = high * 100 + low;
        // .NET has no year 0; the calendar of RFC 3339 has, and it is a leap year.
        return day <= DateTime.DaysInMonth(year == 0 ? 400 : year, month);
    }

    public static bool IsTime(ReadOnlySpan<byte> text)
    {
        if (text.Length < 9 || text[2] != ':' || text[5] != ':')
            return false;
        var (hour, minute, second) = (TwoDigits(text), TwoDigits(text[3..]), TwoDigits(text[6..]));
        if (hour is < 0 or > 23 || minute is < 0 or > 59 || second is < 0 or > 60)
            return false;
        var rest = text[8..];
        if (rest[0] == '.')
        {
            var digits = CountDigits(rest[1..]);
            if (digits == 0)
                return false;
            rest = rest[(digits + 1)..];
        }
        if (!TryReadOffset(rest, out var offset))
            return false;
        // A leap second is the last one of a day in UTC.
        return second < 60 || (hour * 60 + minute - offset + MinutesPerDay) % MinutesPerDay == MinutesPerDay - 1;
    }

    public static bool IsDuration(ReadOnlySpan<byte> text)
    {
        if (text.Length < 3 || text[0] != 'P')
            return false;
        text = text[1..];
        if (text[^1] == 'W')
            return CountDigits(text) == text.Length - 1;
        var time = text.IndexOf((byte)'T');
        if (time < 0)
            return IsUnits(text, "YMD"u8);
        return (time == 0 || IsUnits(text[..time], "YMD"u8)) && IsUnits(text[(time + 1)..], "HMS"u8);
    }

    // Numbers with units that follow one another without a gap: 1Y2M, but not 1Y2D.
    private static bool IsUnits(ReadOnlySpan<byte> text, ReadOnlySpan<byte> units)
    {
        var expected = -1;
        while (!text.IsEmpty)
        {
            var digits = CountDigits(text);
            if (digits == 0 || digits == text.Length)
                return false;
            var unit = units.IndexOf(text[digits]);
            if (unit < 0 || (expected >= 0 && unit != expected))
                return false;
            expected = unit + 1;
            text = text[(digits + 1)..];
        }
        return expected >= 0;
    }

    private static bool TryReadOffset(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text.Length == 1)
            return text[0] is (byte)'Z' or (byte)'z';
        if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':')
            return false;
        var (hour, minute) = (TwoDigits(text[1..]), TwoDigits(text[4..]));
        if (hour is < 0 or > 23 || minute is < 0 or > 59)
            return false;
        minutes = (hour * 60 + minute) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static int CountDigits(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return end < 0 ? text.Length : end;
    }

    /// <summary>−1 when they are not digits.</summary>
    private static int TwoDigits(ReadOnlySpan<byte> text)
    {
        var (tens, ones) = (text[0] - '0', text[1] - '0');
        return (uint)tens <= 9 && (uint)ones <= 9 ? tens * 10 + ones : -1;
    }
}
