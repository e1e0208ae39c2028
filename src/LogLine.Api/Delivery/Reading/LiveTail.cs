using System.Collections.Concurrent;
using LogLine.Api.Ledger;

namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// The end of the log for all who follow it: every commit is read from the store once, however many readers there are, and wakes only those
/// whose tenant it concerns.
/// </summary>
internal sealed class LiveTail(SpanLedger ledger, TimeProvider time, ILogger<LiveTail> logger) : BackgroundService
{
    private const int PageSize = 64;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private const int MaxCommits = 4096;

    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<(long Size, long At)> _commits = [];
    private readonly Dictionary<string, TenantTail> _tails = [];
    private long _position = ledger.Size;
    private int _erasures;

    /// <summary>The tail of a tenant, kept for as long as it has readers, and a seat there: from here on <paramref name="more"/> is set whenever there is more.</summary>
    public (TenantTail Tail, TailLane Lane) Enter(string tenant, ReaderSignal more)
    {
        lock (_lock)
        {
            if (!_tails.TryGetValue(tenant, out var tail))
            {
                _tails.Add(tenant, tail = new TenantTail(_position));
            }
            tail.Readers++;
            return (tail, tail.Enter(more));
        }
    }

    /// <summary>Leaves a tail that was entered.</summary>
    public void Leave(string tenant, TenantTail tail, TailLane lane, ReaderSignal more)
    {
        lane.Leave(more);
        lock (_lock)
        {
            if (--tail.Readers == 0)
            {
                _tails.Remove(tenant);
            }
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        ledger.Committed += Note;
        try
        {
            await FollowAsync(stopping);
        }
        finally
        {
            ledger.Committed -= Note;
        }
    }

    /// <summary>Keeps in mind when it was, and what was erased is not shown from memory either.</summary>
    private void Note(CommittedBatch batch)
    {
        _commits.Enqueue((batch.Size, batch.At));
        if (_commits.Count > MaxCommits)
        {
            _commits.TryDequeue(out _); // the store cannot be read: what waits since then counts from the oldest that is kept
        }
        foreach (var erased in batch.Touched.Where(touched => touched.Kind == TouchedKind.Span))
        {
            lock (_lock)
            {
                _erasures++;
                if (_tails.TryGetValue(erased.Tenant, out var tail))
                {
                    tail.Forget();
                }
            }
        }
    }

    private async Task FollowAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await ledger.WaitForMoreAsync(_position, stopping);
                await AdvanceAsync();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception defect)
            {
                // The store is away: readers go on waiting, and miss nothing, since the position stays.
                logger.LogWarning(defect is LedgerStoreException ? null : defect, "The end of the log cannot be read; trying again: {Reason}", defect.Message);
                await Task.Delay(Pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task AdvanceAsync()
    {
        if (SkipIfUnread())
        {
            return;
        }
        var erasures = Volatile.Read(ref _erasures);
        // Not what the store has already and the writer has not told yet: everything that is read has its time.
        var stored = await ledger.Store.ReadEntriesAsync(_position, (int)Math.Min(PageSize, ledger.Size - _position));
        if (stored.Count == 0)
        {
            return;
        }
        var byTenant = stored.Select(span => (Span: span, At: CommittedAt(span.Index))).ToLookup(entry => LogItem.TenantOf(entry.Span));
        lock (_lock)
        {
            if (erasures != _erasures)
            {
                return; // what was read may be gone by now: it is read again
            }
            _position = stored[^1].Index + 1;
            foreach (var (tenant, tail) in _tails)
            {
                tail.Append([.. byTenant[tenant].Select(entry => LogItem.Live(entry.Span, entry.At))], _position);
            }
        }
    }

    /// <summary>When an entry was committed, or 0 when it was not yet; asked in the order of the log, and forgets what is before it.</summary>
    private long CommittedAt(long index)
    {
        while (_commits.TryPeek(out var commit))
        {
            if (commit.Size > index)
            {
                return commit.At;
            }
            _commits.TryDequeue(out _);
        }
        return 0;
    }

    private bool SkipIfUnread()
    {
        lock (_lock)
        {
            if (_tails.Count > 0)
            {
                return false;
            }
            _position = ledger.Size;
            CommittedAt(_position); // those before it are forgotten
            return true;
        }
    }
}
