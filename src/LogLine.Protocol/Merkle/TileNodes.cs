namespace LogLine.Protocol.Merkle;

/// <summary>
/// One tile with its inner nodes: heights 0 (the 256 hashes that are stored) to 8 (the tile's own root), so that a proof reads where it
/// would otherwise hash. A node is written once, when its last leaf arrives; how many are filled follows from the tree's size and is
/// not kept here. Snapshots of several sizes can therefore share one tile.
/// </summary>
internal sealed class TileNodes
{
    private readonly byte[] _nodes = new byte[((2 * TileId.FullWidth) - 1) * MerkleHash.Size];

    /// <summary>The 256 hashes of the tile; those beyond its width are rubbish.</summary>
    internal ReadOnlySpan<byte> Hashes => _nodes.AsSpan(0, TileId.FullBytes);

    /// <summary>The root of the full tile: the hash that stands for it one level up.</summary>
    internal ReadOnlySpan<byte> Root => Node(TileId.Height, 0);

    /// <summary>A full tile from its 8,192 stored bytes; 255 node hashes.</summary>
    internal static TileNodes FromHashes(ReadOnlySpan<byte> hashes)
    {
        var tile = new TileNodes();
        hashes[..TileId.FullBytes].CopyTo(tile._nodes);
        for (var height = 1; height <= TileId.Height; height++)
        {
            for (var i = 0; i < TileId.FullWidth >> height; i++)
            {
                tile.HashChildren(height, i);
            }
        }
        return tile;
    }

    /// <summary>Writes the hash at <paramref name="position"/> and each node that it completes; the positions before it are filled.</summary>
    internal void Append(int position, ReadOnlySpan<byte> hash)
    {
        hash.CopyTo(Slot(0, position));
        for (var height = 1; height <= TileId.Height && (position & 1) == 1; height++)
        {
            position >>= 1;
            HashChildren(height, position);
        }
    }

    internal ReadOnlySpan<byte> Node(int height, int index) => Slot(height, index);

    private void HashChildren(int height, int index) =>
        MerkleHash.Node(Slot(height - 1, 2 * index), Slot(height - 1, (2 * index) + 1), Slot(height, index));

    // Height 0 takes slots 0 to 255, height 1 the next 128, and so on; the root is slot 510.
    private Span<byte> Slot(int height, int index)
    {
        var first = (2 * TileId.FullWidth) - ((2 * TileId.FullWidth) >> height);
        return _nodes.AsSpan((first + index) * MerkleHash.Size, MerkleHash.Size);
    }
}
