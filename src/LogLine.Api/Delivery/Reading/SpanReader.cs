using LogLine.Api.Ledger;

namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// The one way to read the log on from a cursor: event streams, WebSockets, webhooks and polling all read through it, so that they see the same
/// spans in the same order.
/// </summary>
internal sealed class SpanReader(SpanLedger ledger, LiveTail tail, TimeProvider time)
{
    /// <summary>Entries that are durable: the cursor of one who wants only what comes.</summary>
    public long Size => ledger.Size;

    /// <summary>The log's minimum index.</summary>
    public long Minimum => ledger.Minimum;

    /// <summary>A cursor at <paramref name="next"/>, the index of the first entry that it has not read; <paramref name="ending"/> ends its waits.</summary>
    public SpanCursor Open(SpanSelection selection, long next, CancellationToken ending) => new(ledger, tail, selection, next, new ReaderSignal(time, ending));

    /// <summary>
    /// Committed state from <paramref name="next"/> on, at most <paramref name="limit"/> items or <paramref name="maxBytes"/> and one item, and from where to go on; one reading looks at a
    /// bounded stretch.
    /// </summary>
    public static async ValueTask<(List<LogItem> Items, long Next)> ReadAsync(ILedgerStore store, SpanSelection selection, long next, int limit, long maxBytes)
    {
        var (stored, on) = await store.ScanAsync(selection.Filter, next, limit, maxBytes: maxBytes);
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
    private readonly ReaderSignal _more;

    public SpanCursor(SpanLedger ledger, LiveTail live, SpanSelection selection, long next, ReaderSignal more)
    {
        (_ledger, _live, _selection, Next, _more) = (ledger, live, selection, next, more);
        (_tail, _lane) = live.Enter(selection.Filter.Tenant, more);
    }

    /// <summary>Index of the first entry that was not looked at.</summary>
    public long Next { get; private set; }

    /// <summary>What the last reading went over because it is not kept any more, from seq to seq; null when nothing.</summary>
    public (long From, long To)? Gap { get; private set; }

    /// <summary>True when nothing further was there at the last reading.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>Completes when there may be more of this tenant than at the last reading, after <paramref name="longest"/>, or when it is ended; now and then for none of that.</summary>
    public ValueTask WaitAsync(TimeSpan longest) => _more.WaitAsync(longest);

    /// <summary>The next items that match, ascending; perhaps none although more follow (<see cref="AtEnd"/>): one reading looks at a bounded stretch.</summary>
    /// <param name="limit">Items at most.</param>
    /// <param name="maxBytes">What they may take together, the last one aside: a reader may hold them for as long as it is slow.</param>
    public async ValueTask<List<LogItem>> ReadAsync(int limit, long maxBytes)
    {
        if (_tail.Read(_selection, Next, limit) is var (live, next))
        {
            (Next, AtEnd, Gap) = (next, live.Count < limit, null);
            return live;
        }
        var from = Next;
        (var items, Next) = await SpanReader.ReadAsync(_ledger.Store, _selection, from, limit, maxBytes);
        // Looked at afterwards: what was pruned meanwhile is a gap as well.
        (AtEnd, Gap) = (false, null);
        if (_ledger.Minimum is var minimum && from >= minimum)
        {
            return items;
        }
        (Gap, Next) = ((from + 1, minimum), minimum);
        return [];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _live.Leave(_selection.Filter.Tenant, _tail, _lane, _more);
        _more.Dispose();
    }
}
