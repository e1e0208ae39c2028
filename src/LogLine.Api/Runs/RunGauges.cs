using System.Diagnostics.Metrics;
using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>
/// How many runs there are and how old their leases, read from the store when something has moved, and every few seconds; whoever asks gets what was read last. Gateways
/// on one database all say the same of it.
/// </summary>
internal sealed class RunGauges : BackgroundService
{
    private static readonly TimeSpan AtLeastEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AtMostEvery = TimeSpan.FromSeconds(1);
    private static readonly RunState[] Live = [RunState.Planned, RunState.Pending, RunState.Applied, RunState.Running];

    private readonly SpanLedger _ledger;
    private readonly RunDesk _desk;
    private readonly TimeProvider _time;
    private readonly ILogger<RunGauges> _logger;
    private readonly Meter _meter = new(RunTelemetry.Name);
    private IReadOnlyList<LiveRuns> _read = [];

    /// <summary>Watches the runs of a ledger.</summary>
    public RunGauges(SpanLedger ledger, RunDesk desk, WorkerLeases leases, TimeProvider time, ILogger<RunGauges> logger)
    {
        (_ledger, _desk, _time, _logger) = (ledger, desk, time, logger);
        _meter.CreateObservableGauge("logline.runs.live", () => Live.Select(Count), "{run}", "Runs that have not ended, by state.");
        _meter.CreateObservableGauge("logline.runs.unclaimed.age", () => Age(row => row.UnclaimedSince), "s", "How long the oldest run without a worker has waited for one.");
        _meter.CreateObservableGauge("logline.runs.lease.age", () => Age(row => row.LeasedUntil - leases.Life), "s", "How long ago the lease was renewed that was renewed longest ago.");
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var moved = _desk.Moved;
            try
            {
                _read = await _ledger.Store.LiveRunsAsync();
            }
            catch (LedgerStoreException away)
            {
                _logger.LogDebug("Runs were not counted: {Reason}", away.Message);
            }
            await Task.Delay(AtMostEvery, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await moved.WaitAsync(AtLeastEvery, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Measurement<long> Count(RunState state) =>
        new(_read.FirstOrDefault(row => row.State == state)?.Count ?? 0, new KeyValuePair<string, object?>("state", RunStates.Name(state)));

    private double Age(Func<LiveRuns, DateTimeOffset?> since) => _read.Min(since) is { } oldest ? Math.Max(0, (_time.GetUtcNow() - oldest).TotalSeconds) : 0;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _meter.Dispose();
        base.Dispose();
    }
}
