using System.Collections.Concurrent;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>
/// Carries out runs: leases what nobody holds, gives each to a job of its own, renews the leases. When it stops, its containers go on; the
/// next worker finds them by their labels and watches on.
/// </summary>
public sealed class Worker(RunDesk desk, RunTargets targets, GrantVault vault, ArtifactDesk artifacts, TimeProvider time, ILogger<Worker> logger) : BackgroundService
{
    private const string LocalPrefix = "local:";
    private const int MaxRuns = 256;
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    private readonly string _name = LocalPrefix + Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<string, Task> _jobs = new();
    private readonly WorkloadTurns _turns = new();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        // This process alone has the data folder, so whoever held a lease in it before is gone.
        await desk.ReleaseAsync(LocalPrefix);
        await TryAsync(vault.SweepAsync);
        using var renewal = new PeriodicTimer(RenewEvery, time);
        var tick = renewal.WaitForNextTickAsync(stopping).AsTask();
        while (!stopping.IsCancellationRequested)
        {
            var moved = desk.Moved;
            await TryAsync(() => TakeAsync(stopping));
            await Task.WhenAny(moved, tick);
            if (tick.IsCompleted)
            {
                await TryAsync(() => desk.RenewAsync(_name, _jobs.Keys.ToList()).AsTask());
                tick = renewal.WaitForNextTickAsync(stopping).AsTask();
            }
        }
    }

    private async Task TakeAsync(CancellationToken stopping)
    {
        foreach (var run in await desk.LeaseAsync(_name, MaxRuns - _jobs.Count))
        {
            _jobs[run.RunId] = Task.Run(async () =>
            {
                await TryAsync(() => CarryOutAsync(run, stopping));
                _jobs.TryRemove(run.RunId, out _);
            }, CancellationToken.None);
        }
    }

    private async Task CarryOutAsync(RunRow run, CancellationToken stopping)
    {
        using var traced = RunTelemetry.Follow(run);
        if (targets.Find(run.Provider) is not { } adapter)
        {
            await OrphanAsync(run, stopping);
        }
        else if (DeployOrder.IsDeploy(run))
        {
            await (await DeployJob.OpenAsync(run, desk, adapter, _turns, vault, time, logger)).RunAsync(stopping);
            await vault.ClearAsync(run.RunId);
        }
        else
        {
            await new PrimitiveJob(run, desk, targets, _turns, vault, artifacts, time).RunAsync(stopping);
        }
    }

    /// <summary>A run whose provider this gateway no longer has cannot go on here: it ends, and says so.</summary>
    private Task OrphanAsync(RunRow run, CancellationToken stopping) => desk.ReportAsync(
        run.RunId, run.State == RunState.Running ? RunState.Exited : RunState.Failed,
        row => row with { EndedAt = time.GetUtcNow(), Reason = "adapter_missing", Error = $"This gateway has no adapter for '{run.Provider}' any more." }, _ => { }, stopping);

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // Stopping: what runs goes on without us.
        }
        catch (Exception defect)
        {
            logger.LogError(defect, "The worker met a defect; it goes on with the next run.");
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_jobs.Values);
    }
}
