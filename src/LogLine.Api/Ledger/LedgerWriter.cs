using System.Threading.Channels;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Ledger;

/// <summary>One request's work for the writer; exactly one of the three is set.</summary>
internal sealed class LedgerWork
{
    public AppendRequest? Request { get; init; }

    /// <summary>For each span of the request, what the gateway says about it.</summary>
    public IReadOnlyList<IReadOnlyList<ServerSpan>> Followers { get; init; } = [];

    public IReadOnlyList<ServerSpan>? Own { get; init; }

    public Action<SqliteLedgerStore>? Write { get; init; }

    // Asynchronous continuations: the writer never runs a request's code.
    public TaskCompletionSource<AppendOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where its spans stand in the log, once they are written.</summary>
    public List<long> Indexes { get; } = [];

    /// <summary>Why it is not written.</summary>
    public AppendConflict? Conflict { get; set; }
}

/// <summary>
/// The one writer (architecture, rule 2). This task alone owns <c>_tree</c>, <c>_frontier</c> and the store's write connection. It takes all that
/// waits, up to <see cref="MaxBatch"/>, commits it in one transaction and answers everybody: the more wait, the larger the batch.
/// </summary>
internal sealed class LedgerWriter : IAsyncDisposable
{
    private const int MaxBatch = 512;
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromSeconds(60);

    private readonly Channel<LedgerWork> _queue;
    private readonly SqliteLedgerStore _store;
    private readonly ServerKeys _keys;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TileTree _tree;
    private readonly Task _loop;
    private CompactRange _frontier;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _forgotAt;

    public LedgerWriter(
        SqliteLedgerStore store, ServerKeys keys, string origin, TileTree tree, CompactRange frontier, CommittedTree committed, TimeProvider time, int queueLength, ILogger logger)
    {
        (_store, _keys, Origin, _tree, _frontier, Committed, _time, _logger) = (store, keys, origin, tree, frontier, committed, time, logger);
        _queue = Channel.CreateBounded<LedgerWork>(new BoundedChannelOptions(queueLength) { SingleReader = true });
        _forgotAt = time.GetTimestamp();
        _loop = Task.Run(RunAsync);
    }

    public string Origin { get; }

    public CommittedTree Committed { get; private set => Volatile.Write(ref field, value); }

    public string? Stopped { get; private set; }

    public event Action<CommittedBatch>? OnCommit;

    public Task<AppendOutcome>? TryEnqueue(LedgerWork work) => _queue.Writer.TryWrite(work) ? work.Done.Task : Closed() ? Task.FromException<AppendOutcome>(Unavailable()) : null;

    public async ValueTask<Task<AppendOutcome>> EnqueueAsync(LedgerWork work, CancellationToken cancel)
    {
        try
        {
            await _queue.Writer.WriteAsync(work, cancel);
        }
        catch (ChannelClosedException)
        {
            throw Unavailable();
        }
        return work.Done.Task;
    }

    public async Task WaitForMoreAsync(long size, CancellationToken cancel)
    {
        while (true)
        {
            var more = Volatile.Read(ref _more).Task;
            if (Committed.Tree.Size > size)
            {
                return;
            }
            await more.WaitAsync(cancel);
        }
    }

    private bool Closed() => _queue.Reader.Completion.IsCompleted || Stopped is not null || _loop.IsCompleted;

    private LedgerUnavailableException Unavailable() => new(Stopped ?? "The ledger is closing.");

    private async Task RunAsync()
    {
        var batch = new List<LedgerWork>(MaxBatch);
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var work))
            {
                batch.Add(work);
            }
            Commit(batch);
            if (Stopped is not null)
            {
                _queue.Writer.TryComplete();
            }
        }
    }

    private void Commit(List<LedgerWork> batch)
    {
        if (Stopped is not null)
        {
            Fail(batch, Unavailable());
            return;
        }
        var before = _tree.Snapshot();
        var frontier = _frontier.Clone();
        var effects = new List<LedgerEffect>();
        SealedTree? sealedTree = null;
        try
        {
            _store.Begin();
            foreach (var work in batch)
            {
                Write(work, effects);
            }
            sealedTree = Seal(before.Size);
            _store.Commit();
        }
        catch (Exception defect)
        {
            _logger.LogError(defect, "A batch of {Count} was not committed.", batch.Count);
            _store.Rollback();
            if (!HasPersisted(sealedTree))
            {
                _tree.Rollback(before);
                _frontier = frontier;
                Fail(batch, Stopped is not null ? Unavailable() : new LedgerUnavailableException("The batch was given up: " + defect.Message, defect));
                return;
            }
        }
        // Durable: from here on nothing is ever taken back.
        Publish(batch, sealedTree, effects);
    }

    /// <summary>
    /// After a commit that failed: was it persisted all the same? If the store cannot say, the ledger stops, and recovery decides at the next start.
    /// </summary>
    private bool HasPersisted(SealedTree? sealedTree)
    {
        if (sealedTree is null || Stopped is not null)
        {
            return false;
        }
        try
        {
            return _store.ReadHead().Size == _tree.Size;
        }
        catch (SqliteException defect)
        {
            Stopped = $"A commit failed and the store does not say whether it was persisted ({defect.Message}). The ledger has stopped; start it again to recover.";
            return false;
        }
    }

    private void Write(LedgerWork work, List<LedgerEffect> effects)
    {
        if (work.Write is { } write)
        {
            write(_store);
            return;
        }
        var first = _tree.Size;
        var leaves = new List<byte[]>();
        var mark = effects.Count;
        work.Conflict = _store.Guarded(() => work.Request is { } request
            ? WriteRequest(request, work.Followers, first, leaves, work.Indexes, effects)
            : WriteOwn(work.Own!, first, leaves, work.Indexes, effects));
        if (work.Conflict is not null)
        {
            effects.RemoveRange(mark, effects.Count - mark);
            work.Indexes.Clear();
            return;
        }
        foreach (var leaf in leaves)
        {
            _tree.Append(leaf);
            _frontier.Append(leaf);
        }
    }

    private AppendConflict? WriteRequest(AppendRequest request, IReadOnlyList<IReadOnlyList<ServerSpan>> followers, long first, List<byte[]> leaves, List<long> indexes, List<LedgerEffect> effects)
    {
        if (request.Nonce is { } nonce && _store.InsertNonce(request.Tenant, nonce.Nonce, nonce.Until) is { } reused)
        {
            return reused;
        }
        foreach (var (admitted, said) in request.Spans.Zip(followers))
        {
            if (!_store.AreActive(request.Tenant, admitted.TrustedKids))
            {
                return AppendConflict.Signer;
            }
            var own = new ServerSpan(admitted.Entry, admitted.Span) { Effects = admitted.Effects, RunId = admitted.RunId };
            indexes.Add(first + leaves.Count);
            if (WriteSpan(own, admitted.Fingerprint, admitted.Answer, first, leaves, effects) is { } conflict)
            {
                return conflict;
            }
            if (WriteOwn(said, first, leaves, [], effects) is { } followed)
            {
                return followed;
            }
        }
        if (request.Key is { } key)
        {
            var items = key.Items is null ? null : KeyItems.Write(key.Items, indexes);
            return _store.InsertKey(request.Tenant, key, indexes.Count > 0 ? indexes[0] : -1, items, _time.GetUtcNow());
        }
        return null;
    }

    private AppendConflict? WriteOwn(IReadOnlyList<ServerSpan> spans, long first, List<byte[]> leaves, List<long> indexes, List<LedgerEffect> effects)
    {
        foreach (var span in spans)
        {
            indexes.Add(first + leaves.Count);
            if (WriteSpan(span, null, null, first, leaves, effects) is { } conflict)
            {
                return conflict;
            }
        }
        return null;
    }

    private AppendConflict? WriteSpan(ServerSpan span, byte[]? fingerprint, byte[]? answer, long first, List<byte[]> leaves, List<LedgerEffect> effects)
    {
        var index = first + leaves.Count;
        var entry = span.Entry.ToUtf8();
        if (_store.InsertEntry(index, entry, span, fingerprint, answer) is { } taken)
        {
            return taken;
        }
        foreach (var effect in span.Effects)
        {
            if (_store.Apply(effect, index) is { } conflict)
            {
                return conflict;
            }
            effects.Add(effect);
        }
        leaves.Add(MerkleHash.Leaf(entry));
        return null;
    }

    /// <summary>Computes the root in two ways, signs it and stores the tree; null when nothing was appended.</summary>
    private SealedTree? Seal(long before)
    {
        if (_tree.Size == before)
        {
            Forget();
            return null;
        }
        var root = _tree.Root();
        if (_frontier.Size != _tree.Size || !root.AsSpan().SequenceEqual(_frontier.Root()))
        {
            Stopped = $"The root of size {_tree.Size} was computed in two ways with two results: the ledger has stopped. Verify it before you start it again.";
            throw new InvalidOperationException(Stopped);
        }
        var note = SignedNote.Sign(new Checkpoint(Origin, _tree.Size, root).Body, Origin, _keys.Log);
        _store.InsertTree(_tree.Size, [.. _frontier.Hashes.SelectMany(hash => hash)], _tree.TakeFullTiles(), note);
        Forget();
        return SealedTree.Of(note);
    }

    /// <summary>
    /// Forgets nonces by the wall clock only after twice their life, so that a clock that jumped ahead and came back does not open
    /// their window again.
    /// </summary>
    private void Forget()
    {
        if (_time.GetElapsedTime(_forgotAt) < ForgetEvery)
        {
            return;
        }
        _forgotAt = _time.GetTimestamp();
        var now = _time.GetUtcNow();
        _store.Forget(now - TimeSpan.FromMinutes(10), now);
    }

    private void Publish(List<LedgerWork> batch, SealedTree? sealedTree, List<LedgerEffect> effects)
    {
        // What keeps copies of rows forgets them first: nobody who is woken by the commit may still see what was before it.
        if (effects.Count > 0)
        {
            OnCommit?.Invoke(new CommittedBatch(_tree.Size, effects));
        }
        if (sealedTree is not null)
        {
            Committed = new CommittedTree(_tree.Snapshot(), sealedTree);
            Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
        foreach (var work in batch)
        {
            work.Done.TrySetResult(new AppendOutcome([.. work.Indexes.Select(index => new LogPosition(index, Committed))], work.Conflict));
        }
    }

    private static void Fail(List<LedgerWork> batch, LedgerUnavailableException why)
    {
        foreach (var work in batch)
        {
            work.Done.TrySetException(why);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
    }
}
