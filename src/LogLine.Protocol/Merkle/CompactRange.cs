using System.Numerics;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// The frontier of a growing tree: the roots of its largest whole subtrees, at most 63 hashes however long the log is. It knows
/// the root and nothing else. The ledger keeps it beside <see cref="TileTree"/> and signs a checkpoint only where both name the same root
/// (architecture, rule 3), so it shares no code with the tiles but the node hash. One owner; not safe for several threads.
/// </summary>
public sealed class CompactRange
{
    // A tree has at most 2^63 - 1 leaves, so 63 heights.
    private const int Heights = 63;

    // The slot of a height holds the root of a whole subtree when that bit of the size is set. Below the lowest set bit it holds the subtree of that height that the
    // last leaf completed; other slots are rubbish.
    private readonly byte[] _slots = new byte[Heights * MerkleHash.Size];
    private bool _hasGrown;

    /// <summary>Number of leaves.</summary>
    public long Size { get; private set; }

    /// <summary>The hashes of the whole subtrees, the largest (leftmost) first: one for each set bit of <see cref="Size"/>. Copies.</summary>
    public IReadOnlyList<byte[]> Hashes
    {
        get
        {
            var hashes = new List<byte[]>(BitOperations.PopCount((ulong)Size));
            for (var height = Heights - 1; height >= 0; height--)
            {
                if (IsSet(height))
                {
                    hashes.Add(Slot(height).ToArray());
                }
            }
            return hashes;
        }
    }

    /// <summary>The frontier that <see cref="Hashes"/> described.</summary>
    /// <param name="size">Number of leaves.</param>
    /// <param name="hashes">One hash of 32 bytes for each set bit of the size, the largest subtree first.</param>
    /// <exception cref="ArgumentException">Size is negative, or the hashes are not those that it needs.</exception>
    public static CompactRange FromHashes(long size, IReadOnlyList<byte[]> hashes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentNullException.ThrowIfNull(hashes);
        var expected = BitOperations.PopCount((ulong)size);
        if (hashes.Count != expected)
        {
            throw new ArgumentException($"A tree of {size} leaves has {expected} frontier hashes, not {hashes.Count}.", nameof(hashes));
        }
        var range = new CompactRange { Size = size };
        var next = 0;
        for (var height = Heights - 1; height >= 0; height--)
        {
            if (range.IsSet(height))
            {
                var hash = hashes[next++];
                MerkleHash.RequireSize(hash, nameof(hashes));
                hash.CopyTo(range.Slot(height));
            }
        }
        return range;
    }

    /// <summary>A copy that grows on its own: the writer keeps one to go back to when a batch fails.</summary>
    public CompactRange Clone()
    {
        var copy = new CompactRange { Size = Size, _hasGrown = _hasGrown };
        _slots.CopyTo(copy._slots, 0);
        return copy;
    }

    /// <summary>Adds a leaf; 1 node hash amortised, 63 at most.</summary>
    /// <exception cref="ArgumentException">The hash is not 32 bytes long.</exception>
    public void Append(ReadOnlySpan<byte> leafHash)
    {
        MerkleHash.RequireSize(leafHash, nameof(leafHash));
        Span<byte> carried = stackalloc byte[MerkleHash.Size];
        leafHash.CopyTo(carried);
        Span<byte> left = stackalloc byte[MerkleHash.Size];
        var height = 0;
        for (; IsSet(height); height++)
        {
            Slot(height).CopyTo(left);
            carried.CopyTo(Slot(height));
            MerkleHash.Node(left, carried, carried);
        }
        var grown = checked(Size + 1);
        carried.CopyTo(Slot(height));
        (Size, _hasGrown) = (grown, true);
    }

    /// <summary>The root of the tree, 32 bytes: the frontier folded from its smallest subtree to its largest.</summary>
    public byte[] Root()
    {
        if (Size == 0)
        {
            return MerkleHash.EmptyRoot.ToArray();
        }
        var height = BitOperations.TrailingZeroCount(Size);
        var root = Slot(height).ToArray();
        for (height++; height < Heights; height++)
        {
            if (IsSet(height))
            {
                MerkleHash.Node(Slot(height), root, root);
            }
        }
        return root;
    }

    /// <summary>The root of the whole subtree of 2^<paramref name="height"/> leaves that the last leaf completed.</summary>
    /// <exception cref="InvalidOperationException">It completed none of that height, or no leaf was added here yet.</exception>
    public ReadOnlySpan<byte> Completed(int height) => _hasGrown && BitOperations.TrailingZeroCount(Size) >= height
        ? Slot(height)
        : throw new InvalidOperationException($"The last of {Size} leaves completed no subtree of height {height}.");

    private bool IsSet(int height) => ((Size >> height) & 1) == 1;

    private Span<byte> Slot(int height) => _slots.AsSpan(height * MerkleHash.Size, MerkleHash.Size);
}
