using System.Globalization;

namespace LogLine.Protocol.Spans;

/// <summary>RFC 3339 timestamps, the only way in which a time is written.</summary>
public static class Timestamps
{
    /// <summary>Characters of what is written.</summary>
    private const int Length = 24;

    /// <summary>Where the digits of a fraction begin.</summary>
    private const int Fraction = 20;

    /// <summary>By number of digits in the fraction.</summary>
    private static readonly string[] Forms =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.fK", "yyyy-MM-dd'T'HH:mm:ss.ffK", "yyyy-MM-dd'T'HH:mm:ss.fffK",
        "yyyy-MM-dd'T'HH:mm:ss.ffffK", "yyyy-MM-dd'T'HH:mm:ss.fffffK", "yyyy-MM-dd'T'HH:mm:ss.ffffffK", "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
    ];

    /// <summary>UTC with milliseconds: <c>2025-11-17T13:00:00.000Z</c>.</summary>
    public static string Write(DateTimeOffset time)
    {
        // The round-trip form has seven digits in its fraction; what stands behind the third is left out.
        Span<char> text = stackalloc char[28];
        time.UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[Length - 1] = 'Z';
        return text[..Length].ToString();
    }

    /// <summary>Reads date, time and offset (<c>Z</c> or <c>±hh:mm</c>); a text without an offset is refused.</summary>
    public static bool TryParse(string? text, out DateTimeOffset time)
    {
        time = default;
        if (text is not { Length: >= 20 and <= 35 } || (text[^1] is not 'Z' && text[^6] is not ('+' or '-')))
        {
            return false;
        }
        // Where the offset begins says how many digits the fraction has, so one form is tried and not all of them.
        var fraction = text.Length - (text[^1] is 'Z' ? 1 : 6) - Fraction;
        return fraction < Forms.Length && DateTimeOffset.TryParseExact(text, Forms[Math.Max(0, fraction)], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
    }
}
