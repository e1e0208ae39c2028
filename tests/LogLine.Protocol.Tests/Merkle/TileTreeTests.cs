using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class TileTreeTests
{
    private const int SmallSizes = 600;

    [Fact]
    public void EverySmallSize_HasTheRootOfTheModelOnBothPaths()
    {
        var model = new NaiveTree();
        var (tree, frontier) = (new TileTree(_ => null), new CompactRange());
        for (var size = 0; size <= SmallSizes; size++)
        {
            model.GrowTo(size);
            if (size > 0)
            {
                tree.Append(model.Leaf(size - 1));
                frontier.Append(model.Leaf(size - 1));
            }
            Assert.Equal(size, tree.Size);
            Assert.Equal(model.Root(size), tree.Root());
            Assert.Equal(model.Root(size), frontier.Root());
        }
        for (var size = 0; size <= SmallSizes; size++)
        {
            Assert.Equal(model.Root(size), tree.RootAt(size));
        }
    }

    [Fact]
    public void EverySmallInclusionProof_IsTheModelsAndVerifies()
    {
        var (model, snapshot) = Grown(SmallSizes);
        for (var size = 1; size <= SmallSizes; size++)
        {
            var root = model.Root(size);
            for (var index = 0; index < size; index++)
            {
                var proof = snapshot.InclusionProof(index, size);
                Assert.True(MerkleProof.VerifyInclusion(index, size, model.Leaf(index), proof, root));
                if ((size + index) % 7 == 0)
                {
                    Assert.Equal(model.Path(index, size), proof);
                }
            }
        }
    }

    [Fact]
    public void EverySmallConsistencyProof_IsTheModelsAndVerifies()
    {
        var (model, snapshot) = Grown(SmallSizes);
        for (var size2 = 1; size2 <= SmallSizes; size2++)
        {
            for (var size1 = 1; size1 <= size2; size1++)
            {
                var proof = snapshot.ConsistencyProof(size1, size2);
                Assert.True(MerkleProof.VerifyConsistency(size1, size2, proof, model.Root(size1), model.Root(size2)));
                if ((size1 + size2) % 7 == 0)
                {
                    Assert.Equal(model.Proof(size1, size2), proof);
                }
            }
        }
    }

    [Fact]
    public void LargeTree_AgreesWithTheModelAcrossTileLevels()
    {
        const int Size = 66_000;
        var stored = new TileShelf();
        var model = new NaiveTree();
        model.GrowTo(Size);
        var (tree, frontier) = (new TileTree(stored.Read), new CompactRange());
        for (var i = 0; i < Size; i++)
        {
            tree.Append(model.Leaf(i));
            frontier.Append(model.Leaf(i));
            if (i % 1000 == 999)
            {
                stored.Put(tree.TakeFullTiles());
            }
            if (i is 65_534 or 65_535 or 65_536 or 65_791 or 65_792)
            {
                Assert.Equal(model.Root(i + 1), tree.Root());
                Assert.Equal(model.Root(i + 1), frontier.Root());
            }
        }
        stored.Put(tree.TakeFullTiles());
        stored.Put(tree.TakeFullTiles());
        var random = new Random(20_261_120);
        for (var round = 0; round < 2_000; round++)
        {
            var size = random.Next(1, Size + 1);
            var index = random.Next(size);
            var older = random.Next(1, size + 1);
            Assert.Equal(model.Root(size), tree.RootAt(size));
            Assert.Equal(model.Path(index, size), tree.InclusionProof(index, size));
            Assert.Equal(model.Proof(older, size), tree.ConsistencyProof(older, size));
        }
        Assert.Equal(model.Mth(0, 65_536), tree.PartialTile(new TileId(2, 0), 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(5_000)]
    [InlineData(65_536)]
    [InlineData(66_000)]
    public void RestoredTree_IsTheOneThatGrew(int size)
    {
        var stored = new TileShelf();
        var grown = Grow(stored, size);
        var tail = Enumerable.Range(size - (size % 256), size % 256).Select(NaiveTree.LeafHash).ToList();
        var restored = TileTree.Restore(size, stored.Read, tail);
        Assert.Equal(grown.Root(), restored.Root());
        for (var i = size; i < size + 600; i++)
        {
            grown.Append(NaiveTree.LeafHash(i));
            restored.Append(NaiveTree.LeafHash(i));
        }
        Assert.Equal(grown.Root(), restored.Root());
        Assert.Equal(grown.InclusionProof(size / 3, size + 300), restored.InclusionProof(size / 3, size + 300));
        Assert.Equal(grown.TakeFullTiles().Select(tile => (tile.Id, Convert.ToHexString(tile.Hashes))), restored.TakeFullTiles().Select(tile => (tile.Id, Convert.ToHexString(tile.Hashes))));
    }

    [Fact]
    public void BatchThatIsRolledBack_LeavesNoTrace()
    {
        var stored = new TileShelf();
        var tree = Grow(stored, 700);
        var expected = Grow(new TileShelf(), 700);
        var committed = tree.Snapshot();
        for (var i = 0; i < 900; i++)
        {
            tree.Append(MerkleHash.Leaf([(byte)i, 0xEE]));
        }
        Assert.Equal(4, tree.TakeFullTiles().Count);
        _ = tree.Root();
        tree.Rollback(committed);
        Assert.Equal(700, tree.Size);
        Assert.Equal(expected.Root(), tree.Root());
        Assert.Equal(expected.InclusionProof(300, 700), tree.InclusionProof(300, 700));
        for (var i = 700; i < 2_000; i++)
        {
            tree.Append(NaiveTree.LeafHash(i));
            expected.Append(NaiveTree.LeafHash(i));
        }
        Assert.Equal(expected.Root(), tree.Root());
        Assert.Equal(expected.TakeFullTiles().Select(tile => tile.Id), tree.TakeFullTiles().Select(tile => tile.Id));
        Assert.Equal(expected.InclusionProof(1_023, 2_000), tree.InclusionProof(1_023, 2_000));
        Assert.Equal(expected.RootAt(700), committed.Root());
    }

    [Fact]
    public void TileOfARolledBackBatch_IsNeitherHandedOutNorRemembered()
    {
        var stored = new TileShelf();
        var tree = Grow(stored, 700);
        var committed = tree.Snapshot();
        Append(tree, 900, i => MerkleHash.Leaf([(byte)i, 0xEE]));
        tree.Rollback(committed);
        Assert.Empty(tree.TakeFullTiles());
        Append(tree, 900, i => MerkleHash.Leaf([(byte)i, 0xEE]));
        var given = tree.TakeFullTiles();
        stored.Put(given);
        _ = tree.TakeFullTiles();
        Assert.NotEmpty(tree.InclusionProof(800, 1_600));
        tree.Rollback(committed);
        stored.Remove(given);
        Append(tree, 900, i => NaiveTree.LeafHash(700 + i));
        stored.Put(tree.TakeFullTiles());
        _ = tree.TakeFullTiles();
        Assert.Equal(Grow(new TileShelf(), 1_600).InclusionProof(800, 1_600), tree.InclusionProof(800, 1_600));
    }

    [Fact]
    public void TilesReadBack_AreForgottenBeyondAFixedNumber()
    {
        var store = new TileStore(_ => null);
        for (var i = 0; i <= 64; i++)
        {
            store.Keep(new TileId(0, i), new TileNodes());
            Assert.NotNull(store.Find(new TileId(0, 0)));
        }
        Assert.Null(store.Find(new TileId(0, 1)));
        Assert.NotNull(store.Find(new TileId(0, 2)));
    }

    [Fact]
    public void BatchOfManyTiles_IsProvableBeforeItIsStored()
    {
        var model = new NaiveTree();
        model.GrowTo(3_000);
        var tree = new TileTree(id => throw new InvalidOperationException($"{id.Path()} was not stored yet"));
        for (var i = 0; i < 3_000; i++)
        {
            tree.Append(model.Leaf(i));
        }
        Assert.Equal(11, tree.TakeFullTiles().Count);
        for (var i = 0; i < 3_000; i += 13)
        {
            Assert.Equal(model.Path(i, 3_000), tree.InclusionProof(i, 3_000));
        }
    }

    [Fact]
    public void SnapshotOfAnEarlierSize_IsUnmovedByGrowth()
    {
        var stored = new TileShelf();
        var tree = Grow(stored, 300);
        var (early, root) = (tree.Snapshot(), tree.Root());
        for (var i = 300; i < 1_500; i++)
        {
            tree.Append(NaiveTree.LeafHash(i));
        }
        stored.Put(tree.TakeFullTiles());
        Assert.Equal(root, early.Root());
        Assert.Equal(tree.InclusionProof(299, 300), early.InclusionProof(299, 300));
        Assert.Equal(tree.RootAt(300), root);
        Assert.Throws<ArgumentOutOfRangeException>(() => early.RootAt(301));
    }

    [Fact]
    public async Task ReadersOfACommittedSnapshot_AreUndisturbedByTheWriter()
    {
        var stored = new TileShelf();
        var tree = Grow(stored, 2_000);
        _ = tree.TakeFullTiles();
        var committed = tree.Snapshot();
        var (model, root) = (new NaiveTree(), tree.Root());
        model.GrowTo(2_000);
        var readers = Enumerable.Range(0, 3).Select(reader => Task.Run(() =>
        {
            for (var index = reader; index < 2_000; index += 3)
            {
                Assert.True(MerkleProof.VerifyInclusion(index, 2_000, model.Leaf(index), committed.InclusionProof(index, 2_000), root));
            }
        })).ToArray();
        for (var batch = 0; batch < 20; batch++)
        {
            var before = tree.Snapshot();
            for (var i = 0; i < 300; i++)
            {
                tree.Append(MerkleHash.Leaf([(byte)batch, (byte)i]));
            }
            _ = tree.TakeFullTiles();
            if (batch % 2 == 0)
            {
                tree.Rollback(before);
            }
        }
        await Task.WhenAll(readers);
    }

    [Fact]
    public void StoredTileWithOneFlippedBit_IsFoundWhenRead()
    {
        var stored = new TileShelf();
        var size = 3_000;
        _ = Grow(stored, size);
        var tail = Enumerable.Range(size - (size % 256), size % 256).Select(NaiveTree.LeafHash).ToList();
        var tree = TileTree.Restore(size, stored.Read, tail);
        stored.Flip(new TileId(0, 4), 77);
        var damage = Assert.Throws<InvalidDataException>(() => tree.InclusionProof(1_100, size));
        Assert.Contains("tile/0/004", damage.Message, StringComparison.Ordinal);
        Assert.NotNull(tree.InclusionProof(700, size));
    }

    [Fact]
    public void MissingOrShortTile_IsNamed()
    {
        Assert.Contains("tile/0/000 is missing", Assert.Throws<InvalidDataException>(() => TileTree.Restore(256, _ => null, [])).Message, StringComparison.Ordinal);
        Assert.Contains("7 bytes", Assert.Throws<InvalidDataException>(() => TileTree.Restore(256, _ => new byte[7], [])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => TileTree.Restore(257, _ => new byte[TileId.FullBytes], []));
    }

    [Fact]
    public void SizeOrIndexOutsideTheTree_IsRefused()
    {
        var tree = Grow(new TileShelf(), 10);
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.RootAt(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.InclusionProof(5, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.InclusionProof(-1, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.ConsistencyProof(6, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.PartialTile(new TileId(0, 0), 11));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.PartialTile(new TileId(1, 0), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.PartialTile(new TileId(8, 0), 1));
        Assert.Throws<ArgumentException>(() => tree.Append(new byte[31]));
        Assert.Equal(10, tree.Size);
    }

    [Fact]
    public void TreeOf70000_HasTheTilesOfTheSpecification()
    {
        // C2SP tlog-tiles, "Partial Tiles": 273 full level 0 tiles, one of width 112, one full level 1 tile, one of width 17, level 2 of width 1.
        var stored = new TileShelf();
        var tree = Grow(stored, 70_000).Snapshot();
        Assert.Equal(274, stored.Count);
        Assert.True(tree.Holds(new TileId(0, 272), 256) && tree.Holds(new TileId(0, 273), 112) && !tree.Holds(new TileId(0, 273), 113));
        Assert.True(tree.Holds(new TileId(1, 0), 256) && tree.Holds(new TileId(1, 1), 17) && !tree.Holds(new TileId(1, 1), 18));
        Assert.True(tree.Holds(new TileId(2, 0), 1) && !tree.Holds(new TileId(2, 0), 2) && !tree.Holds(new TileId(3, 0), 1));
        Assert.Equal(112 * 32, tree.PartialTile(new TileId(0, 273), 112).Length);
        Assert.Equal(stored.Read(new TileId(0, 100)), tree.PartialTile(new TileId(0, 100), 256));
    }

    private static (NaiveTree Model, TreeSnapshot Snapshot) Grown(int size)
    {
        var model = new NaiveTree();
        model.GrowTo(size);
        return (model, Grow(new TileShelf(), size).Snapshot());
    }

    private static TileTree Grow(TileShelf stored, int size)
    {
        var tree = new TileTree(stored.Read);
        for (var i = 0; i < size; i++)
        {
            tree.Append(NaiveTree.LeafHash(i));
        }
        stored.Put(tree.TakeFullTiles());
        return tree;
    }

    private static void Append(TileTree tree, int count, Func<int, byte[]> leaf)
    {
        for (var i = 0; i < count; i++)
        {
            tree.Append(leaf(i));
        }
    }

    /// <summary>Where a ledger would have its table of tiles.</summary>
    private sealed class TileShelf
    {
        private readonly Dictionary<TileId, byte[]> _tiles = [];

        internal int Count => _tiles.Count;

        internal byte[]? Read(TileId id) => _tiles.GetValueOrDefault(id);

        internal void Put(IReadOnlyList<(TileId Id, byte[] Hashes)> tiles)
        {
            foreach (var (id, hashes) in tiles)
            {
                _tiles.Add(id, hashes);
            }
        }

        internal void Remove(IReadOnlyList<(TileId Id, byte[] Hashes)> tiles)
        {
            foreach (var (id, _) in tiles)
            {
                _tiles.Remove(id);
            }
        }

        internal void Flip(TileId id, int at) => _tiles[id][at] ^= 1;
    }
}
