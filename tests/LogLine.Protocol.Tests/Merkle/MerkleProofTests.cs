using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class MerkleProofTests
{
    private const int Sizes = 130;

    private static readonly NaiveTree Model = Grown();

    [Fact]
    public void TamperedInclusionProof_IsRefused()
    {
        for (var size = 1; size <= Sizes; size++)
        {
            for (var index = 0; index < size; index++)
            {
                var (leaf, root, proof) = (Model.Leaf(index), Model.Root(size), Model.Path(index, size));
                Assert.True(MerkleProof.VerifyInclusion(index, size, leaf, proof, root));
                Assert.False(MerkleProof.VerifyInclusion(index, size, NaiveTree.LeafHash(index + 1), proof, root));
                Assert.False(MerkleProof.VerifyInclusion(index, size, leaf, proof, Model.Root(size + 1)));
                Assert.False(MerkleProof.VerifyInclusion(size, size, leaf, proof, root));
                if (index > 0)
                {
                    Assert.False(MerkleProof.VerifyInclusion(index - 1, size, leaf, proof, root));
                }
                Assert.All(Forgeries(proof), forged => Assert.False(MerkleProof.VerifyInclusion(index, size, leaf, forged, root)));
            }
        }
    }

    [Fact]
    public void TamperedConsistencyProof_IsRefused()
    {
        for (var size2 = 2; size2 <= Sizes; size2++)
        {
            for (var size1 = 1; size1 < size2; size1++)
            {
                var (root1, root2, proof) = (Model.Root(size1), Model.Root(size2), Model.Proof(size1, size2));
                Assert.True(MerkleProof.VerifyConsistency(size1, size2, proof, root1, root2));
                Assert.False(MerkleProof.VerifyConsistency(size1, size2, proof, root2, root1));
                Assert.False(MerkleProof.VerifyConsistency(size1, size2, proof, Model.Root(size1 + Sizes), root2));
                Assert.False(MerkleProof.VerifyConsistency(size1, size2, proof, root1, Model.Root(size2 + 1)));
                Assert.All(Forgeries(proof), forged => Assert.False(MerkleProof.VerifyConsistency(size1, size2, forged, root1, root2)));
            }
        }
    }

    [Fact]
    public void SizesAtTheEdgeOfTheirRange_AreJudgedWithoutAnException()
    {
        var (hash, proof) = (Model.Leaf(0), Enumerable.Repeat(Model.Leaf(1), 63).ToArray());
        foreach (var size in (long[])[long.MinValue, -1, 0, 1, 1L << 62, long.MaxValue])
        {
            Assert.False(MerkleProof.VerifyInclusion(long.MaxValue - 1, size, hash, proof, hash));
            Assert.False(MerkleProof.VerifyInclusion(long.MinValue, size, hash, proof, hash));
            Assert.False(MerkleProof.VerifyConsistency(3, size, proof, hash, hash));
            Assert.False(MerkleProof.VerifyConsistency(size, long.MaxValue, [.. proof, .. proof], hash, hash));
        }
        Assert.False(MerkleProof.VerifyInclusion(0, 1, hash, null!, hash));
        Assert.False(MerkleProof.VerifyInclusion(0, 2, hash, [null!], hash));
        Assert.False(MerkleProof.VerifyConsistency(1, 2, [null!], hash, hash));
    }

    [Fact]
    public void RootOfEverySmallTree_FollowsFromItsFrontier()
    {
        var range = new CompactRange();
        for (var size = 0; size <= Sizes; size++)
        {
            var copy = CompactRange.FromHashes(range.Size, range.Hashes);
            var branch = copy.Clone();
            branch.Append(Model.Leaf(7));
            Assert.Equal(Model.Root(size), copy.Root());
            copy.Append(Model.Leaf(size));
            Assert.Equal(Model.Root(size + 1), copy.Root());
            range.Append(Model.Leaf(size));
        }
        Assert.Throws<ArgumentException>(() => CompactRange.FromHashes(3, [Model.Leaf(0)]));
        Assert.Throws<ArgumentException>(() => CompactRange.FromHashes(1, [new byte[31]]));
    }

    [Fact]
    public void CompletedSubtrees_AreTheRootsOfTheirLeaves()
    {
        var range = new CompactRange();
        for (var size = 1; size <= Sizes; size++)
        {
            range.Append(Model.Leaf(size - 1));
            for (var height = 0; height < 10; height++)
            {
                if (size % (1 << height) != 0)
                {
                    Assert.Throws<InvalidOperationException>(() => range.Completed(height).ToArray());
                    continue;
                }
                var subtree = new CompactRange();
                for (var leaf = size - (1 << height); leaf < size; leaf++)
                {
                    subtree.Append(Model.Leaf(leaf));
                }
                Assert.Equal(subtree.Root(), range.Completed(height).ToArray());
                Assert.Equal(subtree.Root(), range.Clone().Completed(height).ToArray());
            }
            Assert.Throws<InvalidOperationException>(() => CompactRange.FromHashes(range.Size, range.Hashes).Completed(0).ToArray());
        }
    }

    [Fact]
    public void LongEntry_HashesAsTheShortOnesDo()
    {
        foreach (var length in (int[])[0, 1, 1022, 1023, 1024, 70_000])
        {
            var entry = new byte[length];
            Array.Fill(entry, (byte)0x5A);
            Assert.Equal(System.Security.Cryptography.SHA256.HashData([0, .. entry]), MerkleHash.Leaf(entry));
        }
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Convert.ToHexStringLower(MerkleHash.EmptyRoot));
    }

    private static IEnumerable<byte[][]> Forgeries(List<byte[]> proof)
    {
        yield return [.. proof, Model.Leaf(0)];
        yield return [Model.Leaf(0), .. proof];
        if (proof.Count > 0)
        {
            yield return [.. proof[1..]];
            yield return [.. proof[..^1]];
            yield return [.. proof[..^1], proof[^1][1..]];
        }
        for (var i = 0; i < proof.Count; i++)
        {
            var flipped = proof.ToArray();
            flipped[i] = [.. proof[i]];
            flipped[i][i % 32] ^= 0x10;
            yield return flipped;
        }
    }

    private static NaiveTree Grown()
    {
        var model = new NaiveTree();
        model.GrowTo(2 * Sizes);
        for (var size = 0; size <= 2 * Sizes; size++)
        {
            _ = model.Root(size);
        }
        return model;
    }
}
