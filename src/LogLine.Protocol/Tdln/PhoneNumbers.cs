using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Telephone numbers in E.164. A number that begins with "+" or "00" says its country itself; a national one is read only when the country is
/// known and its plan is in the table below. Otherwise it is refused: a guess would call somebody else.
/// </summary>
internal static class PhoneNumbers
{
    private static readonly FrozenDictionary<string, Plan> Plans = Table();

    /// <summary><c>+351912345678</c>, or null.</summary>
    /// <param name="text">As written; spaces, dots, hyphens, slashes and round brackets are dropped.</param>
    /// <param name="country">ISO 3166 alpha-2 of the country in which a national number is meant, or null.</param>
    public static string? Write(string text, string? country)
    {
        var digits = new StringBuilder(text.Length);
        var international = false;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c))
            {
                digits.Append(c);
            }
            else if (c == '+' && digits.Length == 0 && !international)
            {
                international = true;
            }
            else if (!char.IsWhiteSpace(c) && c is not ('.' or '-' or '/' or '(' or ')'))
            {
                return null;
            }
        }
        var number = digits.ToString();
        if (!international && number.StartsWith("00", StringComparison.Ordinal))
        {
            (number, international) = (number[2..], true);
        }
        if (!international)
        {
            return country is not null && Plans.TryGetValue(country, out var plan) ? plan.International(number) : null;
        }
        // "+44 (0)20 …": the bracketed zero is for callers inside the country.
        if (text.Contains("(0)", StringComparison.Ordinal))
        {
            return null;
        }
        return number.Length is >= 7 and <= 15 && number[0] != '0' ? "+" + number : null;
    }

    /// <param name="Code">Country calling code.</param>
    /// <param name="Trunk">Digit dialled before national numbers inside the country, which falls away; null for none. No national number begins with it.</param>
    /// <param name="Shortest">Fewest digits of a national number, the trunk digit not counted.</param>
    /// <param name="Longest">Most digits.</param>
    private sealed record Plan(string Code, char? Trunk, int Shortest, int Longest)
    {
        public string? International(string number)
        {
            if (Trunk is { } trunk && number.StartsWith(trunk))
            {
                number = number[1..];
            }
            return number.Length >= Shortest && number.Length <= Longest ? "+" + Code + number : null;
        }
    }

    private static FrozenDictionary<string, Plan> Table()
    {
        var plans = new Dictionary<string, Plan>(StringComparer.Ordinal);
        foreach (var row in Rows.Split(['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var cells = row.Split(' ');
            plans.Add(cells[0], new Plan(cells[1], cells[2] == "-" ? null : cells[2][0], int.Parse(cells[3], CultureInfo.InvariantCulture), int.Parse(cells[4], CultureInfo.InvariantCulture)));
        }
        return plans.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Country, calling code, trunk digit, fewest and most digits; only countries whose national form has one reading.</summary>
    private const string Rows = """
        AO 244 - 9 9; AT 43 0 7 12; AU 61 0 9 9; BE 32 0 8 9; BR 55 0 10 11; CA 1 1 10 10; CH 41 0 9 9; CL 56 - 9 9; CO 57 - 10 10
        CV 238 - 7 7; CZ 420 - 9 9; DE 49 0 7 11; DK 45 - 8 8; ES 34 - 9 9; FR 33 0 9 9; GB 44 0 9 10; GR 30 - 10 10; GW 245 - 9 9
        IE 353 0 7 9; IN 91 0 10 10; JP 81 0 9 10; MO 853 - 8 8; MZ 258 - 8 9; NL 31 0 9 9; NO 47 - 8 8; NZ 64 0 8 10; PL 48 - 9 9
        PT 351 - 9 9; SE 46 0 7 9; ST 239 - 7 7; TL 670 - 7 8; US 1 1 10 10; UY 598 0 8 8; ZA 27 0 9 9
        """;
}
