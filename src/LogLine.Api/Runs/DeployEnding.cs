using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// The ends of a deploy. The container is brought to its rest and the service back to whom it had before the end is reported: once a run has ended no
/// worker looks at it again, so what was left undone would stay so.
/// </summary>
internal sealed class DeployEnding(RunRow run, IRunGateway gateway, IRunAdapter adapter, Takeover takeover, DeployLifecycle lifecycle, GrantVault vault, TimeProvider time, ILogger logger)
{
    private const int TailLines = 50;
    private const int TailBytes = 16 * 1024;

    /// <summary>A grant stayed closed, so no container was made.</summary>
    public Task RefusedAsync(GrantRefusal refused, CancellationToken stopping) => EndBeforeRunningAsync(null, null, refused.Reason, refused.Message, stopping);

    /// <summary>It never got to run.</summary>
    public async Task FailedAsync(Workload? workload, WorkloadEnd? end, string reason, string error, CancellationToken stopping) =>
        await EndBeforeRunningAsync(workload, end, reason, (await vault.MaskOfAsync(run, stopping)).Apply(error), stopping);

    private async Task EndBeforeRunningAsync(Workload? workload, WorkloadEnd? end, string reason, string error, CancellationToken stopping)
    {
        var tail = await TailAsync(workload, stopping);
        // One that ran and has the service's name keeps it, with its log and its files, until somebody removes it or deploys again.
        await RestAsync(workload, remove: takeover.Course.Replaces || workload?.State == WorkloadState.Created, stopping);
        var (serving, problem) = await GoBackAsync(stopping);
        await gateway.ReportAsync(run.RunId, new RunReport(RunState.Failed)
        {
            EndedAt = end?.EndedAt,
            ExitCode = end?.ExitCode,
            Reason = reason,
            Error = problem is null ? error : $"{error} {problem}",
            Facts = json => DeployFacts.End(json, end, tail, ("serving", serving)),
        }, stopping);
    }

    /// <summary>The way back; why it failed without what either container has of secrets.</summary>
    private async Task<(string? Serving, string? Problem)> GoBackAsync(CancellationToken stopping)
    {
        var (serving, problem) = await takeover.GoBackAsync(stopping);
        if (problem is null)
        {
            return (serving, null);
        }
        var old = takeover.Course.OldRun is { } oldRun ? await gateway.FindAsync(oldRun) : null;
        problem = (await vault.MaskOfAsync(run, stopping)).Apply(problem);
        return (serving, old is null ? problem : (await vault.MaskOfAsync(old, stopping)).Apply(problem));
    }

    /// <summary>Somebody wanted it to end: the container goes with it.</summary>
    public async Task CancelledAsync(Workload? workload, CancellationToken stopping)
    {
        await StopAsync(workload, stopping);
        var end = workload is null ? null : (await InPatienceAsync(() => adapter.FindByRunAsync(run.RunId, stopping), stopping))?.End;
        var tail = await TailAsync(workload, stopping);
        await RestAsync(workload, remove: true, stopping);
        var (serving, problem) = await GoBackAsync(stopping);
        await gateway.ReportAsync(run.RunId, new RunReport(RunState.Cancelled)
        {
            EndedAt = end?.EndedAt,
            ExitCode = end?.ExitCode,
            Error = problem,
            Facts = json => DeployFacts.End(json, end, tail, ("serving", serving)),
        }, stopping);
    }

    /// <summary>It had been running and has ended, whatever its exit code.</summary>
    /// <param name="workloadId">Its container.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="replacedBy">The run that took its place, or null.</param>
    /// <param name="stopping">The worker stops.</param>
    public Task ExitedAsync(string workloadId, WorkloadEnd end, string? replacedBy, CancellationToken stopping) =>
        ExitedAsync(workloadId, end, replacedBy, replacedBy is null ? null : "replaced", null, stopping);

    /// <summary>The same, and the target refused to start it again.</summary>
    public async Task ExitedAsync(string workloadId, WorkloadEnd end, AdapterException refused, CancellationToken stopping) =>
        await ExitedAsync(workloadId, end, null, RunReasons.Of(refused.Failure), (await vault.MaskOfAsync(run, stopping)).Apply($"It was to be started again: {refused.Message}"), stopping);

    private async Task ExitedAsync(string workloadId, WorkloadEnd end, string? replacedBy, string? reason, string? error, CancellationToken stopping)
    {
        var tail = await TailAsync(workloadId, stopping);
        await gateway.ReportAsync(run.RunId, new RunReport(RunState.Exited)
        {
            EndedAt = end.EndedAt,
            ExitCode = end.ExitCode,
            Reason = reason,
            Error = error,
            Facts = json => DeployFacts.End(json, end, tail, ("replaced_by", replacedBy)),
        }, stopping);
    }

    /// <summary>The container is not there any more.</summary>
    public async Task GoneAsync(CancellationToken stopping)
    {
        const string Reason = "container_gone";
        const string Error = "The container is not there any more: somebody else removed it, or a worker was lost while it ended the run.";
        if ((await gateway.FindAsync(run.RunId) ?? run).State != RunState.Running)
        {
            await FailedAsync(null, null, Reason, Error, stopping);
            return;
        }
        await gateway.ReportAsync(run.RunId, new RunReport(RunState.Exited) { ExitCode = -1, Reason = Reason, Error = Error }, stopping);
    }

    /// <summary>The target refused, or stayed away.</summary>
    public async Task BrokenAsync(Workload? workload, AdapterException failure, CancellationToken stopping)
    {
        if (failure.Failure == AdapterFailure.NotFound)
        {
            await GoneAsync(stopping);
            return;
        }
        if ((await gateway.FindAsync(run.RunId) ?? run).State == RunState.Running)
        {
            var message = (await vault.MaskOfAsync(run, stopping)).Apply(failure.Message);
            await gateway.ReportAsync(run.RunId, new RunReport(RunState.Exited) { ExitCode = -1, Reason = RunReasons.Of(failure.Failure), Error = message }, stopping);
            return;
        }
        await FailedAsync(workload, null, RunReasons.Of(failure.Failure), failure.Message, stopping);
    }

    /// <summary>What the target has of this run, when it was asked to make it and its answer was lost; null for nothing, and when the target stays away.</summary>
    public async Task<Workload?> MadeAsync(CancellationToken stopping)
    {
        try
        {
            return await InPatienceAsync(() => adapter.FindByRunAsync(run.RunId, stopping), stopping);
        }
        catch (AdapterException failure)
        {
            logger.LogWarning("Whether a container of {Run} was made is not known: {Reason}", run.RunId, failure.Message);
            return null;
        }
    }

    /// <summary>An engine that is restarting is waited for; one that stays away fails the run.</summary>
    public Task<T> InPatienceAsync<T>(Func<Task<T>> ask, CancellationToken stopping) => EnginePatience.OutlastAsync(ask, time, stopping);

    /// <summary>Stops the container and, if wanted, removes it: a container that nobody watches any more must not run.</summary>
    private async Task RestAsync(Workload? workload, bool remove, CancellationToken stopping)
    {
        await StopAsync(workload, stopping);
        if (workload is null || !remove)
        {
            return;
        }
        await AtRestAsync(() => adapter.RemoveAsync(workload.Id, force: true, stopping), stopping);
    }

    private Task StopAsync(Workload? workload, CancellationToken stopping) =>
        workload is null ? Task.CompletedTask : AtRestAsync(() => adapter.StopAsync(workload.Id, lifecycle.StopTimeout, stopping), stopping);

    private async Task AtRestAsync(Func<Task> act, CancellationToken stopping)
    {
        try
        {
            await InPatienceAsync(async () =>
            {
                await act();
                return true;
            }, stopping);
        }
        catch (AdapterException failure)
        {
            logger.LogWarning("The container of {Run} was not brought to rest: {Reason}", run.RunId, failure.Message);
        }
    }

    private Task<LogTail?> TailAsync(Workload? workload, CancellationToken stopping) =>
        workload is null || workload.State == WorkloadState.Created && workload.StartedAt is null ? Task.FromResult<LogTail?>(null) : TailAsync(workload.Id, stopping);

    private async Task<LogTail?> TailAsync(string workloadId, CancellationToken stopping)
    {
        try
        {
            return (await adapter.LogTailAsync(workloadId, TailLines, TailBytes, stopping)).Masked(await vault.MaskOfAsync(run, stopping));
        }
        catch (AdapterException failure)
        {
            logger.LogWarning("The last lines of {Run} could not be read: {Reason}", run.RunId, failure.Message);
            return null;
        }
    }
}
