using System.Numerics;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// The tree at one size, unchanging while <see cref="TileTree"/> grows on: roots, proofs and tiles of it and of every earlier size, and
/// the state to roll back to. Reading is safe on any thread, for as long as the tree was not rolled back to a smaller size.
/// </summary>
/// <remarks>
/// A node of the tree is (height, index): the subtree over leaves index·2^height to (index+1)·2^height - 1, whole. Any range of leaves that
/// a proof asks for is one such node, or, on the right edge of the size asked for, a fold of at most 63 of them.
/// </remarks>
public sealed class TreeSnapshot
{
    private readonly TileStore _store;

    // Folds of the right edge, by the number of subtrees in them: the proofs of a batch all end in the same ones.
    private readonly byte[]?[] _edges = new byte[]?[64];

    internal TreeSnapshot(long size, TileNodes?[] partial, TileNodes?[] lastFull, CompletedTile? untaken, CompletedTile? taken, TileStore store)
    {
        Size = size;
        Partial = partial;
        LastFull = lastFull;
        Untaken = untaken;
        Taken = taken;
        _store = store;
    }

    /// <summary>Number of leaves.</summary>
    public long Size { get; }

    internal TileNodes?[] Partial { get; }

    internal TileNodes?[] LastFull { get; }

    internal CompletedTile? Untaken { get; }

    internal CompletedTile? Taken { get; }

    /// <summary>The root, 32 bytes, from the tiles.</summary>
    public byte[] Root() => RootAt(Size);

    /// <summary>The root that the tree had at <paramref name="size"/> leaves, 32 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative or above <see cref="Size"/>.</exception>
    /// <exception cref="InvalidDataException">A stored tile is missing or is not the one that its parent names.</exception>
    public byte[] RootAt(long size)
    {
        RequireSize(size, nameof(size));
        return size == 0 ? MerkleHash.EmptyRoot.ToArray() : RangeHash(0, size).AsSpan().ToArray();
    }

    /// <summary>
    /// The hashes from leaf <paramref name="index"/>'s sibling up to the root's child, in the tree of <paramref name="size"/> leaves (RFC 9162,
    /// section 2.1.3.1): at most 63, none for a tree of one leaf. Other proofs share them: they are to be read.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is above <see cref="Size"/>, or the index is not below the size.</exception>
    /// <exception cref="InvalidDataException">A stored tile is missing or is not the one that its parent names.</exception>
    public IReadOnlyList<byte[]> InclusionProof(long index, long size)
    {
        RequireSize(size, nameof(size));
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var proof = new List<byte[]>(64 - BitOperations.LeadingZeroCount((ulong)size));
        long start = 0, end = size;
        while (end - start > 1)
        {
            var middle = start + LargestPowerOfTwoBelow(end - start);
            if (index < middle)
            {
                proof.Add(RangeHash(middle, end));
                end = middle;
            }
            else
            {
                proof.Add(RangeHash(start, middle));
                start = middle;
            }
        }
        proof.Reverse();
        return proof;
    }

    /// <summary>
    /// The hashes that show the tree of <paramref name="size1"/> leaves as the beginning of that of <paramref name="size2"/> (RFC 9162,
    /// section 2.1.4.1). None for equal sizes, nor from the empty tree, of which nothing can be proved.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The sizes are not 0 ≤ size1 ≤ size2 ≤ <see cref="Size"/>.</exception>
    /// <exception cref="InvalidDataException">A stored tile is missing or is not the one that its parent names.</exception>
    public IReadOnlyList<byte[]> ConsistencyProof(long size1, long size2)
    {
        RequireSize(size2, nameof(size2));
        ArgumentOutOfRangeException.ThrowIfNegative(size1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size1, size2);
        if (size1 == 0 || size1 == size2)
        {
            return [];
        }
        var proof = new List<byte[]>(65 - BitOperations.LeadingZeroCount((ulong)size2));
        long start = 0, end = size2;
        while (size1 != end)
        {
            var middle = start + LargestPowerOfTwoBelow(end - start);
            if (size1 <= middle)
            {
                proof.Add(RangeHash(middle, end));
                end = middle;
            }
            else
            {
                proof.Add(RangeHash(start, middle));
                start = middle;
            }
        }
        // Where the older tree is this subtree from leaf 0 on, the verifier has its hash already: it is the older root.
        if (start != 0)
        {
            proof.Add(RangeHash(start, end));
        }
        proof.Reverse();
        return proof;
    }

    /// <summary>The first <paramref name="width"/> hashes of a tile, 32 bytes each; a width of 256 is the full tile.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The width is not from 1 to 256, or the tree of this size has no such tile.</exception>
    /// <exception cref="InvalidDataException">The stored tile is missing or is not the one that its parent names.</exception>
    public byte[] PartialTile(TileId id, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, TileId.FullWidth);
        if (!Holds(id, width))
        {
            throw new ArgumentOutOfRangeException(nameof(id), $"A tree of {Size} leaves has no {id.Path(width)}.");
        }
        return Tile(id).Hashes[..(width * MerkleHash.Size)].ToArray();
    }

    /// <summary>True when the tree of this size has that tile, at least <paramref name="width"/> hashes wide.</summary>
    public bool Holds(TileId id, int width)
    {
        if (id.Level is < 0 or >= TileTree.Levels || id.Index < 0 || width is < 1 or > TileId.FullWidth)
        {
            return false;
        }
        var hashes = Size >> (TileId.Height * id.Level);
        return id.Index < hashes >> TileId.Height
            || (id.Index == hashes >> TileId.Height && width <= (hashes & (TileId.FullWidth - 1)));
    }

    // MTH(D[start:end]): one node when the range is a whole subtree, else a fold of the right edge, its largest subtree with what is right of that.
    // Every range of a proof starts at a multiple of the power of two that is not below its length.
    private byte[] RangeHash(long start, long end)
    {
        var (height, subtrees) = (BitOperations.Log2((ulong)(end - start)), BitOperations.PopCount((ulong)(end - start)));
        var largest = Node(height, start >> height);
        if (subtrees == 1)
        {
            return largest.ToArray();
        }
        if (end == Size && Volatile.Read(ref _edges[subtrees]) is { } known)
        {
            return known;
        }
        var rest = RangeHash(start + (1L << height), end);
        if (end != Size)
        {
            MerkleHash.Node(largest, rest, rest);
            return rest;
        }
        var edge = MerkleHash.Node(largest, rest);
        Volatile.Write(ref _edges[subtrees], edge);
        return edge;
    }

    private ReadOnlySpan<byte> Node(int height, long index)
    {
        var inTile = height % TileId.Height;
        var tile = Tile(new TileId(height / TileId.Height, index >> (TileId.Height - inTile)));
        return tile.Node(inTile, (int)(index & ((TileId.FullWidth >> inTile) - 1)));
    }

    private TileNodes Tile(TileId id)
    {
        var edge = TileTree.FullTiles(Size, id.Level);
        if (id.Index == edge)
        {
            return Partial[id.Level]!;
        }
        if (id.Index == edge - 1 && LastFull[id.Level] is { } lastFull)
        {
            return lastFull;
        }
        return Untaken?.Find(id) ?? Taken?.Find(id) ?? _store.Find(id) ?? ReadVerified(id);
    }

    // The right edge is in memory and vouches for the tiles below it, each of those for the tiles below itself.
    private TileNodes ReadVerified(TileId id)
    {
        var nodes = _store.Read(id);
        if (!nodes.Root.SequenceEqual(Node(TileId.Height * (id.Level + 1), id.Index)))
        {
            throw new InvalidDataException($"The ledger's {id.Path()} is damaged: its hashes do not lead to the hash that stands for it one level up.");
        }
        _store.Keep(id, nodes);
        return nodes;
    }

    private void RequireSize(long size, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Size, name);
    }

    private static long LargestPowerOfTwoBelow(long count) => 1L << (63 - BitOperations.LeadingZeroCount((ulong)count - 1));
}
