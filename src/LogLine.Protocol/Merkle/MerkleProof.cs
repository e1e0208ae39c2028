namespace LogLine.Protocol.Merkle;

/// <summary>
/// The verifier's half of the tree: does a proof lead from a leaf, or from an older root, to this root? What comes from outside is
/// judged and never trusted: wrong sizes, lengths and counts are false, not exceptions.
/// </summary>
public static class MerkleProof
{
    /// <summary>
    /// True when <paramref name="leafHash"/> is leaf <paramref name="index"/> (from 0) of the tree with <paramref name="size"/> leaves and this
    /// root (RFC 9162, section 2.1.3.2). <paramref name="proof"/> goes from the leaf's sibling up to the root's child.
    /// </summary>
    public static bool VerifyInclusion(long index, long size, ReadOnlySpan<byte> leafHash, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> root)
    {
        if (index < 0 || index >= size || !IsHash(leafHash) || !IsHash(root) || proof is null)
        {
            return false;
        }
        long node = index, last = size - 1;
        Span<byte> hash = stackalloc byte[MerkleHash.Size];
        leafHash.CopyTo(hash);
        for (var i = 0; i < proof.Count; i++)
        {
            if (last == 0 || !IsHash(proof[i]))
            {
                return false;
            }
            if (IsRightChild(node) || node == last)
            {
                MerkleHash.Node(proof[i], hash, hash);
                ClimbUnpaired(ref node, ref last);
            }
            else
            {
                MerkleHash.Node(hash, proof[i], hash);
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && hash.SequenceEqual(root);
    }

    /// <summary>
    /// True when the tree with <paramref name="size2"/> leaves and <paramref name="root2"/> begins with the whole tree of <paramref name="size1"/>
    /// leaves and <paramref name="root1"/> (RFC 9162, section 2.1.4.2). Equal sizes take an empty proof and equal roots. From an empty
    /// tree nothing can be proved, so <paramref name="size1"/> of 0 is false unless both trees are the empty one.
    /// </summary>
    public static bool VerifyConsistency(long size1, long size2, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> root1, ReadOnlySpan<byte> root2)
    {
        if (size1 < 0 || size2 < size1 || proof is null)
        {
            return false;
        }
        if (size1 == size2)
        {
            return proof.Count == 0 && root1.SequenceEqual(root2) && (size1 != 0 || root1.SequenceEqual(MerkleHash.EmptyRoot));
        }
        if (size1 == 0 || !IsHash(root1) || !IsHash(root2) || proof.Count == 0 || !IsHash(proof[0]))
        {
            return false;
        }
        return ClimbFromBoth(size1, size2, proof, root1, root2);
    }

    private static bool ClimbFromBoth(long size1, long size2, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> root1, ReadOnlySpan<byte> root2)
    {
        long node = size1 - 1, last = size2 - 1;
        while (IsRightChild(node))
        {
            node >>= 1;
            last >>= 1;
        }
        // A whole subtree as the older tree is its own first hash, and the proof leaves it out.
        var startsAtRoot1 = node == 0;
        Span<byte> older = stackalloc byte[MerkleHash.Size];
        Span<byte> newer = stackalloc byte[MerkleHash.Size];
        (startsAtRoot1 ? root1 : proof[0]).CopyTo(older);
        older.CopyTo(newer);
        for (var i = startsAtRoot1 ? 0 : 1; i < proof.Count; i++)
        {
            if (last == 0 || !IsHash(proof[i]))
            {
                return false;
            }
            if (IsRightChild(node) || node == last)
            {
                MerkleHash.Node(proof[i], older, older);
                MerkleHash.Node(proof[i], newer, newer);
                ClimbUnpaired(ref node, ref last);
            }
            else
            {
                MerkleHash.Node(newer, proof[i], newer);
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && older.SequenceEqual(root1) && newer.SequenceEqual(root2);
    }

    // On the right edge a node without a sibling is its own parent: climb until it is a right child.
    private static void ClimbUnpaired(ref long node, ref long last)
    {
        while (!IsRightChild(node) && node != 0)
        {
            node >>= 1;
            last >>= 1;
        }
    }

    private static bool IsRightChild(long node) => (node & 1) == 1;

    private static bool IsHash(ReadOnlySpan<byte> hash) => hash.Length == MerkleHash.Size;
}
