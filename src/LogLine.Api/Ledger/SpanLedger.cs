using System.Diagnostics.Metrics;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>
/// The verifiable log. Everything enters through <see cref="AppendAsync"/> (what the gate admitted) or <see cref="AppendOwnAsync"/> (what the
/// gateway itself says); both answer when it is on the disk and inside a signed tree. The format is in docs/ledger-format.md.
/// </summary>
public sealed class SpanLedger : IAsyncDisposable
{
    private readonly LedgerWriter _writer;
    private readonly ServerKeys _keys;
    private readonly Meter _gauges;

    private long _minimum;

    private SpanLedger(ILedgerStore store, ServerKeys keys, LedgerWriter writer, long minimum)
    {
        (Store, _keys, _writer, _minimum) = (store, keys, writer, minimum);
        writer.OnCommit += FollowMinimum;
        Identity = new ServerIdentity(keys, writer.Origin);
        _gauges = LedgerTelemetry.Gauges(() => writer.Queued, () => writer.Committed.Tree.Size, () => writer.Stopped is not null);
    }

    /// <summary>What a verifier of the whole log is told: its name, and the public halves of the keys that there were.</summary>
    public LedgerTrust Trust => _keys.Trust(Origin);

    /// <summary>The public side of the gateway's keys.</summary>
    public ServerIdentity Identity { get; }

    /// <summary>Committed state.</summary>
    public ILedgerStore Store { get; }

    /// <summary>The log's origin: first line and key name of every checkpoint, fixed at first start.</summary>
    public string Origin => _writer.Origin;

    /// <summary>Entries that are durable.</summary>
    public long Size => Tree.Size;

    /// <summary>The log's minimum index (docs/ledger-format.md, K1): what is below it is shown to nobody any more. 0 when nothing was pruned.</summary>
    public long Minimum => Volatile.Read(ref _minimum);

    /// <summary>The tree over them, all of it signed; it does not change while the log grows on.</summary>
    public TreeSnapshot Tree => Head.Tree;

    /// <summary>The tree and the checkpoint over it, of one commit.</summary>
    public CommittedTree Head => _writer.Committed;

    /// <summary>The last checkpoint; empty before the first entry.</summary>
    public string Checkpoint => Head.Seal?.Note ?? "";

    /// <summary>Why the ledger takes nothing any more, or null. It stops for good when what it computed twice differs.</summary>
    public string? Stopped => _writer.Stopped;

    /// <summary>Why the ledger takes nothing until an operator has helped, or null: its keys were replaced, and this gateway's folder lacks one.</summary>
    public string? Waiting => _writer.Waiting;

    /// <summary>Happens after every commit, on the writer, before anybody who waits for it is woken: handlers must be quick and must not throw.</summary>
    public event Action<CommittedBatch>? Committed
    {
        add => _writer.OnCommit += value;
        remove => _writer.OnCommit -= value;
    }

    /// <summary>
    /// Opens a ledger and verifies its right edge: the last checkpoint's signature, the root from tiles and entries against it, the
    /// frontier, and every entry since the last full tile, or since the last checkpoint that is known to have been verified, against its span (architecture, rule 4).
    /// </summary>
    /// <param name="store">Where it lies.</param>
    /// <param name="keys">The gateway's keys.</param>
    /// <param name="published">File with the last published checkpoint (<see cref="PublishedCheckpoint"/>); null beside a gateway that keeps it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="queueLength">Requests that may wait.</param>
    /// <param name="logger">For what an operator should know.</param>
    /// <exception cref="DataFolderException">Something does not hold; nothing was changed.</exception>
    public static async Task<SpanLedger> OpenAsync(ILedgerStore store, ServerKeys keys, string? published, TimeProvider time, int queueLength, ILogger<SpanLedger> logger)
    {
        RecoveredLedger recovered;
        try
        {
            await FollowKeysAsync(store, keys);
            recovered = await LedgerRecovery.RecoverAsync(store, keys);
        }
        catch (LedgerStoreException unreadable)
        {
            throw new DataFolderException($"The end of the ledger cannot be read: {unreadable.Message}. Restore a backup; nothing was changed.", unreadable);
        }
        if (PublishedCheckpoint.Contradiction(published, recovered.Committed.Tree, recovered.Origin, keys) is { } contradiction)
        {
            throw new DataFolderException($"The ledger must not go on from here: {contradiction}. Bring back the newest database; or let it go on as another log, under a new name and key: 'logline ledger restore' (docs/operations.md). Nothing was changed.");
        }
        if (!store.IsShared)
        {
            // What other gateways have added meanwhile, they have verified; here nobody else has.
            await LedgerRecovery.VerifySinceAsync(store, recovered.Tree, Math.Max(recovered.Minimum, PublishedCheckpoint.SizeIn(published) ?? recovered.Tree.Size));
            keys.Settle(recovered.Origin, recovered.Tree.Size);
        }
        return new SpanLedger(store, keys, new LedgerWriter(store, keys, recovered, new PublishedCheckpoint(published, logger), time, queueLength, logger), recovered.Minimum);
    }

    private void FollowMinimum(CommittedBatch batch)
    {
        foreach (var raised in batch.Touched.Where(touched => touched.Kind == TouchedKind.Minimum))
        {
            Volatile.Write(ref _minimum, long.Parse(raised.Id, System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private static async Task FollowKeysAsync(ILedgerStore store, ServerKeys keys)
    {
        if (await store.ReadKeyHistoryAsync() is { } told)
        {
            keys.Follow((await store.ReadHeadAsync()).Origin, KeyHistory.Parse(told));
            if (keys.Missing is { } missing)
            {
                throw new DataFolderException(missing + ".");
            }
        }
    }

    /// <summary>Ends the time in which an old and a new log key sign; for the command line, when nothing is appended.</summary>
    /// <exception cref="DataFolderException">No log key is being replaced.</exception>
    internal void FinishLogKey() => _keys.FinishLog(Size);

    /// <summary>
    /// Appends what the gate admitted. What the gateway says about it is signed here, on the request's own thread: the writer signs checkpoints alone.
    /// Null when the queue is full: nothing was taken.
    /// </summary>
    /// <exception cref="LedgerUnavailableException">The disk failed or the ledger has stopped: nothing was committed.</exception>
    public Task<AppendOutcome>? AppendAsync(AppendRequest append) => LedgerTelemetry.Append(new LedgerWork(LedgerPiece.Of(append, Identity)), _writer.TryEnqueue);

    /// <summary>Appends spans that the gateway itself signed, all or none. Waits while the queue is full.</summary>
    /// <exception cref="LedgerUnavailableException">As above.</exception>
    public async Task<AppendOutcome> AppendOwnAsync(IReadOnlyList<ServerSpan> spans, CancellationToken cancel)
    {
        while (true)
        {
            var outcome = await LedgerTelemetry.Append(new LedgerWork(LedgerPiece.Of(spans)), async work => await await _writer.EnqueueAsync(work, cancel))!;
            if (outcome.Conflict != AppendConflict.ServerKey)
            {
                return outcome;
            }
            spans = [.. spans.Select(Identity.Renew)];
        }
    }

    /// <summary>Completes when there are more than <paramref name="size"/> entries.</summary>
    public Task WaitForMoreAsync(long size, CancellationToken cancel) => _writer.WaitForMoreAsync(size, cancel);

    /// <summary>The receipt of an entry: final, because its tree is signed.</summary>
    public Receipt ReceiptOf(LedgerEntry entry, LogPosition position) =>
        ReceiptOf(entry, position.Index, position.In.Seal!, position.In.Tree);

    /// <summary>The receipt of a stored span.</summary>
    public async ValueTask<Receipt> ReceiptOfAsync(StoredSpan stored)
    {
        var note = await Store.ReadCheckpointOverAsync(stored.Index) ?? throw new InvalidOperationException($"There is no checkpoint over the entry {stored.Index}.");
        // Another gateway may have committed it a moment ago: this one's tree follows.
        await _writer.WaitForMoreAsync(SealedTree.Of(note).Checkpoint.Size - 1, CancellationToken.None);
        return ReceiptOf(stored, note);
    }

    /// <summary>The receipt of a stored span in the tree of another checkpoint of this log, which covers it.</summary>
    public Receipt ReceiptOf(StoredSpan stored, string note) => ReceiptOf(stored.ReadEntry(), stored.Index, SealedTree.Of(note), Tree);

    private Receipt ReceiptOf(LedgerEntry entry, long index, SealedTree seal, TreeSnapshot tree) => new()
    {
        Entry = entry,
        LogIndex = index,
        TreeSize = seal.Checkpoint.Size,
        RootHash = seal.Checkpoint.Root,
        InclusionProof = tree.InclusionProof(index, seal.Checkpoint.Size),
        Checkpoint = seal.Note,
        Kid = _keys.LogKidOf(seal.KeyId),
        Signature = seal.Signature,
    };

    /// <summary>Takes no more, commits what is queued, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _gauges.Dispose();
        await _writer.DisposeAsync();
        await Store.DisposeAsync();
        _keys.Dispose();
    }
}

/// <summary>The disk failed, or the ledger has stopped: nothing of the request was committed.</summary>
public sealed class LedgerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What one transaction brought.</summary>
/// <param name="Size">Entries that are durable now.</param>
/// <param name="Touched">What it changed of which copies may be kept; often nothing.</param>
/// <param name="At">When it was durable, or, when another gateway has committed it, when this one took it over (<see cref="TimeProvider.GetTimestamp"/>).</param>
public sealed record CommittedBatch(long Size, IReadOnlyList<Touched> Touched, long At);

/// <summary>The tree of the last commit and its signed checkpoint (none before the first entry); immutable, so that proofs need no lock.</summary>
public sealed record CommittedTree(TreeSnapshot Tree, SealedTree? Seal);

/// <summary>A checkpoint that the log key has signed, taken apart.</summary>
/// <param name="Note">The signed note.</param>
/// <param name="Checkpoint">Its body, read.</param>
/// <param name="KeyId">The note's id of the key that made its first line.</param>
/// <param name="Signature">That line's 64 bytes.</param>
public sealed record SealedTree(string Note, Checkpoint Checkpoint, uint KeyId, byte[] Signature)
{
    /// <summary>Takes a note apart that this ledger wrote; it is not verified again.</summary>
    public static SealedTree Of(string note) =>
        SignedNote.TryParse(note, out var body, out var signatures) && Protocol.Merkle.Checkpoint.TryParse(body, out var checkpoint)
            ? new SealedTree(note, checkpoint, signatures[0].KeyId, signatures[0].Signature)
            : throw new InvalidOperationException("A stored checkpoint is not a signed note.");
}
