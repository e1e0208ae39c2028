using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Ledger;

/// <summary>What a pruning would do.</summary>
/// <param name="Minimum">The minimum index afterwards: the first entry of a tile.</param>
/// <param name="Limit">What keeps it from going as far as was asked; null when nothing does.</param>
/// <param name="Going">Entries that go.</param>
/// <param name="Staying">Entries below it that stay, because state stands on them.</param>
public sealed record PruningPlan(long Minimum, PruningLimit? Limit, long Going, long Staying);

/// <summary>
/// Raises the minimum index of a log and takes away what is below it (docs/ledger-format.md, K1 to K4). First a span of the gateway's own says so, and the head with it, in one transaction:
/// from then on streams and queries go over what is below. Then rows are emptied, piece by piece. Interrupted anywhere, the log is whole, and the same again goes on.
/// </summary>
public sealed class LogPruning : IAsyncDisposable
{
    private const int Piece = 4096;
    private const int QueueLength = 16;

    // A span may stand behind one that was received later: by what a request may wait in the gate, and by how clocks of gateways differ.
    private static readonly TimeSpan Disorder = TimeSpan.FromMinutes(10);

    private readonly SpanLedger _ledger;
    private readonly TimeProvider _time;
    private readonly IDisposable? _folder;

    internal LogPruning(SpanLedger ledger, TimeProvider time, IDisposable? folder = null) => (_ledger, _time, _folder) = (ledger, time, folder);

    /// <summary>How long other gateways on the same database have to hear of it: from then on each shows a gap where rows are missing.</summary>
    internal TimeSpan Notice { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Opens the ledger of a data folder whose gateway is stopped, or of a database whose gateways may go on.</summary>
    /// <param name="data">The data folder, with the log's keys.</param>
    /// <param name="connection">The PostgreSQL database; null: the ledger is in the folder.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="DataFolderException">There is no ledger, its gateway is running, or it cannot be opened.</exception>
    public static async Task<LogPruning> OpenAsync(string data, string? connection, TimeProvider time)
    {
        var logger = NullLogger<SpanLedger>.Instance;
        if (!Directory.Exists(Path.Combine(data, DataFolder.KeysName)))
        {
            throw new DataFolderException($"{data} holds no keys. Name the folder that the gateway was started with (--data DIR, LOGLINE_DATA).");
        }
        if (connection is not null)
        {
            // The folder's own file of what was published is its gateway's, which is ahead of this one at any moment.
            return new LogPruning(await PostgresLedger.OpenAsync(connection, Path.Combine(data, DataFolder.KeysName), null, time, QueueLength, logger), time);
        }
        if (!File.Exists(Path.Combine(data, DataFolder.DatabaseName)))
        {
            throw new DataFolderException($"{data} holds no {DataFolder.DatabaseName}. Where gateways share a database, say so with --postgres.");
        }
        var folder = DataFolder.Open(data);
        try
        {
            return new LogPruning(await SqliteLedger.OpenAsync(folder, time, QueueLength, logger), time, folder);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>By which keys the log is signed.</summary>
    public LedgerTrust Trust => _ledger.Trust;

    /// <summary>Entries that there are.</summary>
    public long Size => _ledger.Size;

    /// <summary>The minimum index.</summary>
    public long Minimum => _ledger.Minimum;

    /// <summary>All rows, to be verified.</summary>
    public IAsyncEnumerable<StoredRow> RowsAsync(CancellationToken stop) => _ledger.Store.RowsAsync(0, stop);

    /// <summary>The first entry that may have been received then or later; all before it were received earlier.</summary>
    public async ValueTask<long> IndexAtAsync(DateTimeOffset time)
    {
        var (low, high) = (Minimum, Size);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (await ReceivedAtAsync(middle) < time - Disorder)
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

    /// <summary>What it would be to prune everything before an index, as far as that can be.</summary>
    public async ValueTask<PruningPlan> PlanAsync(long before)
    {
        var limit = await _ledger.Store.ReadPruningLimitAsync(_time.GetUtcNow());
        var reach = Math.Min(before / TileId.FullWidth * TileId.FullWidth, limit.Index);
        var minimum = Math.Max(Minimum, reach);
        var (going, staying) = await _ledger.Store.CountPrunableAsync(0, minimum);
        return new PruningPlan(minimum, before > limit.Index ? limit : null, going, staying);
    }

    /// <summary>Does it.</summary>
    /// <param name="plan">What was planned a moment ago.</param>
    /// <param name="reason">Why, for whoever reads the log; null says nothing.</param>
    /// <param name="pruned">Told how many entries are gone so far.</param>
    /// <param name="stop">Ends it between two pieces; the same again goes on.</param>
    /// <returns>How many entries went.</returns>
    /// <exception cref="DataFolderException">Somebody else has pruned the log meanwhile.</exception>
    public async Task<long> RunAsync(PruningPlan plan, string? reason, Action<long> pruned, CancellationToken stop)
    {
        if (plan.Minimum > Minimum)
        {
            await RecordAsync(plan, reason);
            if (_ledger.Store.IsShared)
            {
                await Task.Delay(Notice, _time, stop);
            }
        }
        var gone = 0L;
        for (var from = 0L; from < plan.Minimum; from += Piece)
        {
            stop.ThrowIfCancellationRequested();
            gone += await _ledger.Store.PruneAsync(from, Math.Min(from + Piece, plan.Minimum));
            pruned(gone);
        }
        return gone;
    }

    /// <summary>Gives the room back to the disk, or to what is written next.</summary>
    /// <exception cref="LedgerStoreException">The engine cannot, for example because the disk is full; nothing is lost.</exception>
    public ValueTask CompactAsync() => _ledger.Store.CompactAsync();

    private async Task RecordAsync(PruningPlan plan, string? reason)
    {
        var span = _ledger.Identity.Sign(TenantRow.First, "prd", "ledger.pruned", "decision", "urn:tenant:" + TenantRow.First, _time.GetUtcNow(), json =>
        {
            json.WriteNumber("minimum", plan.Minimum);
            json.WriteNumber("entries", plan.Going);
            if (reason is not null)
            {
                json.WriteString("reason", reason);
            }
        });
        var outcome = await _ledger.AppendOwnAsync([span with { Effects = [new LedgerEffect.LogPruned(plan.Minimum)] }], CancellationToken.None);
        if (outcome.Conflict is not null)
        {
            throw new DataFolderException("The log was pruned by somebody else a moment ago. Look again with --dry-run.");
        }
    }

    private async ValueTask<DateTimeOffset?> ReceivedAtAsync(long index) =>
        await _ledger.Store.FindEntryAsync(index) is { IsPruned: false } stored && Timestamps.TryParse(stored.ReadEntry().ReceivedAt, out var at) ? at : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ledger.DisposeAsync();
        _folder?.Dispose();
    }
}
