using System.Globalization;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// The end of a tile's path (C2SP tlog-tiles): the index in groups of three digits, all but the last with an x before, and for a partial tile
/// its width. <c>x001/x234/067.p/12</c>. Each tile has one spelling.
/// </summary>
internal static class TilePath
{
    private const string PartialMark = ".p/";

    // Seven groups for the largest index and ".p/255" stay below this.
    private const int MaxLength = 64;

    /// <exception cref="ArgumentOutOfRangeException">The width is not from 1 to 256.</exception>
    internal static string Write(long index, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, TileId.FullWidth);
        var path = string.Create(CultureInfo.InvariantCulture, $"{index % 1000:000}");
        for (var rest = index / 1000; rest > 0; rest /= 1000)
        {
            path = string.Create(CultureInfo.InvariantCulture, $"x{rest % 1000:000}/{path}");
        }
        return width == TileId.FullWidth ? path : string.Create(CultureInfo.InvariantCulture, $"{path}{PartialMark}{width}");
    }

    internal static bool TryParse(ReadOnlySpan<char> path, out long index, out int width)
    {
        (index, width) = (0, TileId.FullWidth);
        var digits = path;
        var mark = path.IndexOf(PartialMark, StringComparison.Ordinal);
        if (mark >= 0)
        {
            if (!DecimalText.TryParse(path[(mark + PartialMark.Length)..], out var partial) || partial is < 1 or >= TileId.FullWidth)
            {
                return false;
            }
            width = (int)partial;
            digits = path[..mark];
        }
        return path.Length <= MaxLength && TryParseDigits(digits, out index) && path.SequenceEqual(Write(index, width));
    }

    // Takes any grouping of the digits: the caller compares with the one spelling.
    private static bool TryParseDigits(ReadOnlySpan<char> text, out long index)
    {
        index = 0;
        foreach (var symbol in text)
        {
            if (symbol is 'x' or '/')
            {
                continue;
            }
            if (!char.IsAsciiDigit(symbol) || index > (long.MaxValue - (symbol - '0')) / 10)
            {
                return false;
            }
            index = (index * 10) + (symbol - '0');
        }
        return true;
    }
}
