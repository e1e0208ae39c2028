using LogLine.Api.Ledger;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>A deploy from running to its end: waits for the container's, or for somebody who wants it to end; starts it again where the manifest asks for that, also when it is not healthy any more.</summary>
internal sealed class DeployWatch(RunRow run, IRunGateway gateway, IRunAdapter adapter, DeployLifecycle lifecycle, Takeover takeover, DeployEnding ending, HealthWatch health, TimeProvider time, ILogger logger)
{
    /// <summary>The pause before the first restart; each is twice the one before.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>Having lived for so long, it begins anew with <see cref="FirstPause"/>.</summary>
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(30);

    private const string Backoff = "backoff_s";

    /// <exception cref="AdapterException">The container is gone.</exception>
    public async Task UntilEndAsync(string workloadId, CancellationToken stopping)
    {
        while (true)
        {
            if (await EndAsync(workloadId, stopping) is not { } end)
            {
                return;
            }
            await gateway.EndedAsync(await gateway.RestartOfAsync(run), stopping); // a client's restart starts it again, on whatever worker that is
            var (now, replacedBy) = await ReplacedAsync(stopping);
            if (DeployPlanner.IsUp(now)) // a way back may have paused it again
            {
                await StartedAgainAsync(now!, stopping);
                continue;
            }
            end = now?.End ?? end; // it may have been started again, and ended again
            var row = await CurrentAsync();
            if (replacedBy is not null || row.CancelRequested || !await RestartsAsync(row, end))
            {
                await (row.CancelRequested ? ending.CancelledAsync(await adapter.FindByRunAsync(run.RunId, stopping), stopping) : ending.ExitedAsync(workloadId, end, replacedBy, stopping));
                return;
            }
            var pause = PauseOf(row, end);
            try
            {
                if (await PausedAsync(pause, stopping))
                {
                    await RestartAsync(workloadId, end, pause, stopping);
                }
            }
            catch (AdapterException refused) when (refused.Failure is not (AdapterFailure.Unavailable or AdapterFailure.NotFound))
            {
                await ending.ExitedAsync(workloadId, end, refused, stopping);
                return;
            }
        }
    }

    /// <summary>The pause before the next restart, by what the run says of the last one: whoever watches it by now.</summary>
    private static TimeSpan PauseOf(RunRow row, WorkloadEnd end)
    {
        var next = 2 * TimeSpan.FromSeconds(RunDetail.Count(row.Detail, Backoff));
        return next == TimeSpan.Zero || end.EndedAt - row.StartedAt > Steady ? FirstPause : next < LongestPause ? next : LongestPause;
    }

    /// <summary>The end of the container, which is ended here when it is not healthy any more and the manifest wants it to be started again; null when the run was cancelled before, and has ended.</summary>
    private async Task<WorkloadEnd?> EndAsync(string workloadId, CancellationToken stopping)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            var ended = adapter.WaitAsync(workloadId, watching.Token, workload => StartedAgainAsync(workload, stopping));
            var cancelled = gateway.CancelledAsync(run.RunId, time, watching.Token);
            bool isLeft;
            do
            {
                var sick = health.UntilRestartIsDueAsync(workloadId, watching.Token);
                await Task.WhenAny(ended, cancelled, sick);
                if (sick.IsFaulted && !ended.IsCompleted)
                {
                    await sick; // the store was away when it was asked: nobody would look after its health any more
                }
                if (!ended.IsCompleted && cancelled.IsCompletedSuccessfully)
                {
                    await watching.CancelAsync();
                    await ending.CancelledAsync(await adapter.FindByRunAsync(run.RunId, stopping), stopping);
                    return null;
                }
                // One that a client stops has the grace which that client gives it.
                isLeft = !ended.IsCompleted && sick.IsCompletedSuccessfully && await gateway.HoldsAsync(run.RunId, stopping)
                    && (await gateway.WasAskedToStopAsync(await CurrentAsync()) || !await StoppedAsync(workloadId, stopping));
            }
            while (isLeft);
            return await ended;
        }
        finally
        {
            await watching.CancelAsync();
        }
    }

    /// <summary>False when the target does not stop it: it runs on, and is watched on.</summary>
    private async Task<bool> StoppedAsync(string workloadId, CancellationToken stopping)
    {
        try
        {
            await adapter.StopAsync(workloadId, lifecycle.StopTimeout, stopping);
            return true;
        }
        catch (AdapterException failure) when (failure.Failure is not (AdapterFailure.Unavailable or AdapterFailure.NotFound))
        {
            logger.LogWarning("The container of {Run} is not healthy, and was not stopped to be started again: {Reason}", run.RunId, failure.Message);
            return false;
        }
    }

    /// <summary>
    /// The replaced side of a replacement. The container has ended; if another run takes its place, that one decides: once it runs, this one has ended as
    /// replaced; if it never gets to, it may have started this container again.
    /// </summary>
    private async Task<(Workload? Now, string? ReplacedBy)> ReplacedAsync(CancellationToken stopping)
    {
        string? successor = null;
        while (true)
        {
            var moved = gateway.Moved;
            if (await gateway.SuccessorOfAsync(run) is not { } taking)
            {
                break;
            }
            successor = taking.RunId;
            if (taking.State == RunState.Running || (await CurrentAsync()).CancelRequested)
            {
                return (null, successor);
            }
            await moved.WaitAsync(stopping);
        }
        return await adapter.FindByRunAsync(run.RunId, stopping) is { } now ? (now, DeployPlanner.IsUp(now) ? null : successor) : (null, successor);
    }

    /// <summary>Somebody else started it again (a client, a replacement that failed): the run goes on, and says since when and on which ports, since Docker chooses those anew.</summary>
    private async Task StartedAgainAsync(Workload workload, CancellationToken stopping)
    {
        health.Begin();
        await gateway.ReportAsync(run.RunId, new RunReport(RunState.Running) { StartedAt = workload.StartedAt, Facts = json => DeployFacts.Running(json, workload) }, stopping);
    }

    /// <summary>That it is to be ended and started again because it is not healthy is said before it is ended, so that a worker which takes the run over in between knows it too.</summary>
    private async ValueTask<bool> RestartsAsync(RunRow row, WorkloadEnd end) =>
        ((lifecycle.RestartUnhealthy && RunDetail.Text(row.Detail, "health") == HealthWatch.Unhealthy) || lifecycle.Restart == RestartPolicy.Always || (lifecycle.Restart == RestartPolicy.OnFailure && end.ExitCode != 0))
        && (lifecycle.MaxRestarts is not { } most || RunDetail.Count(row.Detail, "restarts") < most)
        && !await gateway.WasAskedToStopAsync(row);

    /// <summary>False when somebody cancelled the run meanwhile.</summary>
    private async Task<bool> PausedAsync(TimeSpan pause, CancellationToken stopping)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var cancelled = gateway.CancelledAsync(run.RunId, time, watching.Token);
        await Task.WhenAny(Task.Delay(pause, time, watching.Token), cancelled);
        stopping.ThrowIfCancellationRequested();
        var isCancelled = cancelled.IsCompletedSuccessfully;
        await watching.CancelAsync();
        return !isCancelled;
    }

    /// <summary>Running again is a state of its own on the ledger, with how often and why.</summary>
    private async Task RestartAsync(string workloadId, WorkloadEnd end, TimeSpan pause, CancellationToken stopping)
    {
        RunRow before;
        Workload workload;
        using (var turn = await TurnAsync(stopping)) // what replaces it stops it, and must not do so between these questions and that start
        {
            before = await CurrentAsync();
            if (turn is null || before.CancelRequested || await gateway.SuccessorOfAsync(run) is not null || await gateway.WasAskedToStopAsync(before))
            {
                return; // judged again where the end is
            }
            if (await adapter.FindByRunAsync(run.RunId, stopping) is { } now && DeployPlanner.IsUp(now))
            {
                await StartedAgainAsync(now, stopping); // by a client, which had the turn before
                return;
            }
            if (!await gateway.HoldsAsync(run.RunId, stopping))
            {
                return; // another worker has it by now; the lease that is lost ends this job
            }
            workload = await adapter.StartAgainAsync(workloadId, stopping);
        }
        health.Begin();
        await gateway.ReportAsync(run.RunId, new RunReport(RunState.Running)
        {
            StartedAt = workload.StartedAt,
            Facts = json =>
            {
                DeployFacts.Running(json, workload);
                json.WriteNumber("restarts", RunDetail.Count(before.Detail, "restarts") + 1);
                json.WriteNumber("last_exit_code", end.ExitCode);
                json.WriteNumber(Backoff, (int)pause.TotalSeconds);
                if (RunDetail.Text(before.Detail, "health") is not null)
                {
                    json.WriteString("health", HealthWatch.Starting);
                }
            },
        }, stopping);
    }

    /// <summary>Null when somebody cancelled the run before it was its turn.</summary>
    private async Task<IDisposable?> TurnAsync(CancellationToken stopping)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var done = new CancellationTokenSource();
        var cancellation = gateway.CancelWhenAskedAsync(run.RunId, waiting, time, done.Token);
        try
        {
            return await takeover.TurnAsync(waiting.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            await done.CancelAsync();
            await cancellation;
        }
    }

    private async ValueTask<RunRow> CurrentAsync() => await gateway.FindAsync(run.RunId) ?? run;
}
