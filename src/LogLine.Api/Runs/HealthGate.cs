using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>What came of waiting for a started container to be healthy; at most one of the members is set, and none when it is healthy.</summary>
internal sealed record GateOutcome
{
    public static GateOutcome Healthy { get; } = new();

    /// <summary>It ended before.</summary>
    public WorkloadEnd? End { get; init; }

    /// <summary>It did not become healthy: a word for programs and a sentence for people.</summary>
    public (string Reason, string Error)? Unhealthy { get; init; }

    /// <summary>Somebody cancelled the run.</summary>
    public bool Cancelled { get; init; }
}

/// <summary>
/// Stands between started and running (<c>deploy.lifecycle</c> of the manifest). Whatever comes first decides: the check succeeds, fails for
/// good, the container ends, the run is cancelled.
/// </summary>
internal sealed class HealthGate(IRunAdapter adapter, IRunGateway gateway, TimeProvider time)
{
    /// <summary>The first pause of the start period; each is twice the one before, up to the interval, so that a quick container is seen quickly.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    /// <exception cref="AdapterException">The container was removed meanwhile.</exception>
    public async Task<GateOutcome> AwaitAsync(string runId, Workload workload, DeployLifecycle lifecycle, CancellationToken stopping)
    {
        if (workload.End is { } before)
        {
            return new GateOutcome { End = before };
        }
        if (lifecycle.Health is null && lifecycle.Settle == TimeSpan.Zero)
        {
            return GateOutcome.Healthy;
        }
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var ended = adapter.WaitAsync(workload.Id, watching.Token);
        var cancelled = gateway.CancelledAsync(runId, time, watching.Token);
        var settled = SettledAsync(workload, lifecycle, watching.Token);
        await Task.WhenAny(ended, cancelled, settled);
        await watching.CancelAsync();
        stopping.ThrowIfCancellationRequested();
        if (ended.IsCompletedSuccessfully || ended.IsFaulted)
        {
            return new GateOutcome { End = await ended };
        }
        return cancelled.IsCompletedSuccessfully ? new GateOutcome { Cancelled = true } : await settled;
    }

    private async Task<GateOutcome> SettledAsync(Workload workload, DeployLifecycle lifecycle, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        if (lifecycle.Health is { } check && await FailureAsync(workload.Id, check, lifecycle.StartTimeout, since, cancel) is { } failure)
        {
            return new GateOutcome { Unhealthy = failure };
        }
        var left = lifecycle.Settle - time.GetElapsedTime(since);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancel);
        }
        return GateOutcome.Healthy;
    }

    /// <summary>Null once a probe succeeds.</summary>
    private async Task<(string, string)?> FailureAsync(string workloadId, HealthCheck check, TimeSpan timeout, long since, CancellationToken cancel)
    {
        var (failures, pause, left) = (0, FirstPause, timeout);
        while (true)
        {
            var (outcome, isKnown) = await ProbeAsync(workloadId, check.Timeout < left ? check : check with { Timeout = left }, cancel);
            if (outcome.Healthy)
            {
                return null;
            }
            var age = time.GetElapsedTime(since);
            // The probe that is broken off when the time is over found nothing.
            if (isKnown && age < timeout && age >= check.StartPeriod && ++failures >= check.Retries)
            {
                return ("unhealthy", $"The {check.Kind} health check failed {failures} times in a row; the last time: {outcome.Why}.");
            }
            pause = age < check.StartPeriod && pause < check.Interval ? pause : check.Interval;
            // A timer counts in whole milliseconds and may ring a moment early: no burst of probes in what is left then.
            var (rest, isLast) = (timeout - age, pause >= timeout - age);
            await Task.Delay(!isLast ? pause : rest > TimeSpan.Zero ? rest : TimeSpan.Zero, time, cancel);
            pause *= 2;
            left = timeout - time.GetElapsedTime(since);
            if (isLast || left <= TimeSpan.Zero)
            {
                return ("start_timeout", $"The container was not healthy {timeout.TotalSeconds:0.###} s after its start (lifecycle.start_timeout); the last {check.Kind} check: {outcome.Why}.");
            }
        }
    }

    /// <summary>What a probe found. An engine that is away is waited for, and of the health of a container that is paused nothing is known: neither is a check that failed.</summary>
    private async Task<(ProbeOutcome Outcome, bool IsKnown)> ProbeAsync(string workloadId, HealthCheck check, CancellationToken cancel)
    {
        try
        {
            return (await EnginePatience.OutlastAsync(() => adapter.ProbeAsync(workloadId, check, cancel), time, cancel), true);
        }
        catch (AdapterException unknown) when (unknown.Failure == AdapterFailure.Conflict)
        {
            return (ProbeOutcome.Bad(unknown.Message), false);
        }
    }
}
