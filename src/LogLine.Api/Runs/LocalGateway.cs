using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// The gateway of a worker in the same process (role <c>all</c>): calls instead of requests, and the gateway's own key under what it reports. On a store that other
/// gateways use too it holds leases like every worker; alone on a data folder it holds what it has taken.
/// </summary>
public sealed class LocalGateway(RunDesk desk, ArtifactDesk artifacts, WorkerLeases leases, RunTargets targets, TimeProvider time) : IRunGateway
{
    private const string LocalPrefix = "local:";
    private readonly string _name = LocalPrefix + Guid.NewGuid().ToString("N");

    private string? Holder => desk.Ledger.Store.IsShared ? _name : null;

    /// <inheritdoc/>
    public string WorkerName => "local";

    /// <inheritdoc/>
    public TimeSpan LeaseLife => leases.Life;

    /// <inheritdoc/>
    public Task Moved => desk.Moved;

    /// <inheritdoc/>
    public RunSignal Watch(string runId) => desk.Watch(runId);

    /// <summary>This process alone has the data folder, so whoever held a lease in it before is gone. On a shared store nobody knows who is gone: there leases run out.</summary>
    public Task OpenAsync(CancellationToken cancel) => desk.Ledger.Store.IsShared ? Task.CompletedTask : desk.ReleaseAsync(LocalPrefix).AsTask();

    /// <inheritdoc/>
    public void Offer(Func<string, bool> takes, Action<TakenRun> begin, Func<TakenRun, Task<PrimitiveResult>?> lookAhead) =>
        desk.Taker = new RunTaker(new RunHolder(_name, LeaseLife), WorkerName, takes, begin, lookAhead);

    /// <inheritdoc/>
    public Task CloseAsync()
    {
        desk.Taker = null;
        return desk.ReleaseAsync(_name).AsTask();
    }

    /// <summary>On a shared store another gateway may have engines that this one has not: their runs are left to it. Alone, nobody else could end what is on an engine that is not there any more.</summary>
    public Task<IReadOnlyList<RunRow>> LeaseAsync(int limit, IReadOnlyCollection<string> held, CancellationToken cancel) =>
        desk.LeaseAsync(_name, desk.Ledger.Store.IsShared ? new LeaseReach(targets.Preferred, null) : LeaseReach.Everything, limit, LeaseLife).AsTask();

    /// <inheritdoc/>
    public async Task<IReadOnlyCollection<string>> RenewAsync(IReadOnlyCollection<string> runs, CancellationToken cancel) => await desk.RenewAsync(_name, runs, LeaseLife);

    /// <summary>On a shared store another gateway takes over what a paused one held too long; the question renews the lease.</summary>
    public async Task<bool> HoldsAsync(string runId, CancellationToken cancel) => Holder is null || (await desk.RenewAsync(_name, [runId], LeaseLife)).Count == 1;

    /// <inheritdoc/>
    public ValueTask<RunRow?> FindAsync(string runId) => desk.FindAsync(runId);

    /// <inheritdoc/>
    public ValueTask<SignedManifest> ManifestOfAsync(RunRow run) => desk.ManifestOfAsync(run);

    /// <inheritdoc/>
    public ValueTask<GrantEvidence> EvidenceOfAsync(RunRow run, SignedManifest manifest) => desk.EvidenceOfAsync(run, manifest);

    /// <inheritdoc/>
    public async Task<GrantEvidence> MaterialiseAsync(RunRow run, SignedManifest manifest, IReadOnlyList<string> grants, CancellationToken cancel)
    {
        await desk.NoteAsync(run, grants.Select(grant => Sign(run, RunEvents.Materialise, json => GrantEvents.WriteWish(json, run, grant))), cancel);
        return await desk.EvidenceOfAsync(run, manifest);
    }

    /// <inheritdoc/>
    public ValueTask<RunRow?> SuccessorOfAsync(RunRow run) => desk.SuccessorOfAsync(run);

    /// <inheritdoc/>
    public ValueTask<bool> WasAskedToStopAsync(RunRow run) => desk.WasAskedToStopAsync(run);

    /// <inheritdoc/>
    public ValueTask<string?> RestartOfAsync(RunRow run) => desk.RestartOfAsync(run);

    /// <inheritdoc/>
    public ValueTask<bool> HasEndedAsync(RunRow run, string kind, string name) => desk.HasEndedAsync(run.Tenant, kind, name);

    /// <summary>Says it again while the store is away: what a command has brought is nowhere else.</summary>
    public Task<bool> ReportAsync(string runId, IReadOnlyList<RunReport> reports, CancellationToken cancel)
    {
        List<ServerSpan>? said = null;
        return Absence.OutlastAsync(async () =>
        {
            var before = said;
            if (await desk.FindAsync(runId) is { } run && RunStates.AreLegal(run.State, reports.Select(report => report.State)))
            {
                said ??= [.. reports.Select(report => Sign(run, RunStates.Intent(report.State)!, json => RunEvents.Write(json, run, report, time.GetUtcNow())))];
                if (await desk.MoveAsync(run, said, reports[^1].Result, Holder is { } holder ? new RunHolder(holder, LeaseLife) : null, cancel))
                {
                    return true;
                }
            }
            return before is not null && await desk.HasSaidAsync(before[^1]); // an earlier try may have got there, and its answer was lost
        }, time, cancel);
    }

    /// <inheritdoc/>
    public Task RecordAsync(RunRow run, string intent, Action<Utf8JsonWriter> facts, CancellationToken cancel) => desk.NoteAsync(run, [Sign(run, intent, facts)], cancel);

    /// <inheritdoc/>
    public RunArtifacts ArtifactsOf(RunRow run) => new KeptArtifacts(artifacts, new ArtifactActor(run.Tenant, run.Env, "gateway", run.RunId), time);

    private ServerSpan Sign(RunRow run, string intent, Action<Utf8JsonWriter> payload) =>
        desk.Ledger.Identity.Sign(run.Tenant, run.Env, intent, RunEvents.EntityType(intent), run.Subject, time.GetUtcNow(), payload);
}

/// <summary>How long workers have runs, section <c>LogLine:Leases</c> of the configuration.</summary>
public sealed class WorkerLeases
{
    /// <summary>Seconds from 2 to 600 that a lease lasts unless it is renewed; a worker renews at a third of it. Default: 30.</summary>
    public int Seconds { get; set; } = 30;

    /// <summary>The same as a span of time.</summary>
    public TimeSpan Life => TimeSpan.FromSeconds(Math.Clamp(Seconds, 2, 600));
}
