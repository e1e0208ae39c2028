using System.Globalization;

namespace LogLine.Protocol.Quantities;

/// <summary>
/// A size as people write it (containers, "Primitives"): <c>512MiB</c>, <c>1GB</c>, <c>1048576</c>. <c>KiB MiB GiB</c> are binary, <c>KB MB GB</c> decimal, a
/// bare integer is bytes; case matters, there is no fraction, no space and no other unit, so that nothing is guessed. Zero and what
/// exceeds 2^63 − 1 are refused.
/// </summary>
public static class ByteSize
{
    /// <summary>What is accepted, for messages.</summary>
    public const string Accepted = "a whole number of bytes, or one with KiB, MiB, GiB (1024) or KB, MB, GB (1000), such as 512MiB";

    private static readonly (string Name, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
    ];

    /// <summary>Reads a size; false with the reason when it is none.</summary>
    public static bool TryParse(string text, out long bytes, out string problem)
    {
        var unit = Units.FirstOrDefault(unit => text.EndsWith(unit.Name, StringComparison.Ordinal), (Name: "", Bytes: 1));
        bytes = 0;
        if (!WholeNumber.TryParse(text.AsSpan(0, text.Length - unit.Name.Length), out var number, out problem))
        {
            problem = problem.Length > 0 ? problem : $"expected {Accepted}";
            return false;
        }
        if (number > long.MaxValue / unit.Bytes)
        {
            problem = "is more than 2^63 − 1 bytes";
            return false;
        }
        bytes = number * unit.Bytes;
        return true;
    }
}

/// <summary>A positive decimal number without sign, separator or leading zero.</summary>
internal static class WholeNumber
{
    /// <summary>Reads it; <paramref name="problem"/> is empty when the text is no number at all.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long number, out string problem)
    {
        (number, problem) = (0, "");
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9') || (text[0] == '0' && text.Length > 1))
        {
            return false;
        }
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            problem = "is more than 2^63 − 1";
            return false;
        }
        problem = number == 0 ? "is zero" : "";
        return number > 0;
    }
}
