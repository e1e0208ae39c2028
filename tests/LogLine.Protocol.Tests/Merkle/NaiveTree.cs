using System.Security.Cryptography;

namespace LogLine.Protocol.Tests.Merkle;

/// <summary>RFC 6962, section 2.1, word for word and without a thought for speed: the model that the tree is held to.</summary>
internal sealed class NaiveTree
{
    private readonly Dictionary<(int Start, int End), byte[]> _known = [];
    private readonly List<byte[]> _leaves = [];

    internal static byte[] Entry(int index) => BitConverter.GetBytes(index * 7919);

    internal static byte[] LeafHash(int index) => SHA256.HashData([0, .. Entry(index)]);

    /// <param name="size">Leaves that it has then, at least.</param>
    /// <param name="forksAt">From this index on entries are others.</param>
    internal void GrowTo(int size, int forksAt = int.MaxValue)
    {
        while (_leaves.Count < size)
        {
            _leaves.Add(LeafHash(_leaves.Count < forksAt ? _leaves.Count : -1 - _leaves.Count));
        }
    }

    internal byte[] Leaf(int index) => _leaves[index];

    internal byte[] Root(int size) => Mth(0, size);

    internal List<byte[]> Path(int index, int size) => Path(index, 0, size);

    internal List<byte[]> Proof(int size1, int size2) => size1 == 0 || size1 == size2 ? [] : SubProof(size1, 0, size2, true);

    // MTH(D[start:end]).
    internal byte[] Mth(int start, int end)
    {
        if (end == start)
        {
            return SHA256.HashData([]);
        }
        if (end - start == 1)
        {
            return _leaves[start];
        }
        if (!_known.TryGetValue((start, end), out var hash))
        {
            var split = Split(start, end);
            hash = SHA256.HashData([1, .. Mth(start, split), .. Mth(split, end)]);
            _known[(start, end)] = hash;
        }
        return hash;
    }

    private List<byte[]> Path(int index, int start, int end)
    {
        if (end - start == 1)
        {
            return [];
        }
        var split = Split(start, end);
        return index < split ? [.. Path(index, start, split), Mth(split, end)] : [.. Path(index, split, end), Mth(start, split)];
    }

    // SUBPROOF(m, D[start:end], b), with m counted from leaf 0.
    private List<byte[]> SubProof(int m, int start, int end, bool whole)
    {
        if (m == end)
        {
            return whole ? [] : [Mth(start, end)];
        }
        var split = Split(start, end);
        return m <= split
            ? [.. SubProof(m, start, split, whole), Mth(split, end)]
            : [.. SubProof(m, split, end, false), Mth(start, split)];
    }

    private static int Split(int start, int end)
    {
        var half = 1;
        while (half * 2 < end - start)
        {
            half *= 2;
        }
        return start + half;
    }
}
