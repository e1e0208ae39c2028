using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Runs;

/// <summary>
/// Where workers get runs and report on them: the worker protocol of the contract, section 7, as calls. A worker knows nothing but this and
/// its adapters. Every report is a span; what the run's row says changes in the same transaction.
/// </summary>
public sealed class RunDesk
{
    /// <summary>How long a lease lasts unless it is renewed.</summary>
    public static readonly TimeSpan LeaseLife = TimeSpan.FromSeconds(30);

    /// <summary>Among so many of the latest acts on a container the one that ended it is looked for.</summary>
    private const int RecentActs = 20;

    private readonly SpanLedger _ledger;
    private readonly TimeProvider _time;
    private string? _holder;
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Serves the runs of <paramref name="ledger"/>.</summary>
    public RunDesk(SpanLedger ledger, TimeProvider time)
    {
        (_ledger, _time) = (ledger, time);
        ledger.Committed += batch =>
        {
            if (batch.Touched.Any(touched => touched.Kind == TouchedKind.Run))
            {
                Interlocked.Exchange(ref _moved, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }
        };
    }

    /// <summary>Completes at the next change of any run. Taken before the state is read, so that no change falls in between.</summary>
    public Task Moved => Volatile.Read(ref _moved).Task;

    /// <summary>A run, or null.</summary>
    public ValueTask<RunRow?> FindAsync(string runId) => _ledger.Store.FindRunAsync(runId);

    /// <summary>The manifest of a run's ref.</summary>
    public async ValueTask<SignedManifest> ManifestOfAsync(RunRow run) =>
        MiniContainerRef.TryParse(run.Ref, out var reference) && await _ledger.Store.FindManifestAsync(reference.Tenant, reference.Name, reference.Hash) is { } bytes
            ? SignedManifest.View(CanonicalJson.Parse(bytes).Root)
            : throw new InvalidOperationException($"{run.RunId} has no manifest.");

    /// <summary>What the ledger says of the keys and grants of a run's manifest, at this moment.</summary>
    public ValueTask<GrantEvidence> EvidenceOfAsync(RunRow run, SignedManifest manifest) =>
        MiniContainerRef.TryParse(run.Ref, out var reference)
            ? GrantLedger.EvidenceAsync(_ledger.Store, reference, manifest)
            : throw new InvalidOperationException($"{run.RunId} has no manifest.");

    /// <summary>Records something about a run that is no state of it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="intent">An emitted intent, for example <c>grant.materialized</c>.</param>
    /// <param name="facts">Writes the payload without <c>kind</c>.</param>
    /// <param name="cancel">Gives up waiting.</param>
    public async Task RecordAsync(RunRow run, string intent, Action<Utf8JsonWriter> facts, CancellationToken cancel) =>
        await _ledger.AppendOwnAsync([_ledger.Identity.Sign(run.Tenant, run.Env, intent, "decision", run.Subject, _time.GetUtcNow(), facts) with { RunId = run.RunId }], cancel);

    /// <summary>Completes once somebody wants the run to end.</summary>
    public async Task CancelledAsync(string runId, CancellationToken stop)
    {
        while (true)
        {
            var moved = Moved;
            if ((await FindAsync(runId))?.CancelRequested == true)
            {
                return;
            }
            await moved.WaitAsync(stop);
        }
    }

    /// <summary>Completes once the run has ended, at once for none.</summary>
    public async Task EndedAsync(string? runId, CancellationToken stop)
    {
        while (true)
        {
            var moved = Moved;
            if (runId is null || await FindAsync(runId) is not { HasEnded: false })
            {
                return;
            }
            await moved.WaitAsync(stop);
        }
    }

    /// <summary>The live run that takes this run's place, or null.</summary>
    public async ValueTask<RunRow?> SuccessorOfAsync(RunRow run) => (await _ledger.Store.LiveRunsAsync(run.Tenant, run.Service))
        .FirstOrDefault(other => DeployCourse.Of(other) is { OldRun: { } old } course && old == run.RunId && course.TakesOver(other));

    /// <summary>
    /// True when a client stopped or killed the run's container after it was last started: that is not an end to restart it after.
    /// </summary>
    public async ValueTask<bool> WasAskedToStopAsync(RunRow run) => (await _ledger.Store.RunsAsync(run.Tenant, Identifiers.ContainerSubject(run.Tenant, run.Service), RecentActs))
        .Exists(act => act.Intent is "container.stop" or "container.kill" && act.Provider == run.Provider && act.State is not (RunState.Failed or RunState.Cancelled) && act.CreatedAt >= run.StartedAt);

    /// <summary>What the manifest of a run says about its beginning and end; the defaults when there is no such run.</summary>
    public async ValueTask<DeployLifecycle> LifecycleOfAsync(string? runId) =>
        runId is not null && await FindAsync(runId) is { Ref: not null } run ? DeployLifecycle.Of((await ManifestOfAsync(run)).Deploy) : new DeployLifecycle();

    /// <summary>Gives up to <paramref name="limit"/> runs that nobody holds to <paramref name="worker"/>.</summary>
    public ValueTask<IReadOnlyList<RunRow>> LeaseAsync(string worker, int limit)
    {
        _holder = worker;
        var now = _time.GetUtcNow();
        return _ledger.Store.LeaseRunsAsync(worker, limit, now + LeaseLife, now);
    }

    /// <summary>Goes on holding runs; those that are in the answer are still the worker's.</summary>
    public ValueTask<IReadOnlyList<string>> RenewAsync(string worker, IReadOnlyCollection<string> runs)
    {
        var now = _time.GetUtcNow();
        return _ledger.Store.RenewLeasesAsync(worker, runs, now + LeaseLife, now);
    }

    /// <summary>
    /// True while a run is still this process's: another gateway takes over what a paused one held too long. Asked right before anything is done that must not
    /// be done twice; it renews the lease.
    /// </summary>
    public async ValueTask<bool> HoldsAsync(string runId) => !_ledger.Store.IsShared || (_holder is { } worker && (await RenewAsync(worker, [runId])).Count == 1);

    /// <summary>
    /// Takes over what workers of an earlier process on this data folder held. On a store that others use too nobody knows who is gone: there leases run out.
    /// </summary>
    public ValueTask ReleaseAsync(string workerPrefix) => _ledger.Store.IsShared ? default : _ledger.Store.ReleaseLeasesAsync(workerPrefix);

    /// <summary>
    /// Records a run's new state as a span. False when there is no such step from where the run stands now: then somebody else was there
    /// first, and nothing is written. So a run has one terminal state, whatever crashes (architecture, rule 5).
    /// </summary>
    /// <param name="runId">The run.</param>
    /// <param name="state">The new state.</param>
    /// <param name="change">What else changes in the row.</param>
    /// <param name="facts">Writes the payload's own members, and the row's detail.</param>
    /// <param name="cancel">Gives up waiting.</param>
    public async Task<bool> ReportAsync(string runId, RunState state, Func<RunRow, RunRow> change, Action<Utf8JsonWriter> facts, CancellationToken cancel)
    {
        if (await FindAsync(runId) is not { } run || !RunStates.IsLegal(run.State, state))
        {
            return false;
        }
        var now = _time.GetUtcNow();
        var changed = change(run);
        var moved = changed with { State = state, Detail = RunDetail.With(changed.Detail, facts) };
        var span = _ledger.Identity.Sign(run.Tenant, run.Env, RunStates.Intent(state)!, "function", run.Subject, now, json =>
        {
            json.WriteString("run_id", runId);
            facts(json);
            Moments(json, state, moved, now);
        });
        var outcome = await _ledger.AppendOwnAsync([span with { RunId = runId, Effects = [new LedgerEffect.RunMoved(run.State, moved) { Holder = _ledger.Store.IsShared ? _holder : null }] }], cancel);
        if (outcome.Conflict is not null)
        {
            return false;
        }
        RunTelemetry.Moved(run, state, now);
        return true;
    }

    /// <summary>Whether the last that was said of a session or task is that it ended; before the run that ends it is done, too.</summary>
    public async ValueTask<bool> HasEndedAsync(string tenant, string kind, string name)
    {
        const int Page = 100;
        var (filter, from, size, last) = (new SpanFilter(tenant, $"urn:{kind}:{tenant}/{name}", IntentPrefix: kind + "."), 0L, _ledger.Size, "");
        while (from < size)
        {
            (var spans, from) = await _ledger.Store.ScanAsync(filter, from, Page);
            last = spans.Count > 0 && spans[^1].Span.Length > 0 ? CanonicalJson.Parse(spans[^1].Span).Root.Text("intent") : last;
        }
        return last == kind + ".end";
    }

    /// <summary>Says how far a run is, as a span that changes nothing.</summary>
    public async Task ProgressAsync(string runId, RunProgress progress, CancellationToken cancel)
    {
        if (await FindAsync(runId) is not { HasEnded: false } run)
        {
            return;
        }
        var span = _ledger.Identity.Sign(run.Tenant, run.Env, "run.progress", "function", run.Subject, _time.GetUtcNow(), json =>
        {
            json.WriteString("run_id", runId);
            json.WriteNumber("done", progress.Done);
            if (progress.Total is { } total)
            {
                json.WriteNumber("total", total);
            }
            json.WriteString("unit", progress.Unit);
        });
        await _ledger.AppendOwnAsync([span with { RunId = runId }], cancel);
    }

    private static void Moments(Utf8JsonWriter json, RunState state, RunRow run, DateTimeOffset now)
    {
        switch (state)
        {
            case RunState.Pending when run.Ref is not null:
                json.WriteString("ref", run.Ref);
                json.WritePropertyName("target");
                json.WriteRawValue(run.Target, skipInputValidation: true);
                break;
            case RunState.Running:
                json.WriteString("started_at", Timestamps.Write(run.StartedAt ?? now));
                break;
            case RunState.Exited:
                json.WriteString("exited_at", Timestamps.Write(run.EndedAt ?? now));
                json.WriteNumber("exit_code", run.ExitCode ?? 0);
                WriteCause(json, run);
                break;
            case RunState.Failed:
                json.WriteString("failed_at", Timestamps.Write(run.EndedAt ?? now));
                json.WriteString("error", run.Error);
                json.WriteString("reason", run.Reason);
                WriteExitCode(json, run);
                break;
            case RunState.Cancelled:
                json.WriteString("cancelled_at", Timestamps.Write(run.EndedAt ?? now));
                WriteExitCode(json, run);
                break;
        }
    }

    private static void WriteCause(Utf8JsonWriter json, RunRow run)
    {
        if (run.Reason is not null)
        {
            json.WriteString("reason", run.Reason);
        }
        if (run.Error is not null)
        {
            json.WriteString("error", run.Error);
        }
    }

    private static void WriteExitCode(Utf8JsonWriter json, RunRow run)
    {
        if (run.ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }
    }
}
