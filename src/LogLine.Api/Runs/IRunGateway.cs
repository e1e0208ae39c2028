using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// What a worker needs of its gateway: the worker protocol of the contract, section 7, as calls. A worker knows nothing but this and its adapters. In the role
/// <c>all</c> it is this process (<see cref="LocalGateway"/>), in the role <c>worker</c> another one, over HTTP.
/// </summary>
public interface IRunGateway
{
    /// <summary>The worker's name, as <c>run_state.pending</c> says it.</summary>
    string WorkerName { get; }

    /// <summary>How long a lease lasts unless it is renewed.</summary>
    TimeSpan LeaseLife { get; }

    /// <summary>Completes at the next change that may matter to one of the worker's runs. Taken before the state is read, so that no change falls in between.</summary>
    Task Moved { get; }

    /// <summary>Listens for changes of one run.</summary>
    RunSignal Watch(string runId);

    /// <summary>Says that the worker is there. What an earlier process of the same worker held is free afterwards.</summary>
    Task OpenAsync(CancellationToken cancel);

    /// <summary>Says that the worker takes runs at once. A gateway in the same process gives it what it admits; any other one waits to be asked (<see cref="LeaseAsync"/>).</summary>
    /// <param name="takes">Whether it takes a run of that provider.</param>
    /// <param name="begin">Begins a run that it has by now, and returns at once.</param>
    /// <param name="lookAhead">Begins to look for a run that it is about to have, if that is all that the run does.</param>
    void Offer(Func<string, bool> takes, Action<TakenRun> begin, Func<TakenRun, Task<PrimitiveResult>?> lookAhead)
    {
    }

    /// <summary>Says that the worker goes: what it held is free for others, as far as that can be said now.</summary>
    Task CloseAsync();

    /// <summary>Gives up to <paramref name="limit"/> runs that nobody holds to the worker.</summary>
    /// <param name="limit">Runs at most.</param>
    /// <param name="held">Those that it has.</param>
    /// <param name="cancel">Gives up.</param>
    Task<IReadOnlyList<RunRow>> LeaseAsync(int limit, IReadOnlyCollection<string> held, CancellationToken cancel);

    /// <summary>What the gate saw of a leased run's container, where it was this very worker that looked for it; else null.</summary>
    SeenWorkload? SeenOf(RunRow run) => null;

    /// <summary>Goes on holding runs; those that are in the answer are still the worker's.</summary>
    /// <exception cref="GatewayAwayException">No gateway answers; whether they are is not known.</exception>
    Task<IReadOnlyCollection<string>> RenewAsync(IReadOnlyCollection<string> runs, CancellationToken cancel);

    /// <summary>True while the worker holds a run. Asked right before anything is done that must not be done twice.</summary>
    Task<bool> HoldsAsync(string runId, CancellationToken cancel);

    /// <summary>A run, or null.</summary>
    ValueTask<RunRow?> FindAsync(string runId);

    /// <summary>The manifest of a run's ref.</summary>
    ValueTask<SignedManifest> ManifestOfAsync(RunRow run);

    /// <summary>What the ledger says of the keys and grants of a run's manifest, at this moment.</summary>
    ValueTask<GrantEvidence> EvidenceOfAsync(RunRow run, SignedManifest manifest);

    /// <summary>
    /// Says that the worker is about to open these grants (<c>grant.materialize</c>, one span each), and learns what the ledger says of them behind that: one that
    /// was revoked before is closed.
    /// </summary>
    Task<GrantEvidence> MaterialiseAsync(RunRow run, SignedManifest manifest, IReadOnlyList<string> grants, CancellationToken cancel);

    /// <summary>The live run that takes this run's place, or null.</summary>
    ValueTask<RunRow?> SuccessorOfAsync(RunRow run);

    /// <summary>True when a client stopped the container of a run that is running, or killed it with a signal that asks it to end, and none has started it since: that is not an end to restart it after.</summary>
    ValueTask<bool> WasAskedToStopAsync(RunRow run);

    /// <summary>The run of a client's restart that is at work on a run's container, or null: an end of that container is half of it.</summary>
    ValueTask<string?> RestartOfAsync(RunRow run);

    /// <summary>Whether the last that was said of a session or task is that it ended.</summary>
    ValueTask<bool> HasEndedAsync(RunRow run, string kind, string name);

    /// <summary>
    /// Records the states that a run has come to, in order, each as a span, all or none. False when there is no such step from where the run stands now, or when another worker has it:
    /// then somebody else was there first, and nothing is written. So a run has one terminal state, whatever crashes (architecture, rule 5). A report renews the lease.
    /// </summary>
    Task<bool> ReportAsync(string runId, IReadOnlyList<RunReport> reports, CancellationToken cancel);

    /// <summary>Records something about a run that is no state of it (<see cref="RunEvents.IsNote"/>); lost when the run is not the worker's any more.</summary>
    Task RecordAsync(RunRow run, string intent, Action<Utf8JsonWriter> facts, CancellationToken cancel);

    /// <summary>The artifacts of a run's tenant.</summary>
    RunArtifacts ArtifactsOf(RunRow run);
}

/// <summary>No gateway answers now.</summary>
public sealed class GatewayAwayException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What jobs wait for, said with <see cref="IRunGateway.Watch"/>.</summary>
internal static class RunGatewayWaits
{
    /// <summary>Records one state.</summary>
    public static Task<bool> ReportAsync(this IRunGateway gateway, string runId, RunReport report, CancellationToken cancel) => gateway.ReportAsync(runId, [report], cancel);

    /// <summary>Completes once somebody wants the run to end, who says so once.</summary>
    public static Task CancelledAsync(this IRunGateway gateway, string runId, TimeProvider time, CancellationToken stop) => UntilAsync(gateway, runId, static run => run?.CancelRequested == true, time, stop);

    /// <summary>The run once it has ended, whoever carries it out; null when there is no such run.</summary>
    public static Task<RunRow?> EndAsync(this IRunGateway gateway, string runId, TimeProvider time, CancellationToken stop) => UntilAsync(gateway, runId, static run => run is not { HasEnded: false }, time, stop);

    /// <summary>The run once something holds of it: while the store is away, it is asked until it answers.</summary>
    private static async Task<RunRow?> UntilAsync(IRunGateway gateway, string runId, Predicate<RunRow?> holds, TimeProvider time, CancellationToken stop)
    {
        using var signal = gateway.Watch(runId);
        while (true)
        {
            var moved = signal.Next;
            try
            {
                if (await gateway.FindAsync(runId) is var run && holds(run))
                {
                    return run;
                }
            }
            catch (Exception away) when (away.IsAway())
            {
                moved = Task.Delay(Absence.LongestPause, time, stop);
            }
            await moved.WaitAsync(stop);
        }
    }

    /// <summary>Cancels work once somebody wants the run to end; until <paramref name="done"/>.</summary>
    public static async Task CancelWhenAskedAsync(this IRunGateway gateway, string runId, CancellationTokenSource working, TimeProvider time, CancellationToken done)
    {
        try
        {
            await gateway.CancelledAsync(runId, time, done);
            await working.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // It has ended.
        }
    }

    /// <summary>Completes once the run has ended, at once for none.</summary>
    public static async Task EndedAsync(this IRunGateway gateway, string? runId, CancellationToken stop)
    {
        if (runId is null)
        {
            return;
        }
        using var signal = gateway.Watch(runId);
        while (true)
        {
            var moved = signal.Next;
            if (await gateway.FindAsync(runId) is not { HasEnded: false })
            {
                return;
            }
            await moved.WaitAsync(stop);
        }
    }

    /// <summary>What the manifest of a run says about its beginning and end; the defaults when there is no such run.</summary>
    public static async ValueTask<DeployLifecycle> LifecycleOfAsync(this IRunGateway gateway, string? runId) =>
        runId is not null && await gateway.FindAsync(runId) is { Ref: not null } run ? DeployLifecycle.Of((await gateway.ManifestOfAsync(run)).Deploy) : new DeployLifecycle();
}
