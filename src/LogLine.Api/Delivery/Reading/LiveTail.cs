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

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TenantTail> _tails = [];
    private long _position = ledger.Size;
    private int _erasures;

    /// <summary>The tail of a tenant, kept for as long as it has readers, and a seat there.</summary>
    public (TenantTail Tail, TailLane Lane) Enter(string tenant)
    {
        lock (_lock)
        {
            if (!_tails.TryGetValue(tenant, out var tail))
            {
                _tails.Add(tenant, tail = new TenantTail(_position));
            }
            var lane = tail.Lane();
            lane.Readers++;
            tail.Readers++;
            return (tail, lane);
        }
    }

    /// <summary>Leaves a tail that was entered.</summary>
    public void Leave(string tenant, TenantTail tail, TailLane lane)
    {
        lock (_lock)
        {
            lane.Readers--;
            if (--tail.Readers == 0)
            {
                _tails.Remove(tenant);
            }
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        ledger.Committed += ForgetErased;
        try
        {
            await FollowAsync(stopping);
        }
        finally
        {
            ledger.Committed -= ForgetErased;
        }
    }

    /// <summary>What was erased is not shown from memory either.</summary>
    private void ForgetErased(CommittedBatch batch)
    {
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
                logger.LogWarning(defect, "The end of the log cannot be read; trying again.");
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
        var stored = await ledger.Store.ReadEntriesAsync(_position, PageSize);
        if (stored.Count == 0)
        {
            return;
        }
        var byTenant = stored.ToLookup(LogItem.TenantOf);
        lock (_lock)
        {
            if (erasures != _erasures)
            {
                return; // what was read may be gone by now: it is read again
            }
            _position = stored[^1].Index + 1;
            foreach (var (tenant, tail) in _tails)
            {
                tail.Append([.. byTenant[tenant].Select(LogItem.Of)], _position);
            }
        }
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
            return true;
        }
    }
}
