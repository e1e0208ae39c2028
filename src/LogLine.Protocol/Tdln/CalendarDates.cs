using System.Collections.Frozen;
using System.Globalization;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Days and instants. Day comes before month wherever both are numbers (17/11/2025), in both languages; a day alone is its midnight UTC.
/// "today" and the like are refused: what a text means must not depend on when it is read.
/// </summary>
internal static class CalendarDates
{
    private static readonly FrozenDictionary<string, int> Months = MonthNames();

    /// <summary><c>2025-11-17</c>, or null.</summary>
    public static string? Day(string text) => TryDay(text, out var day) ? Write(day) : null;

    /// <summary><c>2025-11-17T00:00:00Z</c>, or null. An RFC 3339 instant with another offset is turned to UTC.</summary>
    public static string? Instant(string text)
    {
        if (TryDay(text, out var day))
        {
            return Write(day) + "T00:00:00Z";
        }
        return Timestamps.TryParse(text.ToUpperInvariant(), out var instant)
            ? instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture)
            : null;
    }

    private static string Write(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static bool TryDay(string text, out DateOnly day)
    {
        day = default;
        text = Folding.Collapse(text);
        if (text.Length > 40)
        {
            return false;
        }
        var parts = Folding.Fold(text).Split([' ', '/', '-', '.'], StringSplitOptions.RemoveEmptyEntries).Where(part => part is not ("de" or "of")).ToArray();
        if (parts.Length != 3)
        {
            return false;
        }
        // Year first (2025-11-17), a month's name in the middle (17 de novembro de 2025) or in front (November 17 2025), else day first.
        return parts[0].Length == 4 ? TryMake(parts[0], parts[1], parts[2], out day)
            : Months.ContainsKey(parts[0]) ? TryMake(parts[2], parts[0], parts[1], out day)
            : TryMake(parts[2], parts[1], parts[0], out day);
    }

    private static bool TryMake(string year, string month, string day, out DateOnly date)
    {
        date = default;
        if (year.Length != 4 || !TryNumber(year, out var y) || y == 0 || !TryNumber(day, out var d)
            || !(Months.TryGetValue(month, out var m) || TryNumber(month, out m)) || m is < 1 or > 12 || d < 1 || d > DateTime.DaysInMonth(y, m))
        {
            return false;
        }
        date = new DateOnly(y, m, d);
        return true;
    }

    private static bool TryNumber(string digits, out int number)
    {
        number = 0;
        return digits.Length is >= 1 and <= 4 && digits.All(char.IsAsciiDigit) && int.TryParse(digits, CultureInfo.InvariantCulture, out number);
    }

    private static FrozenDictionary<string, int> MonthNames()
    {
        string[] names =
        [
            "january jan janeiro", "february feb fevereiro fev", "march mar marco", "april apr abril abr", "may maio mai", "june jun junho",
            "july jul julho", "august aug agosto ago", "september sep sept setembro set", "october oct outubro out", "november nov novembro",
            "december dec dezembro dez",
        ];
        return names.SelectMany((line, i) => line.Split(' ').Select(name => (name, i + 1))).ToFrozenDictionary(month => month.name, month => month.Item2);
    }
}
