using System.Globalization;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// Names one tile of the tree (C2SP tlog-tiles): 256 consecutive hashes of subtrees with 256^<see cref="Level"/> leaves each. Tile
/// <see cref="Index"/> of a level covers the leaves from Index·256^(Level+1) on.
/// </summary>
/// <param name="Level">0 for leaf hashes; 63 at most.</param>
/// <param name="Index">Place of the tile in its level, from 0.</param>
public readonly record struct TileId(int Level, long Index)
{
    /// <summary>Levels of the binary tree in one tile.</summary>
    public const int Height = 8;

    /// <summary>Hashes in a full tile.</summary>
    public const int FullWidth = 1 << Height;

    /// <summary>Bytes in a full tile.</summary>
    public const int FullBytes = FullWidth * MerkleHash.Size;

    private const string Prefix = "tile/";
    private const int MaxLevel = 63;

    /// <summary>The path under the log's prefix: <c>tile/0/x001/x234/067</c>, and with a width of 1 to 255 the partial tile <c>tile/0/x001/x234/067.p/12</c>.</summary>
    /// <param name="width">Hashes in the tile, 1 to 256.</param>
    /// <exception cref="ArgumentOutOfRangeException">The width is not from 1 to 256.</exception>
    public string Path(int width = FullWidth) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Level}/{TilePath.Write(Index, width)}");

    /// <summary>Reads what <see cref="Path"/> writes, and only the one spelling of each tile.</summary>
    public static bool TryParse(string path, out TileId id, out int width)
    {
        (id, width) = (default, 0);
        if (path is null || !path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }
        var rest = path.AsSpan(Prefix.Length);
        var slash = rest.IndexOf('/');
        if (slash < 0 || !DecimalText.TryParse(rest[..slash], out var level) || level > MaxLevel
            || !TilePath.TryParse(rest[(slash + 1)..], out var index, out var parsedWidth))
        {
            return false;
        }
        (id, width) = (new TileId((int)level, index), parsedWidth);
        return true;
    }
}
