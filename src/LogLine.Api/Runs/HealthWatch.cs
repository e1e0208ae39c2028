using LogLine.Api.Ledger;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// The health of a container that runs (<c>lifecycle.health</c> of the manifest, every <c>watch_interval</c>). That it stopped being healthy, and that it is again, also after a restart, is recorded: the
/// run goes on, as <c>run_state.running</c> with <c>health</c>. Nothing is done about it unless the manifest asks for that (<c>restart.on_unhealthy</c>).
/// </summary>
internal sealed class HealthWatch(RunRow run, IRunGateway gateway, IRunAdapter adapter, DeployLifecycle lifecycle, GrantVault vault, TimeProvider time)
{
    /// <summary>It was started again since its health was last known.</summary>
    public const string Starting = "starting";

    /// <summary>It failed its check so often that it is not healthy any more.</summary>
    public const string Unhealthy = "unhealthy";

    private const string Healthy = "healthy";

    /// <summary>What the run's first worker watches has just been healthy; of what another one left that is not known.</summary>
    private volatile WatchedLife _life = new(time.GetTimestamp(), isStarting: run.State == RunState.Running);

    /// <summary>The container begins: for <c>start_period</c>, or until it is healthy, failures do not count.</summary>
    public void Begin() => _life = new WatchedLife(time.GetTimestamp(), isStarting: true);

    /// <summary>Completes when the manifest wants the container to be started again because it is not healthy; else it goes on until <paramref name="stop"/>.</summary>
    public async Task UntilRestartIsDueAsync(string workloadId, CancellationToken stop)
    {
        if (lifecycle.Health is not { } check)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
            return;
        }
        // A worker that took the run over goes on from what the one before it has said.
        var said = RunDetail.Text(((await gateway.FindAsync(run.RunId)) ?? run).Detail, "health");
        while (true)
        {
            await Task.Delay(check.WatchInterval, time, stop);
            var life = _life;
            if (await ProbeAsync(workloadId, check, stop) is not { } outcome || life != _life)
            {
                continue;
            }
            life.IsStarting = life.IsStarting && !outcome.Healthy && time.GetElapsedTime(life.Since) < check.StartPeriod;
            life.Failures = outcome.Healthy || life.IsStarting ? 0 : life.Failures + 1;
            if (outcome.Healthy && said is not (null or Healthy) && await SayAsync(Healthy, $"The {check.Kind} health check succeeds again.", stop))
            {
                said = Healthy;
            }
            if (life.Failures < check.Retries)
            {
                continue;
            }
            if (said != Unhealthy && await SayAsync(Unhealthy, $"The {check.Kind} health check failed {life.Failures} times in a row; the last time: {outcome.Why}.", stop))
            {
                said = Unhealthy;
            }
            if (lifecycle.RestartUnhealthy)
            {
                life.Failures = 0;
                return;
            }
        }
    }

    /// <summary>Null while the engine is away, or the container is paused: of its health that says nothing.</summary>
    private async Task<ProbeOutcome?> ProbeAsync(string workloadId, HealthCheck check, CancellationToken stop)
    {
        try
        {
            return await adapter.ProbeAsync(workloadId, check, stop);
        }
        catch (AdapterException)
        {
            return null;
        }
    }

    private async Task<bool> SayAsync(string health, string why, CancellationToken stop)
    {
        var shown = (await vault.MaskOfAsync(run, stop)).Apply(why);
        return await gateway.ReportAsync(run.RunId, new RunReport(RunState.Running)
        {
            StartedAt = (await gateway.FindAsync(run.RunId))?.StartedAt,
            Facts = json =>
            {
                json.WriteString("health", health);
                json.WriteString("health_detail", shown);
            },
        }, stop);
    }

    /// <summary>The container from one start to the next: a probe that began in an earlier one says nothing of this one.</summary>
    private sealed class WatchedLife(long since, bool isStarting)
    {
        public long Since => since;

        /// <summary>It has been started again, and not been healthy since.</summary>
        public bool IsStarting { get; set; } = isStarting;

        public int Failures { get; set; }
    }
}
