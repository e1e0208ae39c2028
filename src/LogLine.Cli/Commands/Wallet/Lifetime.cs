using System.Globalization;

namespace LogLine.Cli.Commands.Wallet;

/// <summary>A duration on the command line: a whole number with <c>s</c>, <c>m</c> or <c>h</c>.</summary>
internal static class Lifetime
{
    public static bool TryParse(string text, out TimeSpan life)
    {
        life = default;
        if (text.Length is < 2 or > 6 || !int.TryParse(text.AsSpan()[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
        {
            return false;
        }
        var unit = text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        life = TimeSpan.FromSeconds((long)number * unit);
        return unit != 0;
    }
}
