using System.Collections.Concurrent;
using System.Collections.Frozen;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// The gateway's side of every run: who has it, what is known about it, and what is said about it. Every state is a span; what the run's row says changes in the same
/// transaction.
/// </summary>
public sealed class RunDesk
{
    private readonly RunSignals _signals = new();
    private readonly ConcurrentDictionary<string, AwaitedAnswer> _awaited = new();
    private readonly SpanLedger _ledger;
    private readonly TimeProvider _time;

    /// <summary>When leases could not be renewed last: before this gateway was there, or when the store did not answer (<see cref="TimeProvider.GetTimestamp"/>: a wall clock that is put right is no time in which anybody renews).</summary>
    private long _awayAt;

    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Serves the runs of <paramref name="ledger"/>.</summary>
    public RunDesk(SpanLedger ledger, TimeProvider time)
    {
        (_ledger, _time, _awayAt) = (ledger, time, time.GetTimestamp());
        ledger.Committed += batch =>
        {
            var moved = false;
            foreach (var touched in batch.Touched)
            {
                if (touched.Kind == TouchedKind.Run)
                {
                    _signals.Raise(touched.Id);
                    moved = true;
                }
            }
            if (moved)
            {
                Interlocked.Exchange(ref _moved, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }
        };
    }

    /// <summary>The ledger.</summary>
    public SpanLedger Ledger => _ledger;

    /// <summary>Completes at the next change of any run. Taken before the state is read, so that no change falls in between.</summary>
    public Task Moved => Volatile.Read(ref _moved).Task;

    /// <summary>Listens for changes of one run.</summary>
    public RunSignal Watch(string runId) => _signals.Watch(runId);

    /// <summary>The worker of this process that has runs from their admission on; null while there is none: then they wait until one leases them.</summary>
    public RunTaker? Taker { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Has a run carried out that was admitted for this process's own worker. Called once for each, when it is durable.</summary>
    public void Begin(TakenRun taken)
    {
        RunTelemetry.Moved(taken.Planned, taken.Run.State, _time.GetUtcNow());
        taken.Taker.Begin(taken);
    }

    /// <summary>Has the Ack that waits for a run kept by the commit that ends the wait, where that commit goes through this desk; until <see cref="Forget"/>.</summary>
    public void Await(string runId, AwaitedAnswer answer) => _awaited[runId] = answer;

    /// <summary>No Ack waits for the run any more.</summary>
    public void Forget(string runId) => _awaited.TryRemove(runId, out _);

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

    /// <summary>Grants that were revoked while a deploy's container holds them: it keeps them until its end.</summary>
    public async ValueTask<IReadOnlySet<string>> RevokedGrantsAsync(RunRow run) =>
        run is { Ref: not null, State: RunState.Applied or RunState.Running } ? await GrantLedger.RevokedAsync(_ledger.Store, run.Tenant, await ManifestOfAsync(run)) : FrozenSet<string>.Empty;

    /// <summary>The live run that takes this run's place, or null.</summary>
    public async ValueTask<RunRow?> SuccessorOfAsync(RunRow run) => (await _ledger.Store.LiveRunsAsync(run.Tenant, run.Service))
        .FirstOrDefault(other => DeployCourse.Of(other) is { OldRun: { } old } course && old == run.RunId && course.TakesOver(other));

    /// <summary>True when a client stopped the run's container, or killed it with a signal that asks it to end, and none has started it since. Moments of the gateway's clock alone are compared: that of an engine on another machine may be another one.</summary>
    public async ValueTask<bool> WasAskedToStopAsync(RunRow run) =>
        run.State == RunState.Running && await _ledger.Store.WasStoppedAsync(run.Tenant, Identifiers.ContainerSubject(run.Tenant, run.Service), run.Provider, RunDetail.NamedAt(run.Detail) ?? run.CreatedAt);

    /// <summary>The run of a client's restart that is at work on the run's container, or null. It has said so before it asked the engine.</summary>
    public async ValueTask<string?> RestartOfAsync(RunRow run) => (await _ledger.Store.LiveRunsAsync(run.Tenant, run.Service))
        .FirstOrDefault(other => other is { Intent: "container.restart", State: RunState.Running } && other.Provider == run.Provider)?.RunId;

    /// <summary>
    /// Gives up to <paramref name="limit"/> runs that nobody holds to <paramref name="worker"/>. After a time in which nobody could renew, what another worker had is not given for half a life: workers renew at a
    /// third of it, so that one that is there keeps what it has.
    /// </summary>
    /// <param name="worker">Who gets them.</param>
    /// <param name="reach">Which ones it may have.</param>
    /// <param name="limit">Runs at most.</param>
    /// <param name="life">How long it has them unless it renews.</param>
    public ValueTask<IReadOnlyList<RunRow>> LeaseAsync(string worker, LeaseReach reach, int limit, TimeSpan life)
    {
        var now = _time.GetUtcNow();
        var couldRenew = _time.GetElapsedTime(Volatile.Read(ref _awayAt)) >= life / 2;
        return AnsweredAsync(() => _ledger.Store.LeaseRunsAsync(worker, couldRenew ? reach : reach with { TakesOver = false }, limit, now + life, now));
    }

    /// <summary>Goes on holding runs; those that are in the answer are still the worker's.</summary>
    public ValueTask<IReadOnlyList<string>> RenewAsync(string worker, IReadOnlyCollection<string> runs, TimeSpan life)
    {
        var now = _time.GetUtcNow();
        return AnsweredAsync(() => _ledger.Store.RenewLeasesAsync(worker, runs, now + life, now));
    }

    /// <summary>Takes runs from workers whose names begin so: those of an earlier process, which is not there any more.</summary>
    public ValueTask ReleaseAsync(string workerPrefix) => _ledger.Store.ReleaseLeasesAsync(workerPrefix);

    /// <summary>
    /// Appends the spans of states that follow each other, and moves the run in the same transaction. False when there is no such step from where the run stands now, or another worker
    /// has it: nothing is written.
    /// </summary>
    /// <param name="run">The run as it stands.</param>
    /// <param name="spans">The spans, signed.</param>
    /// <param name="result">What a primitive brought, for the row alone; or null.</param>
    /// <param name="holder">The worker whose lease it must be, and is for another life of it; null asks for none.</param>
    /// <param name="cancel">Gives up waiting.</param>
    public async Task<bool> MoveAsync(RunRow run, IReadOnlyList<ServerSpan> spans, System.Text.Json.JsonElement? result, RunHolder? holder, CancellationToken cancel)
    {
        var (now, path, moves) = (_time.GetUtcNow(), new List<RunRow> { run }, new List<ServerSpan>(spans.Count));
        foreach (var span in spans)
        {
            if (RunEvents.StateOf(span.Span.Intent!) is not { } state || !RunStates.IsLegal(path[^1].State, state))
            {
                return false;
            }
            var moved = RunEvents.Apply(path[^1], state, span.Span.Payload, moves.Count == spans.Count - 1 ? result : null);
            if (state == RunState.Running && path[^1].State != RunState.Running && DeployCourse.Of(run).Replaces)
            {
                moved = moved with { Detail = RunDetail.Named(moved.Detail, now) }; // what was asked before was meant for the one that it replaces
            }
            moves.Add(span with { RunId = run.RunId, Effects = [new LedgerEffect.RunMoved(path[^1].State, moved) { Holder = holder?.Name, Renewal = holder is null ? null : new LedgerEffect.LeaseRenewal(now, holder.Life) }] });
            path.Add(moved);
        }
        var awaited = _awaited.GetValueOrDefault(run.RunId);
        if (awaited?.Take(path[^1]) is not { } kept)
        {
            return await AppendAsync(path, moves, cancel);
        }
        byte[]? durable = null;
        try
        {
            moves[^1] = moves[^1] with { Effects = [(LedgerEffect.RunMoved)moves[^1].Effects[0] with { Answer = kept }] };
            var isMoved = await AppendAsync(path, moves, cancel);
            durable = isMoved ? kept.Answer : null;
            return isMoved;
        }
        finally
        {
            awaited.Settle(durable);
        }
    }

    private async ValueTask<T> AnsweredAsync<T>(Func<ValueTask<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch
        {
            Volatile.Write(ref _awayAt, _time.GetTimestamp());
            throw;
        }
    }

    private async Task<bool> AppendAsync(List<RunRow> path, List<ServerSpan> moves, CancellationToken cancel)
    {
        if ((await _ledger.AppendOwnAsync(moves, cancel)).Conflict is not null)
        {
            return false;
        }
        for (var step = 1; step < path.Count; step++)
        {
            RunTelemetry.Moved(path[step - 1], path[step].State, _time.GetUtcNow());
        }
        return true;
    }

    /// <summary>True when a span of the gateway's own is on the ledger, by its name.</summary>
    public async ValueTask<bool> HasSaidAsync(ServerSpan span) => await _ledger.Store.FindSpanAsync(span.Entry.Tenant, span.Span.This!) is not null;

    /// <summary>Appends spans about a run that are no states of it.</summary>
    public Task NoteAsync(RunRow run, IEnumerable<ServerSpan> spans, CancellationToken cancel) =>
        _ledger.AppendOwnAsync([.. spans.Select(span => span with { RunId = run.RunId })], cancel);

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
}

/// <summary>A worker that holds a run, and for how long a report of its own holds it on.</summary>
public sealed record RunHolder(string Name, TimeSpan Life);
