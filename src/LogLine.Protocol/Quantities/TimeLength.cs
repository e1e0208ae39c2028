using System.Globalization;

namespace LogLine.Protocol.Quantities;

/// <summary>
/// A length of time as people write it (containers, "Primitives"): a whole number with <c>ms</c>, <c>s</c>, <c>m</c> or <c>h</c>, or ISO 8601
/// (<c>PT1M30S</c>, <c>P1DT2H</c>). Years and months have no fixed length and are refused, as are zero and what exceeds 10,000 days.
/// </summary>
public static class TimeLength
{
    /// <summary>What is accepted, for messages.</summary>
    public const string Accepted = "a whole number with ms, s, m or h, such as 90s, or ISO 8601, such as PT1M30S";

    /// <summary>The longest that is accepted.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromDays(10_000);

    private static readonly (string Name, TimeSpan Length)[] Units =
        [("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1))];

    /// <summary>Reads a length of time; false with the reason when it is none.</summary>
    public static bool TryParse(string text, out TimeSpan length, out string problem) =>
        text.StartsWith('P') ? TryParseIso(text, out length, out problem) : TryParseUnit(text, out length, out problem);

    private static bool TryParseUnit(string text, out TimeSpan length, out string problem)
    {
        length = default;
        problem = $"expected {Accepted}";
        foreach (var (name, unit) in Units)
        {
            if (text.EndsWith(name, StringComparison.Ordinal) && text.Length > name.Length && char.IsAsciiDigit(text[^(name.Length + 1)]))
            {
                return WholeNumber.TryParse(text.AsSpan(0, text.Length - name.Length), out var number, out var fault)
                    ? TryMultiply(number, unit, out length, out problem)
                    : Fail(fault, ref problem);
            }
        }
        return false;
    }

    /// <summary>The designators that are left to come, in their order, and what each is worth.</summary>
    private static readonly (char Designator, bool IsTime, TimeSpan Length)[] Designators =
        [('D', false, TimeSpan.FromDays(1)), ('H', true, TimeSpan.FromHours(1)), ('M', true, TimeSpan.FromMinutes(1)), ('S', true, TimeSpan.FromSeconds(1))];

    private static bool TryParseIso(string text, out TimeSpan length, out string problem)
    {
        length = default;
        problem = $"expected {Accepted}";
        var rest = text.AsSpan(1);
        var (inTime, next, ticks) = (false, 0, 0m);
        while (!rest.IsEmpty)
        {
            if (rest[0] == 'T' && !inTime && rest.Length > 1)
            {
                inTime = true;
                rest = rest[1..];
            }
            var digits = rest.IndexOfAnyExceptInRange('0', '9');
            if (digits is < 1 or > 12)
            {
                return false;
            }
            var designator = rest[digits];
            var found = Array.FindIndex(Designators, next, part => part.IsTime == inTime && part.Designator == designator);
            if (found < 0)
            {
                return false;
            }
            ticks += decimal.Parse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture) * Designators[found].Length.Ticks;
            rest = rest[(digits + 1)..];
            next = found + 1;
        }
        if (next == 0)
        {
            return false;
        }
        problem = ticks == 0 ? "is zero" : ticks > Max.Ticks ? "is more than 10,000 days" : "";
        length = problem.Length == 0 ? TimeSpan.FromTicks((long)ticks) : default;
        return problem.Length == 0;
    }

    private static bool TryMultiply(long number, TimeSpan unit, out TimeSpan length, out string problem)
    {
        var fits = number <= Max.Ticks / unit.Ticks;
        (length, problem) = fits ? (unit * number, "") : (default, "is more than 10,000 days");
        return fits;
    }

    private static bool Fail(string fault, ref string problem)
    {
        problem = fault.Length > 0 ? fault : problem;
        return false;
    }
}
