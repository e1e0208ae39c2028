using LogLine.Api.Ledger;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// The replacing side of a replacement: what a deploy does to the container that has its service's place. Every step looks first whether it was
/// taken before, so any worker can go on from any of them.
/// </summary>
internal sealed class Takeover(RunRow run, IRunGateway gateway, IRunAdapter adapter, WorkloadTurns turns, TimeProvider time, ILogger logger)
{
    /// <summary>How long what came in since the deploy was admitted, and is at work on the old container, is waited for. It ends with that container then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DeployCourse _course = DeployCourse.Of(run);

    /// <summary>What is replaced, and how.</summary>
    public DeployCourse Course => _course;

    /// <summary>Where both cannot run at once: whether the old container is paused. That goes with its stop, so it is said before (<see cref="DeployFacts.ReplacesPaused"/>).</summary>
    public async Task<bool> ReplacesPausedAsync(CancellationToken stopping) =>
        _course is { Strategy: DeployStrategy.Recreate, OldContainer: { } old }
        && await adapter.FindByNameAsync(run.Tenant, run.Service, stopping) is { State: WorkloadState.Paused } found && found.Id == old;

    /// <summary>Where both cannot run at once: stops the old container. Its run does not end yet, it may go on (<see cref="GoBackAsync"/>).</summary>
    /// <param name="wanted">Ends when nobody wants the deploy any more: the old container is not stopped then.</param>
    /// <param name="stopping">The worker stops.</param>
    /// <returns>False when nobody wants it any more.</returns>
    public async Task<bool> MakeRoomAsync(CancellationToken wanted, CancellationToken stopping)
    {
        if (_course is not { Strategy: DeployStrategy.Recreate, OldContainer: { } old })
        {
            return true;
        }
        try
        {
            using var turn = await PatientTurnAsync(wanted);
            wanted.ThrowIfCancellationRequested();
            await StopAsync(old, stopping);
            return true;
        }
        catch (OperationCanceledException) when (wanted.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The new one runs: the old container is stopped, its run ends as replaced, it is removed, and the new one gets the service's name.</summary>
    public async Task FinishAsync(string workloadId, CancellationToken stopping)
    {
        if (_course.OldContainer is not { } old)
        {
            return;
        }
        try
        {
            using (await PatientTurnAsync(stopping))
            {
                await StopAsync(old, stopping);
            }
            // It reads the last lines of its container, so that one is removed only then. Its worker may want the turn before.
            await gateway.EndedAsync(_course.OldRun, stopping);
            using (await PatientTurnAsync(stopping))
            {
                await adapter.RemoveAsync(old, force: false, stopping);
                await adapter.AdoptNameAsync(workloadId, stopping);
            }
        }
        catch (AdapterException failure) when (failure.Failure != AdapterFailure.Unavailable)
        {
            // Somebody took the name, or the engine does not let go of the old container: the new one runs all the same, and is watched on.
            logger.LogError("{Run} runs, but the container that it replaces is not out of its way: {Reason}", run.RunId, failure.Message);
        }
    }

    /// <summary>
    /// The new one does not get to run: whoever was there before goes on. Where it was stopped for the new one it is started again, if the client
    /// wanted that (<c>rollback_on_failure</c>), and paused again where it was paused.
    /// </summary>
    /// <returns>The run that serves now, or null; and why the way back failed.</returns>
    public async Task<(string? Serving, string? Problem)> GoBackAsync(CancellationToken stopping)
    {
        var oldRun = _course.OldRun;
        if (_course.OldContainer is not { } old || (oldRun is not null && await gateway.FindAsync(oldRun) is not { HasEnded: false }))
        {
            return (null, null);
        }
        var current = await gateway.FindAsync(run.RunId) ?? run;
        if (!_course.TakesOver(current))
        {
            return (oldRun, null); // never touched
        }
        if (!_course.GoesBack)
        {
            return (null, null);
        }
        var isUp = false;
        try
        {
            using var turn = await PatientTurnAsync(stopping);
            await adapter.StartAgainAsync(old, stopping);
            isUp = true;
            if (RunDetail.Flag(current.Detail, DeployFacts.ReplacesPaused))
            {
                await adapter.PauseAsync(old, stopping);
            }
            return (oldRun, null);
        }
        catch (AdapterException failure)
        {
            return isUp
                ? (oldRun, $"What ran before was paused, and runs now, since it could not be paused again: {failure.Message}")
                : (null, $"What ran before could not be started again: {failure.Message}");
        }
    }

    /// <summary>One at a time acts on what has the service's name.</summary>
    public Task<IDisposable> TurnAsync(CancellationToken stopping) => turns.TakeAsync(run.Provider, run.Tenant, run.Service, stopping);

    /// <summary>The same, but not for ever: who waits here looks after nothing else. Null when whoever has the turn goes on with it.</summary>
    private Task<IDisposable?> PatientTurnAsync(CancellationToken stopping) => turns.TakeAsync(run.Provider, run.Tenant, run.Service, Patience, time, stopping);

    private async Task StopAsync(string old, CancellationToken stopping)
    {
        try
        {
            await adapter.StopAsync(old, (await gateway.LifecycleOfAsync(_course.OldRun)).StopTimeout, stopping);
        }
        catch (AdapterException failure) when (failure.Failure == AdapterFailure.NotFound)
        {
            // Gone already.
        }
    }
}
