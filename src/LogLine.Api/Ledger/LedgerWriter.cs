using System.Diagnostics;
using System.Threading.Channels;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Ledger;

/// <summary>A piece that waits for the writer, and whoever waits for it.</summary>
internal sealed class LedgerWork(LedgerPiece piece)
{
    /// <summary>Nothing to write: the writer is to look whether another gateway has extended the log.</summary>
    public static readonly LedgerWork Look = new(LedgerPiece.Of([]));

    public LedgerPiece Piece => piece;

    // Asynchronous continuations: the writer never runs a request's code.
    public TaskCompletionSource<AppendOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where its first row stands in the log, once it is written.</summary>
    public long First { get; set; }

    /// <summary>Why it is not written.</summary>
    public AppendConflict? Conflict { get; set; }

    /// <summary>Where the trace of the request stands that waits for it; nowhere when nobody traces.</summary>
    public ActivityContext Requested { get; set; }

    /// <summary>The batch in which it is written, in traces.</summary>
    public ActivityContext CommittedIn { get; set; }
}

/// <summary>
/// The one writer (architecture, rule 2). This task alone owns <c>_tree</c> and <c>_frontier</c> and begins transactions. It takes all that
/// waits, up to <see cref="MaxBatch"/>, commits it in one transaction and answers everybody: the more wait, the larger the batch.
/// </summary>
internal sealed class LedgerWriter : IAsyncDisposable
{
    private const int MaxBatch = 512;
    private const int CatchUpPage = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromSeconds(60);

    private readonly Channel<LedgerWork> _queue;
    private readonly ILedgerStore _store;
    private readonly ServerKeys _keys;
    private readonly PublishedCheckpoint _published;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TileTree _tree;
    private readonly Task _loop;
    private readonly Task _watch;
    private readonly Task _forget;
    private readonly CancellationTokenSource _closing = new();
    private CompactRange _frontier;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LedgerWriter(ILedgerStore store, ServerKeys keys, RecoveredLedger recovered, PublishedCheckpoint published, TimeProvider time, int queueLength, ILogger logger)
    {
        (_store, _keys, _published, _time, _logger) = (store, keys, published, time, logger);
        (Origin, _tree, _frontier, Committed, _) = recovered;
        _queue = Channel.CreateBounded<LedgerWork>(new BoundedChannelOptions(queueLength) { SingleReader = true });
        _loop = Task.Run(RunAsync);
        _watch = store.WatchAsync(() => _queue.Writer.TryWrite(LedgerWork.Look), _closing.Token);
        _forget = ForgetAsync();
    }

    public string Origin { get; }

    public CommittedTree Committed { get; private set => Volatile.Write(ref field, value); }

    public string? Stopped { get; private set; }

    /// <summary>Why nothing is taken until an operator has helped, or null.</summary>
    public string? Waiting => _keys.Missing;

    /// <summary>What waits to be written.</summary>
    public int Queued => _queue.Reader.Count;

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
            if (batch.Count > 1)
            {
                await Task.Yield(); // under load: requests that are ready to run come first, and into the same batch; where nothing waits for a core this takes no time
            }
            batch.Clear();
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var work))
            {
                if (work != LedgerWork.Look)
                {
                    batch.Add(work);
                }
            }
            await (batch.Count == 0 ? LookAsync() : CommitAsync(batch));
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
        using var activity = LedgerTelemetry.StartBatch(batch);
        var since = _time.GetTimestamp();
        var before = _tree.Snapshot();
        var frontier = _frontier.Clone();
        TreeGrowth? growth = null;
        try
        {
            await using var transaction = await _store.BeginAsync(_time.GetUtcNow());
            await FollowKeysAsync(transaction.SignedBy);
            if (transaction.Size != _tree.Size)
            {
                await CatchUpAsync(transaction.Size);
                (before, frontier) = (_tree.Snapshot(), _frontier.Clone());
            }
            if (_keys.Missing is { } missing)
            {
                throw new LedgerUnavailableException(missing);
            }
            await WriteAsync(transaction, batch);
            growth = Seal(before.Size, batch);
            await transaction.CommitAsync(growth);
        }
        catch (Exception defect)
        {
            // A store that is full or away is the operator's to mend, and is said in a line; anything else is a defect.
            _logger.LogError(defect is LedgerStoreException or LedgerUnavailableException ? null : defect, "A batch of {Count} was not committed: {Reason}", batch.Count, defect.Message);
            if (!await HasPersistedAsync(growth))
            {
                LedgerTelemetry.GivenUp();
                activity?.SetStatus(ActivityStatusCode.Error);
                _tree.Rollback(before);
                _frontier = frontier;
                Fail(batch, Stopped is not null ? Unavailable() : new LedgerUnavailableException("The batch was given up: " + defect.Message, defect));
                return;
            }
        }
        // Durable: from here on nothing is ever taken back.
        LedgerTelemetry.Committed(_tree.Size - before.Size, _time.GetElapsedTime(since));
        Publish(batch, growth);
    }

    /// <summary>Takes over what another gateway has added, so that streams go on and copies of rows are forgotten although this one writes nothing.</summary>
    private async Task LookAsync()
    {
        try
        {
            var head = await _store.ReadHeadAsync();
            await FollowKeysAsync(head.SignedBy);
            if (Stopped is null && head.Size > _tree.Size)
            {
                await CatchUpAsync(head.Size);
            }
        }
        catch (Exception defect) when (defect is LedgerStoreException or InvalidOperationException or DataFolderException)
        {
            _logger.LogWarning("The end of the log was not read: {Reason}", defect.Message);
        }
    }

    /// <summary>
    /// Follows when the keys of a shared ledger were replaced. Asked with the head locked, it is the same entry for all gateways; and what is signed by new keys is verified by them, whether or not
    /// this gateway can sign with them.
    /// </summary>
    private async Task FollowKeysAsync(string? signedBy)
    {
        if (signedBy is null || (signedBy == _keys.SignedBy && _keys.Missing is null) || await _store.ReadKeyHistoryAsync() is not { } told)
        {
            return;
        }
        var (before, could) = (_keys.SignedBy, _keys.Missing is null);
        _keys.Follow(Origin, KeyHistory.Parse(told));
        if (_keys.Missing is { } missing && could)
        {
            _logger.LogError("{Reason}.", missing);
        }
        else if (_keys.Missing is null)
        {
            _logger.LogInformation("The ledger is signed by {Keys} from here on, until now by {Before}.", _keys.SignedBy, before);
        }
    }

    /// <summary>
    /// Grows the tree by the entries that another gateway has committed, and believes them only when they lead to the root that the log key has signed. Either all of
    /// it is taken over or none.
    /// </summary>
    private async Task CatchUpAsync(long size)
    {
        var before = _tree.Snapshot();
        var frontier = _frontier.Clone();
        if (!_store.IsShared || size < before.Size)
        {
            throw Stop($"The store holds {size} entries where this gateway knows {before.Size}: {(size < before.Size ? "it was set back" : "somebody else writes to it")}. The ledger has stopped.");
        }
        try
        {
            while (_tree.Size < size)
            {
                var entries = await _store.ReadEntryBytesAsync(_tree.Size, (int)Math.Min(CatchUpPage, size - _tree.Size));
                foreach (var entry in entries)
                {
                    var leaf = entry.Length > 0 ? MerkleHash.Leaf(entry) : PrunedLeaf(_tree.Size);
                    _tree.Append(leaf);
                    _frontier.Append(leaf);
                }
                if (entries.Count == 0)
                {
                    throw Stop($"Entries are missing from the store before {size}. The ledger has stopped.");
                }
            }
            var note = await _store.ReadCheckpointAsync(size);
            if (note is null || !SignedNote.TryVerifyAny(note, Origin, _keys.LogKeysAt(size), out var body) || !Checkpoint.TryParse(body, out var checkpoint)
                || checkpoint.Size != size || !checkpoint.Root.AsSpan().SequenceEqual(_tree.Root()) || !checkpoint.Root.AsSpan().SequenceEqual(_frontier.Root()))
            {
                throw Stop($"The entries up to {size} do not lead to the root that this ledger's key has signed. The ledger has stopped.");
            }
            var touched = await _store.ReadTouchedAsync(before.Size, size);
            _tree.TakeFullTiles(); // the other gateway has stored them
            Advance(size, touched, note);
        }
        catch
        {
            _tree.Rollback(before);
            _frontier = frontier;
            throw;
        }
    }

    /// <summary>The leaf hash of an entry that another gateway has added and that was pruned since: the tile over it has it, and the signed root vouches for that.</summary>
    private byte[] PrunedLeaf(long index) => _store.ReadTile(new TileId(0, index / TileId.FullWidth)) is { Length: TileId.FullBytes } tile
        ? tile.AsSpan((int)(index % TileId.FullWidth) * MerkleHash.Size, MerkleHash.Size).ToArray()
        : throw Stop($"Entry {index} is missing from the store. The ledger has stopped.");

    private InvalidOperationException Stop(string why) => new(Stopped = why);

    /// <summary>
    /// After a commit that failed: was it persisted all the same? An embedded store that cannot say stops the ledger, and recovery decides at the next start. A shared
    /// one that does not answer in time is believed to have it or not when the next batch begins; until then nobody is told that anything was committed.
    /// </summary>
    private async Task<bool> HasPersistedAsync(TreeGrowth? growth)
    {
        if (growth is null || Stopped is not null)
        {
            return false;
        }
        var since = _time.GetTimestamp();
        while (true)
        {
            try
            {
                return await _store.SettledCheckpointAsync(growth.Size) == growth.Note;
            }
            catch (LedgerStoreException) when (_store.IsShared && _time.GetElapsedTime(since) < Patience && !_closing.IsCancellationRequested)
            {
                await Task.Delay(Pause, _time);
            }
            catch (LedgerStoreException) when (_store.IsShared)
            {
                return false;
            }
            catch (LedgerStoreException defect)
            {
                Stopped = $"A commit failed and the store does not say whether it was persisted ({defect.Message}). The ledger has stopped; start it again to recover.";
                return false;
            }
        }
    }

    private async Task WriteAsync(ILedgerTransaction transaction, List<LedgerWork> batch)
    {
        foreach (var work in batch)
        {
            work.Conflict = work.Piece.Rows.Exists(IsSignedByReplaced) ? AppendConflict.ServerKey : null;
        }
        var written = batch.FindAll(work => work.Conflict is null);
        var conflicts = await transaction.WriteAsync([.. written.Select(work => work.Piece)]);
        for (var i = 0; i < written.Count; i++)
        {
            written[i].Conflict = conflicts[i];
            if (conflicts[i] is not null)
            {
                continue;
            }
            written[i].First = _tree.Size;
            foreach (var row in written[i].Piece.Rows)
            {
                _tree.Append(row.Leaf);
                _frontier.Append(row.Leaf);
            }
        }
    }

    private bool IsSignedByReplaced(LedgerRow row) => !row.IsSubmitted && _keys.IsReplaced(row.Entry.Kid);

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
            throw Stop($"The root of size {_tree.Size} was computed in two ways with two results: the ledger has stopped. Verify it before you start it again.");
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

    /// <summary>
    /// Forgets nonces by the wall clock only after twice their life, so that a clock that jumped ahead and came back does not open
    /// their window again.
    /// </summary>
    private async Task ForgetAsync()
    {
        using var timer = new PeriodicTimer(ForgetEvery, _time);
        while (await NextAsync(timer))
        {
            var now = _time.GetUtcNow();
            try
            {
                await _store.ForgetAsync(now - TimeSpan.FromMinutes(10), now);
            }
            catch (LedgerStoreException away)
            {
                _logger.LogWarning("What is over was not forgotten; it is tried again in {Seconds} s: {Reason}", ForgetEvery.TotalSeconds, away.Message);
            }
        }
    }

    private async Task<bool> NextAsync(PeriodicTimer timer)
    {
        try
        {
            return await timer.WaitForNextTickAsync(_closing.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Publish(List<LedgerWork> batch, TreeGrowth? growth)
    {
        if (growth is not null)
        {
            Advance(growth.Size, growth.Touched, growth.Note);
        }
        foreach (var work in batch)
        {
            work.Done.TrySetResult(new AppendOutcome(work.Conflict is null ? work.Piece.Indexes(work.First).ConvertAll(index => new LogPosition(index, Committed)) : [], work.Conflict));
        }
    }

    private void Advance(long size, IReadOnlyList<Touched> touched, string note)
    {
        // What keeps copies of rows forgets them first: nobody who is woken by the commit may still see what was before it.
        OnCommit?.Invoke(new CommittedBatch(size, touched, _time.GetTimestamp()));
        _published.Note(note);
        Committed = new CommittedTree(_tree.Snapshot(), SealedTree.Of(note));
        Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
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
        await _closing.CancelAsync();
        await _loop;
        await _watch;
        _published.Dispose();
        await _forget;
        _closing.Dispose();
    }
}
