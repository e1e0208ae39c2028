namespace LogLine.Protocol.Merkle;

/// <summary>
/// The ledger's growing tree in memory, as C2SP tlog-tiles. It holds the right edge alone: of each level the partial tile and the last full
/// one, with their inner nodes (256 KiB at most), so that memory does not grow with the log and a proof of a recent entry costs few
/// hashes. Full tiles are handed out to be stored and are read back through a delegate.
/// </summary>
/// <remarks>
/// One owner appends, takes tiles and rolls back; it is not safe for several threads. Others read from a <see cref="TreeSnapshot"/>.
/// For a batch: <see cref="Snapshot"/>, then <see cref="Append"/> for each entry, then <see cref="Root"/> and the proofs, then
/// <see cref="TakeFullTiles"/> into the same transaction as the entries; when the commit fails, <see cref="Rollback"/>.
/// </remarks>
public sealed class TileTree
{
    // Level 7 counts subtrees of 2^56 leaves: no tree of 2^63 - 1 leaves fills a tile of it.
    internal const int Levels = 8;

    private readonly TileStore _store;
    private readonly TileNodes?[] _partial = new TileNodes?[Levels];
    private readonly TileNodes?[] _lastFull = new TileNodes?[Levels];
    private CompletedTile? _untaken;
    private CompletedTile? _taken;
    private TreeSnapshot? _snapshot;

    /// <summary>An empty tree.</summary>
    /// <param name="readFullTile">
    /// Gives the 8,192 bytes of a full tile that was taken before, null when it has none. It may be called on any thread that reads a
    /// snapshot. What it gives is held against the hash one level up and kept in a small cache.
    /// </param>
    public TileTree(Func<TileId, byte[]?> readFullTile)
    {
        ArgumentNullException.ThrowIfNull(readFullTile);
        _store = new TileStore(readFullTile);
    }

    /// <summary>Number of leaves.</summary>
    public long Size { get; private set; }

    /// <summary>
    /// The tree of an existing ledger. Reads the full tiles below the right edge, at most 255 per level, and hashes each. The caller holds
    /// the <see cref="Root"/> that comes of it against the last checkpoint: here nothing but that root vouches for the tiles.
    /// </summary>
    /// <param name="size">Number of leaves.</param>
    /// <param name="readFullTile">As for the constructor.</param>
    /// <param name="tailLeafHashes">The leaf hashes after the last full tile of level 0: size mod 256 of them.</param>
    /// <exception cref="ArgumentException">The size is negative, or the tail has another number of hashes.</exception>
    /// <exception cref="InvalidDataException">A full tile is missing or has a wrong length.</exception>
    public static TileTree Restore(long size, Func<TileId, byte[]?> readFullTile, IReadOnlyList<byte[]> tailLeafHashes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentNullException.ThrowIfNull(tailLeafHashes);
        if (tailLeafHashes.Count != Width(size, 0))
        {
            throw new ArgumentException($"A tree of {size} leaves has {Width(size, 0)} after its last full tile, not {tailLeafHashes.Count}.", nameof(tailLeafHashes));
        }
        var tree = new TileTree(readFullTile) { Size = size };
        for (var i = 0; i < tailLeafHashes.Count; i++)
        {
            MerkleHash.RequireSize(tailLeafHashes[i], nameof(tailLeafHashes));
            (tree._partial[0] ??= new TileNodes()).Append(i, tailLeafHashes[i]);
        }
        for (var level = 1; level < Levels; level++)
        {
            tree.RestoreLevel(level);
        }
        return tree;
    }

    /// <summary>Adds a leaf; 1 node hash amortised.</summary>
    /// <exception cref="ArgumentException">The hash is not 32 bytes long.</exception>
    public void Append(ReadOnlySpan<byte> leafHash)
    {
        MerkleHash.RequireSize(leafHash, nameof(leafHash));
        var grown = checked(Size + 1);
        var hash = leafHash;
        for (var level = 0; level < Levels; level++)
        {
            var position = Width(Size, level);
            var tile = _partial[level] ??= new TileNodes();
            tile.Append(position, hash);
            if (position < TileId.FullWidth - 1)
            {
                break;
            }
            _partial[level] = null;
            _lastFull[level] = tile;
            _untaken = new CompletedTile(new TileId(level, FullTiles(Size, level)), tile, _untaken);
            hash = tile.Root;
        }
        Size = grown;
        _snapshot = null;
    }

    /// <summary>
    /// The tiles that filled up since the last call, in the order in which they did, 8,192 bytes each. They stay readable here until the next
    /// call; by then the delegate must have them. To be called for every batch: the tree holds every tile until it is taken.
    /// </summary>
    public IReadOnlyList<(TileId Id, byte[] Hashes)> TakeFullTiles()
    {
        var full = new List<(TileId Id, byte[] Hashes)>();
        for (var tile = _untaken; tile is not null; tile = tile.Earlier)
        {
            full.Add((tile.Id, tile.Nodes.Hashes.ToArray()));
        }
        full.Reverse();
        (_taken, _untaken, _snapshot) = (_untaken, null, null);
        return full;
    }

    /// <summary>The tree as it is now, for readers and for <see cref="Rollback"/>. One small object; the tiles are shared.</summary>
    public TreeSnapshot Snapshot() =>
        _snapshot ??= new TreeSnapshot(Size, [.. _partial], [.. _lastFull], _untaken, _taken, _store);

    /// <summary>
    /// Gives up every leaf since <paramref name="snapshot"/>, tiles taken in between included. Snapshots made after it must not be used any more.
    /// </summary>
    /// <exception cref="ArgumentException">The snapshot is larger than the tree.</exception>
    public void Rollback(TreeSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (snapshot.Size > Size)
        {
            throw new ArgumentException($"A tree of {Size} leaves cannot be rolled back to {snapshot.Size}.", nameof(snapshot));
        }
        snapshot.Partial.CopyTo(_partial, 0);
        snapshot.LastFull.CopyTo(_lastFull, 0);
        (_untaken, _taken, Size) = (snapshot.Untaken, snapshot.Taken, snapshot.Size);
        _snapshot = null;
        _store.Clear();
    }

    /// <inheritdoc cref="TreeSnapshot.Root"/>
    public byte[] Root() => Snapshot().Root();

    /// <inheritdoc cref="TreeSnapshot.RootAt"/>
    public byte[] RootAt(long size) => Snapshot().RootAt(size);

    /// <inheritdoc cref="TreeSnapshot.InclusionProof"/>
    public IReadOnlyList<byte[]> InclusionProof(long index, long size) => Snapshot().InclusionProof(index, size);

    /// <inheritdoc cref="TreeSnapshot.ConsistencyProof"/>
    public IReadOnlyList<byte[]> ConsistencyProof(long size1, long size2) => Snapshot().ConsistencyProof(size1, size2);

    /// <inheritdoc cref="TreeSnapshot.PartialTile"/>
    public byte[] PartialTile(TileId id, int width) => Snapshot().PartialTile(id, width);

    // A partial tile above level 0 holds the roots of the full tiles below it.
    private void RestoreLevel(int level)
    {
        var width = Width(Size, level);
        var first = FullTiles(Size, level) << TileId.Height;
        for (var i = 0; i < width; i++)
        {
            var below = _store.Read(new TileId(level - 1, first + i));
            (_partial[level] ??= new TileNodes()).Append(i, below.Root);
            _lastFull[level - 1] = below;
        }
    }

    // Full tiles of a level. In two steps, since a shift by 64 would be one by 0.
    internal static long FullTiles(long size, int level) => size >> (TileId.Height * level) >> TileId.Height;

    // Hashes in the partial tile of a level.
    private static int Width(long size, int level) => (int)(size >> (TileId.Height * level)) & (TileId.FullWidth - 1);
}

/// <summary>A tile that filled up, and those that did before it. Never changed, so snapshots share it.</summary>
internal sealed record CompletedTile(TileId Id, TileNodes Nodes, CompletedTile? Earlier)
{
    internal TileNodes? Find(TileId id)
    {
        for (var tile = this; tile is not null; tile = tile.Earlier)
        {
            if (tile.Id == id)
            {
                return tile.Nodes;
            }
        }
        return null;
    }
}
