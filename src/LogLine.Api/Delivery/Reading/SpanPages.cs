using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Reading;

/// <summary>What a query asks for.</summary>
/// <param name="Filter">Tenant, subject, run, intent.</param>
/// <param name="Since">Only what was received then or later.</param>
/// <param name="After">Index of the first entry to look at.</param>
/// <param name="Limit">Items at most.</param>
internal sealed record SpanQuery(SpanFilter Filter, DateTimeOffset? Since, long After, int Limit);

/// <summary>Pages of a query. One request looks at a bounded stretch of the log and holds bounded memory, whatever it asks for; its cursor says where to go on.</summary>
internal static class SpanPages
{
    /// <summary>Stretches that one request looks at.</summary>
    public const int MaxStretches = 5;

    // A span may stand behind one that was received later: by what a request may wait in the gate, and by how clocks of gateways differ.
    private static readonly TimeSpan Disorder = TimeSpan.FromMinutes(10);
    private const long NotWorthASearch = 20_000;

    /// <summary>What a query asks for and is not kept any more, from seq to seq; null when there is no such thing.</summary>
    public static async ValueTask<(long From, long To)?> GapAsync(SpanLedger ledger, SpanQuery query) =>
        query.After < ledger.Minimum && await ReachesBelowAsync(ledger.Store, ledger.Minimum, query.Since) ? (query.After + 1, ledger.Minimum) : null;

    /// <summary>A page of matches, and the cursor after it; null when there is nothing further now. A page may be empty although there is a cursor.</summary>
    public static async ValueTask<(List<LogItem> Items, long? Cursor)> CollectAsync(ILedgerStore store, long size, SpanQuery query, CancellationToken cancel)
    {
        var items = new List<LogItem>();
        var (left, next) = (ILedgerStore.PageBytes, await BeginningAsync(store, size, query));
        for (var stretch = 0; stretch < MaxStretches && items.Count < query.Limit && left > 0 && next < size; stretch++)
        {
            cancel.ThrowIfCancellationRequested();
            (var found, next) = await SpanReader.ReadAsync(store, new SpanSelection(query.Filter), next, query.Limit - items.Count, left);
            foreach (var item in found.Where(item => !item.IsErased && (query.Since is null || item.ReceivedAt >= query.Since)))
            {
                items.Add(item);
                left -= item.Stored.Bytes;
            }
        }
        return (items, next < size ? next : null);
    }

    /// <summary>Where to begin: with a time, a little before what was received then. The log is in the order of time but for <see cref="Disorder"/>.</summary>
    private static async ValueTask<long> BeginningAsync(ILedgerStore store, long size, SpanQuery query)
    {
        if (query.Since is not { } since || size - query.After <= NotWorthASearch)
        {
            return query.After;
        }
        var (low, high) = (query.After, size);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (await ReceivedAtAsync(store, middle) is { } at && at < since - Disorder)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    /// <summary>False when what is wanted was received after the first entry that is kept.</summary>
    private static async ValueTask<bool> ReachesBelowAsync(ILedgerStore store, long minimum, DateTimeOffset? since) => since is null || !(await ReceivedAtAsync(store, minimum) < since - Disorder);

    private static async ValueTask<DateTimeOffset?> ReceivedAtAsync(ILedgerStore store, long index) =>
        await store.ReadEntryBytesAsync(index, 1) is [{ Length: > 0 } entry] && Timestamps.TryParse(CanonicalJson.Parse(entry).Root.Text("received_at"), out var at) ? at : null;
}
