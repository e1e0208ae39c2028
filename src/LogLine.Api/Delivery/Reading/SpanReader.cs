using LogLine.Api.Ledger;

namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// The one way to read the log on from a cursor: event streams, WebSockets, webhooks and polling all read through it, so that they see the same
/// spans in the same order.
/// </summary>
internal sealed class SpanReader(SpanLedger ledger, LiveTail tail)
{
    /// <summary>Entries that are durable: the cursor of one who wants only what comes.</summary>
    public long Size => ledger.Size;

    /// <summary>A cursor at <paramref name="next"/>, the index of the first entry that it has not read.</summary>
    public SpanCursor Open(SpanSelection selection, long next) => new(ledger, tail, selection, next);

    /// <summary>Committed state from <paramref name="next"/> on, at most <paramref name="limit"/> items, and from where to go on; one reading looks at a bounded stretch.</summary>
    public static async ValueTask<(List<LogItem> Items, long Next)> ReadAsync(SpanLedger ledger, SpanSelection selection, long next, int limit)
    {
        var (stored, on) = await ledger.Store.ScanAsync(selection.Filter, next, limit);
        return ([.. stored.Select(LogItem.Of).Where(selection.MatchesPatterns)], on);
    }

    /// <summary>Completes when the log has reached <paramref name="size"/>: another replica may have shown a client more than this one knows yet.</summary>
    public Task ReachedAsync(long size, CancellationToken cancel) => ledger.WaitForMoreAsync(size - 1, cancel);
}

/// <summary>A place in the log and what is wanted from there on. Not for two at a time.</summary>
internal sealed class SpanCursor : IDisposable
{
    private readonly SpanLedger _ledger;
    private readonly LiveTail _live;
    private readonly SpanSelection _selection;
    private readonly TenantTail _tail;
    private readonly TailLane _lane;

    public SpanCursor(SpanLedger ledger, LiveTail live, SpanSelection selection, long next)
    {
        (_ledger, _live, _selection, Next) = (ledger, live, selection, next);
        (_tail, _lane) = live.Enter(selection.Filter.Tenant);
    }

    /// <summary>Index of the first entry that was not looked at.</summary>
    public long Next { get; private set; }

    /// <summary>True when nothing further was there at the last reading.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>Completes when there is more of this tenant. Taken before <see cref="ReadAsync"/>, so that nothing falls in between.</summary>
    public Task More => _lane.More;

    /// <summary>The next items that match, ascending; perhaps none although more follow (<see cref="AtEnd"/>): one reading looks at a bounded stretch.</summary>
    public async ValueTask<List<LogItem>> ReadAsync(int limit)
    {
        if (_tail.Read(_selection, Next, limit) is var (live, next))
        {
            (Next, AtEnd) = (next, live.Count < limit);
            return live;
        }
        (var items, Next) = await SpanReader.ReadAsync(_ledger, _selection, Next, limit);
        AtEnd = false;
        return items;
    }

    /// <inheritdoc/>
    public void Dispose() => _live.Leave(_selection.Filter.Tenant, _tail, _lane);
}
