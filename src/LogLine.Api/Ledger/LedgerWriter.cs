using System.Threading.Channels;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Ledger;

/// <summary>A piece that waits for the writer, and whoever waits for it.</summary>
internal sealed class LedgerWork(LedgerPiece piece)
{
    public LedgerPiece Piece => piece;

    // Asynchronous continuations: the writer never runs a request's code.
    public TaskCompletionSource<AppendOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where its first row stands in the log, once it is written.</summary>
    public long First { get; set; }

    /// <summary>Why it is not written.</summary>
    public AppendConflict? Conflict { get; set; }
}

/// <summary>
/// The one writer (architecture, rule 2). This task alone owns <c>_tree</c> and <c>_frontier</c> and begins transactions. It takes all that
/// waits, up to <see cref="MaxBatch"/>, commits it in one transaction and answers everybody: the more wait, the larger the batch.
/// </summary>
internal sealed class LedgerWriter : IAsyncDisposable
{
    private const int MaxBatch = 512;
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromSeconds(60);

    /// <summary>How long a nonce is kept beyond its time: twice its life, so that a clock that jumped ahead and came back does not open its window again.</summary>
    internal static readonly TimeSpan NonceMemory = TimeSpan.FromMinutes(10);


    private readonly Channel<LedgerWork> _queue;
    private readonly ILedgerStore _store;
    private readonly ServerKeys _keys;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TileTree _tree;
    private readonly Task _loop;
    private CompactRange _frontier;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _forgotAt;

    public LedgerWriter(ILedgerStore store, ServerKeys keys, RecoveredLedger recovered, TimeProvider time, int queueLength, ILogger logger)
    {
        (_store, _keys, _time, _logger) = (store, keys, time, logger);
        (Origin, _tree, _frontier, Committed) = recovered;
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
            await CommitAsync(batch);
            await ForgetAsync();
            if (Stopped is not null)
            {
                _queue.Writer.TryComplete();
            }
        }
    }

    private async Task CommitAsync(List<LedgerWork> batch)
    {
        if (Stopped is not null)
        {
            Fail(batch, Unavailable());
            return;
        }
        var before = _tree.Snapshot();
        var frontier = _frontier.Clone();
        TreeGrowth? growth = null;
        try
        {
            await using var transaction = await _store.BeginAsync(_time.GetUtcNow());
            RequireOnlyWriter(transaction.Size);
            await WriteAsync(transaction, batch);
            growth = Seal(before.Size, batch);
            await transaction.CommitAsync(growth);
        }
        catch (Exception defect)
        {
            _logger.LogError(defect, "A batch of {Count} was not committed.", batch.Count);
            if (!await HasPersistedAsync(growth))
            {
                _tree.Rollback(before);
                _frontier = frontier;
                Fail(batch, Stopped is not null ? Unavailable() : new LedgerUnavailableException("The batch was given up: " + defect.Message, defect));
                return;
            }
        }
        // Durable: from here on nothing is ever taken back.
        Publish(batch, growth);
    }

    private void RequireOnlyWriter(long size)
    {
        if (size != _tree.Size)
        {
            Stopped = $"The store holds {size} entries where this gateway left {_tree.Size}: somebody else writes to it. The ledger has stopped.";
            throw new InvalidOperationException(Stopped);
        }
    }

    /// <summary>
    /// After a commit that failed: was it persisted all the same? If the store cannot say, the ledger stops, and recovery decides at the next start.
    /// </summary>
    private async Task<bool> HasPersistedAsync(TreeGrowth? growth)
    {
        if (growth is null || Stopped is not null)
        {
            return false;
        }
        try
        {
            return await _store.ReadCheckpointAsync(growth.Size) == growth.Note;
        }
        catch (LedgerStoreException defect)
        {
            Stopped = $"A commit failed and the store does not say whether it was persisted ({defect.Message}). The ledger has stopped; start it again to recover.";
            return false;
        }
    }

    private async Task WriteAsync(ILedgerTransaction transaction, List<LedgerWork> batch)
    {
        var conflicts = await transaction.WriteAsync([.. batch.Select(work => work.Piece)]);
        for (var i = 0; i < batch.Count; i++)
        {
            batch[i].Conflict = conflicts[i];
            if (conflicts[i] is not null)
            {
                continue;
            }
            batch[i].First = _tree.Size;
            foreach (var row in batch[i].Piece.Rows)
            {
                _tree.Append(row.Leaf);
                _frontier.Append(row.Leaf);
            }
        }
    }

    /// <summary>Computes the root in two ways and signs it; null when nothing was appended.</summary>
    private TreeGrowth? Seal(long before, List<LedgerWork> batch)
    {
        if (_tree.Size == before)
        {
            return null;
        }
        var root = _tree.Root();
        if (_frontier.Size != _tree.Size || !root.AsSpan().SequenceEqual(_frontier.Root()))
        {
            Stopped = $"The root of size {_tree.Size} was computed in two ways with two results: the ledger has stopped. Verify it before you start it again.";
            throw new InvalidOperationException(Stopped);
        }
        var note = _keys.Sign(new Checkpoint(Origin, _tree.Size, root));
        return new TreeGrowth(_tree.Size, [.. _frontier.Hashes.SelectMany(hash => hash)], _tree.TakeFullTiles(), note, TouchedBy(batch));
    }

    private static List<Touched> TouchedBy(List<LedgerWork> batch)
    {
        var touched = new List<Touched>();
        foreach (var work in batch)
        {
            foreach (var row in work.Conflict is null ? work.Piece.Rows : [])
            {
                foreach (var effect in row.Effects)
                {
                    if (Touched.By(effect) is { } one)
                    {
                        touched.Add(one);
                    }
                }
            }
        }
        return touched;
    }

    /// <summary>Forgets what is over; a store may do so with every batch besides.</summary>
    private async Task ForgetAsync()
    {
        if (_time.GetElapsedTime(_forgotAt) < ForgetEvery)
        {
            return;
        }
        _forgotAt = _time.GetTimestamp();
        var now = _time.GetUtcNow();
        try
        {
            await _store.ForgetAsync(now - NonceMemory, now);
        }
        catch (LedgerStoreException defect)
        {
            _logger.LogWarning(defect, "What is over was not forgotten; it is tried again in {Seconds} s.", ForgetEvery.TotalSeconds);
        }
    }

    private void Publish(List<LedgerWork> batch, TreeGrowth? growth)
    {
        if (growth is not null)
        {
            // What keeps copies of rows forgets them first: nobody who is woken by the commit may still see what was before it.
            if (growth.Touched.Count > 0)
            {
                OnCommit?.Invoke(new CommittedBatch(growth.Size, growth.Touched));
            }
            Committed = new CommittedTree(_tree.Snapshot(), SealedTree.Of(growth.Note));
            Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
        foreach (var work in batch)
        {
            work.Done.TrySetResult(new AppendOutcome(work.Conflict is null ? [.. work.Piece.Indexes(work.First).Select(index => new LogPosition(index, Committed))] : [], work.Conflict));
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
