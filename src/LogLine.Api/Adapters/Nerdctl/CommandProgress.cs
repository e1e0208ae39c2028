using System.Globalization;
using System.Text.RegularExpressions;
using LogLine.Api.Adapters.Engine;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// What a command line says while it moves an image, line by line: nerdctl draws each layer with its bytes again and again, Podman names a layer when it begins. Everything else they say is for people.
/// </summary>
internal static partial class CommandProgress
{
    /// <summary>The layer that a line is about, with its bytes where it says them; null for any other line.</summary>
    public static PullProgress? Read(string line)
    {
        line = Drawing().Replace(line, "");
        if (PodmanLayer().Match(line) is { Success: true } named)
            return new PullProgress((string?)null) { Id = named.Groups["id"].Value };
        if (NerdctlLayer().Match(line) is not { Success: true } drawn)
            return null;
        var total = Bytes(drawn.Groups["total"]);
        return new PullProgress((string?)null) { Id = drawn.Groups["id"].Value, Amount = total > 0 ? new PullAmount(Math.Min(Bytes(drawn.Groups["current"]), total), total) : null };
    }

    static long Bytes(Group amount)
    {
        if (!amount.Success)
            return 0;
        var parts = amount.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var unit = parts[1][0] switch { 'K' => 1L << 10, 'M' => 1L << 20, 'G' => 1L << 30, 'T' => 1L << 40, _ => 1L };
        return (long)(double.Parse(parts[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) * unit);
    }

    [GeneratedRegex(@"\x1b\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Drawing();

    [GeneratedRegex(@"^Copying blob (sha256:)?(?<id>[0-9a-f]{12,64})\b", RegexOptions.ExplicitCapture)]
    private static partial Regex PodmanLayer();

    [GeneratedRegex(@"(^|\s)layer-sha256:(?<id>[0-9a-f]{12,64}):?\s[^|]*\|[^|]*\|\s*((?<current>\d{1,9}(\.\d{1,9})? [KMGT]?i?B)/(?<total>\d{1,9}(\.\d{1,9})? [KMGT]?i?B))?", RegexOptions.ExplicitCapture)]
    private static partial Regex NerdctlLayer();
}
