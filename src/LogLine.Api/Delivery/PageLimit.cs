using System.Globalization;
using LogLine.Api.Errors;

namespace LogLine.Api.Delivery;

/// <summary>The parameter <c>limit</c> of lists.</summary>
internal static class PageLimit
{
    /// <summary>What it is when it is not given.</summary>
    public const int Default = 100;

    /// <summary>The most that it may be.</summary>
    public const int Max = 1000;

    /// <summary>Reads it; refuses what is no number from 1 to <see cref="Max"/>.</summary>
    public static bool TryRead(string? text, out int limit, out Rejection? refused)
    {
        limit = Default;
        refused = text is null || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= Max) ? null : Not();
        return refused is null;
    }

    private static Rejection Not()
    {
        var message = $"must be an integer from 1 to {Max}";
        return new Rejection(RefusalCode.SchemaInvalid, "limit " + message) { Errors = [new FieldError("/limit", "query", message)] };
    }
}
