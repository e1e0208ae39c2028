using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Ledger;

/// <summary>Opening a ledger is recovering it: the right edge is rebuilt from what is stored and held against the signed checkpoint.</summary>
internal static class LedgerRecovery
{
    public static async Task<RecoveredLedger> RecoverAsync(ILedgerStore store, ServerKeys keys)
    {
        var (origin, size, hashes, _, minimum) = await store.ReadHeadAsync();
        var frontier = ReadFrontier(size, hashes);
        var tailStart = size / TileId.FullWidth * TileId.FullWidth;
        var tail = await store.ReadEntriesAsync(tailStart, TileId.FullWidth + 1);
        if (store.IsShared && tail.Count > size - tailStart)
        {
            // Another gateway has gone on writing since the head was read: what it has added is taken over like anything else of its.
            tail = [.. tail.Take((int)(size - tailStart))];
        }
        if (tail.Count != size - tailStart)
        {
            throw Damaged($"the head says {size} entries, but from {tailStart} on there are {tail.Count}, not {size - tailStart}");
        }
        TileTree tree;
        try
        {
            tree = TileTree.Restore(size, store.ReadTile, [.. tail.Select(VerifiedLeaf)]);
        }
        catch (Exception defect) when (defect is ArgumentException or InvalidOperationException or InvalidDataException or KeyNotFoundException)
        {
            throw Damaged("tiles are missing: " + defect.Message);
        }
        if (size == 0)
        {
            return new RecoveredLedger(origin, tree, frontier, new CommittedTree(tree.Snapshot(), null), minimum);
        }
        var note = await store.ReadCheckpointAsync(size) ?? throw Damaged($"the checkpoint of size {size} is missing");
        if (!SignedNote.TryVerifyAny(note, origin, keys.LogKeysAt(size), out var body) || !Checkpoint.TryParse(body, out var checkpoint))
        {
            throw Damaged($"the checkpoint of size {size} does not carry this folder's log key ({keys.LogKid}) and origin ({origin})");
        }
        if (checkpoint.Size != size || !checkpoint.Root.AsSpan().SequenceEqual(tree.Root()) || !checkpoint.Root.AsSpan().SequenceEqual(frontier.Root()))
        {
            throw Damaged($"the entries do not add up to the signed root of size {size}");
        }
        return new RecoveredLedger(origin, tree, frontier, new CommittedTree(tree.Snapshot(), SealedTree.Of(note)), minimum);
    }

    /// <summary>
    /// Holds every entry since a checkpoint against its span and its leaf in the tree. The end of the log is verified by whoever opens it; this is for what was committed after the last
    /// checkpoint that is known to have been on the disk, which after a power failure can be more.
    /// </summary>
    /// <param name="store">The ledger.</param>
    /// <param name="tree">Its tree, whose root is signed.</param>
    /// <param name="from">Entries of that checkpoint.</param>
    public static async Task VerifySinceAsync(ILedgerStore store, TileTree tree, long from)
    {
        for (var tile = from / TileId.FullWidth; tile < tree.Size / TileId.FullWidth; tile++)
        {
            var leaves = tree.PartialTile(new TileId(0, tile), TileId.FullWidth);
            var entries = await store.ReadEntriesAsync(tile * TileId.FullWidth, TileId.FullWidth);
            for (var i = 0; i < TileId.FullWidth; i++)
            {
                var index = (tile * TileId.FullWidth) + i;
                if (i >= entries.Count || entries[i].Index != index || !VerifiedLeaf(entries[i]).AsSpan().SequenceEqual(leaves.AsSpan(i * MerkleHash.Size, MerkleHash.Size)))
                {
                    throw Damaged($"entry {index} is not the one that the tree holds");
                }
            }
        }
    }

    private static CompactRange ReadFrontier(long size, byte[] hashes)
    {
        try
        {
            return CompactRange.FromHashes(size, [.. hashes.Chunk(MerkleHash.Size)]);
        }
        catch (ArgumentException)
        {
            throw Damaged("the head row does not hold the frontier of its size");
        }
    }

    /// <summary>The leaf hash of an entry, after entry and span were held against each other.</summary>
    private static byte[] VerifiedLeaf(StoredSpan stored)
    {
        if (!LedgerEntry.TryRead(stored.Entry, out var entry))
        {
            throw Damaged($"entry {stored.Index} is not a canonical ledger entry");
        }
        if (stored.Span.Length > 0 && ContentHash.Of(stored.Span) != entry.Hash)
        {
            throw Damaged($"the span of entry {stored.Index} is not the one that was admitted");
        }
        return MerkleHash.Leaf(stored.Entry);
    }

    private static DataFolderException Damaged(string what) =>
        new($"The ledger is damaged: {what}. It is not opened, so that nothing builds on it. Restore a backup; nothing was changed.");
}

/// <summary>A ledger's right edge, verified.</summary>
internal sealed record RecoveredLedger(string Origin, TileTree Tree, CompactRange Frontier, CommittedTree Committed, long Minimum);
