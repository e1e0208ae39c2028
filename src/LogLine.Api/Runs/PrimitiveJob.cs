using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// One primitive, carried out once: pending → running → exited with its result, or failed before anything began. Whatever the gate saw, the
/// container is judged again by the engine's truth right before the act (contract, section 7): by a look, or by the engine in the act itself.
/// </summary>
internal sealed class PrimitiveJob(RunRow run, TakenRun? taken, IRunGateway gateway, IRunAdapter adapter, WorkloadTurns turns, GrantVault vault, RunOutputs outputs, UnsaidEnds ends, TimeProvider time, ILogger logger)
{
    /// <summary>So long an engine may still be making what nobody waits for any more.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    /// <summary>So long, in all, whoever changes containers that its run is not about waits for what others do to them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    private readonly PrimitiveOrder _order = RunDetail.Order(run.Detail);
    private readonly bool _takenOver = run.State != RunState.Planned && taken is null;
    private SecretMask _mask = SecretMask.None;
    private IReadOnlyList<string> _secretVariables = [];
    private Task _pending = Task.CompletedTask;
    private RunReport[] _unsaid = [];
    private TimeSpan _waited;
    private bool _begun;
    private bool _isOurs = true;
    private bool _isMaking;

    private Unmaking? Unmake => PrimitiveTable.Unmaking(adapter, _order.Effect);

    /// <summary>It was said, or is being said, that the run is <c>running</c> or has ended: whoever takes it over does not carry it out again, and what it brings is nowhere but here.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>
    /// Begins a look while its run is being committed; null for what is no glance (<see cref="PrimitiveTable.IsGlance"/>), or is about a container that the gate has not seen. What it brings goes nowhere before the
    /// run is durable: the job waits for it then. When the run is refused at the last moment, it was one question more to the engine.
    /// </summary>
    public static Task<PrimitiveResult>? LookAhead(TakenRun taken, IRunGateway gateway, IRunAdapter adapter, TimeProvider time, CancellationToken stopping)
    {
        var run = taken.Planned;
        if (DeployOrder.IsDeploy(run) || RunDetail.Order(run.Detail) is not { } order || !PrimitiveTable.IsGlance(order.Effect) || PrimitiveTable.Find(adapter, order.Effect) is not { } primitive)
        {
            return null;
        }
        var container = IsAboutContainer(run, order) ? taken.Seen?.Found : null;
        return container is null && IsAboutContainer(run, order) ? null : HeldBack(LookAsync());

        async Task<PrimitiveResult> LookAsync()
        {
            var since = time.GetTimestamp();
            var result = await primitive(Call(run, order, container, gateway), stopping);
            RunTelemetry.Carried(run, time.GetElapsedTime(since));
            return result;
        }
    }

    /// <summary>The same; nobody may ever come for it, so that its failure is nobody's to see then.</summary>
    private static Task<PrimitiveResult> HeldBack(Task<PrimitiveResult> looking)
    {
        _ = looking.ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return looking;
    }

    public async Task RunAsync(CancellationToken stopping)
    {
        using var activity = RunTelemetry.StartWork(run);
        if (_takenOver && ends.Find(run.RunId) is { } end)
        {
            await SayAsync(end.State == RunState.Exited && run.State < RunState.Running ? [new RunReport(RunState.Running) { StartedAt = end.StartedAt }, end] : [end], stopping);
            ends.Forget(run.RunId);
            return;
        }
        _begun = run.State == RunState.Running;
        if (_begun && !(run.CancelRequested && Unmake is not null) && !await IsMadeAsync(stopping))
        {
            // A worker that is gone had begun it. How that ended is not known, and to do it again could be wrong.
            await EndAsync(RunState.Exited, -1, "worker_lost", "The worker that carried it out was lost; what it did until then stays done.", null, stopping);
            return;
        }
        if (run.State == RunState.Planned)
        {
            _unsaid = [new RunReport(RunState.Pending) { Facts = json => json.WriteString("worker", gateway.WorkerName) }];
            // The engine is looked at meanwhile; nothing is done before it is said. What only looks says it with what it has seen.
            _pending = PrimitiveTable.OnlyLooks(_order.Effect) ? _pending : SayAsync([], stopping);
        }
        if (run.CancelRequested)
        {
            await (run.State == RunState.Planned
                ? EndAsync(RunState.Cancelled, null, "cancelled", null, null, stopping) // before anybody had it
                : CancelAsync(isAnswerLost: false, null, stopping));
            return;
        }
        using var working = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var done = new CancellationTokenSource();
        var cancellation = gateway.CancelWhenAskedAsync(run.RunId, working, time, done.Token);
        try
        {
            using var turn = _order.Operation is { } operation && ContainerLifecycle.TakesTurn(operation)
                ? await turns.TakeAsync(run.Provider, run.Tenant, run.Service, working.Token)
                : null;
            await ActAsync(working.Token, stopping);
        }
        // What is broken off may fail in its own clean-up as well: it was asked to end, and has.
        catch (Exception broken) when (_isOurs && !stopping.IsCancellationRequested && (broken is OperationCanceledException || (working.IsCancellationRequested && broken is AdapterException or ArtifactException)))
        {
            await CancelAsync(IsAnswerLost(broken), (broken as CommandLeftException)?.Message, stopping);
        }
        catch (AdapterException failure)
        {
            var left = IsAnswerLost(failure) ? await LeftAsync(isLost: true, stopping) : null;
            await EndAsync(_begun ? RunState.Exited : RunState.Failed, 1, RunReasons.Of(failure.Failure), left is null ? failure.Message : $"{failure.Message} {Left(left)}", null, stopping);
        }
        catch (ArtifactException failure)
        {
            await EndAsync(_begun ? RunState.Exited : RunState.Failed, 1, RunReasons.Of(failure.Failure), failure.Message, null, stopping);
        }
        catch (Exception defect) when (defect is not OperationCanceledException && !defect.IsAway())
        {
            await EndAsync(_begun ? RunState.Exited : RunState.Failed, -1, RunReasons.Defect, RunReasons.DefectError, null, stopping);
            throw; // whoever had the run next would have met the same
        }
        finally
        {
            await done.CancelAsync();
            await cancellation;
        }
    }

    /// <summary>True when the run was to make a container, which is there: to go on with it is no second time, as one that was started stays as it is.</summary>
    private async Task<bool> IsMadeAsync(CancellationToken stopping)
    {
        try
        {
            return _order.Operation == "create" && await EnginePatience.OutlastAsync(() => adapter.FindByNameAsync(run.Tenant, run.Service, stopping), time, stopping) is { } made && made.RunId == run.RunId;
        }
        catch (AdapterException)
        {
            return false;
        }
    }

    /// <summary>Somebody wants it to end. What it has made goes before that is said: cancelled means that nothing of it is left, but for the command that <paramref name="goesOn"/> speaks of.</summary>
    private async Task CancelAsync(bool isAnswerLost, string? goesOn, CancellationToken stopping)
    {
        if (await LeftAsync(isAnswerLost || _takenOver, stopping) is { } left)
        {
            await EndAsync(_begun ? RunState.Exited : RunState.Failed, 1, RunReasons.Of(left.Failure), $"It was to be cancelled. {Left(left)}", null, stopping);
            return;
        }
        await EndAsync(RunState.Cancelled, null, "cancelled", goesOn, null, stopping);
    }

    /// <summary>Takes away what the run has made. Null when nothing of it is left, else why that is not known, or not so.</summary>
    /// <param name="isLost">The engine's answer to the making was lost, with a worker or with a connection: what is not there yet may be a moment later.</param>
    /// <param name="stopping">The worker stops.</param>
    private async Task<AdapterException?> LeftAsync(bool isLost, CancellationToken stopping)
    {
        if (Unmake is not { } unmake || !(_isMaking || _takenOver))
        {
            return null;
        }
        await _pending;
        if (!await gateway.HoldsAsync(run.RunId, stopping))
        {
            throw NotOurs();
        }
        var (call, since) = (Call(run, _order, null, gateway), time.GetTimestamp());
        try
        {
            while (!await EnginePatience.OutlastAsync(() => unmake(call, stopping), time, stopping) && isLost && time.GetElapsedTime(since) < Settling)
            {
                await Task.Delay(Glance, time, stopping);
            }
            return null;
        }
        catch (AdapterException failure)
        {
            return failure;
        }
    }

    private string Left(AdapterException failure) => failure.Failure == AdapterFailure.Unavailable
        ? $"Whether '{run.Service}' was made is not known, as the engine stayed away; if it is there by then it stays until it is removed: {failure.Message}"
        : $"What was made of '{run.Service}' could not be taken away, and stays until it is removed: {failure.Message}";

    private async Task ActAsync(CancellationToken working, CancellationToken stopping)
    {
        var workload = IsAboutContainer(run, _order) ? await LookAsync(working) : null;
        _mask = await vault.MaskOfAsync(workload, working);
        _secretVariables = await vault.VariablesOfAsync(workload) ?? (_order.Effect != "container.commit" ? []
            : throw new AdapterException(AdapterFailure.Refused, $"Which variables of '{run.Service}' hold secrets is not known here (any more), so no image is made of it."));
        await _pending;
        if (_order.Operation is { } operation)
        {
            Judge(workload, operation);
        }
        // Not only when the gate let it pass: a deploy may have put a container with secrets in that one's place.
        if (SecretAccess.IsBy(_order.Effect) && RunDetail.ProofOf(run.Detail) is null && await vault.HoldsGrantsAsync(workload))
        {
            await EndAsync(RunState.Failed, 1, "proof_required", $"The container '{run.Service}' holds secrets by now, so this needs a live proof for '{SecretAccess.ProofIntent}' on {run.Subject}.", null, stopping);
            return;
        }
        if (StartsAgain(workload))
        {
            var revoked = await vault.RevokedOfAsync(workload) ?? throw new AdapterException(AdapterFailure.Refused, $"Which grants '{run.Service}' holds is not known here (any more), so it is not started again: deploy it again.");
            if (revoked.Count > 0)
            {
                await EndAsync(RunState.Failed, 1, "grant_revoked", $"The container '{run.Service}' holds the revoked grant {string.Join(", ", revoked.Order(StringComparer.Ordinal))}, so it is not started again: replace the secret, and deploy again.", null, stopping);
                return;
            }
        }
        if (_mask.Hides && _order.Effect == "container.logs" && _order.Arguments.Text("grep") is not null)
        {
            // The engine would look through what is hidden: a secret could be guessed from it, piece by piece.
            throw new AdapterException(AdapterFailure.Refused, $"The container '{run.Service}' holds secrets, so its log is not searched here. GET /v1/runs/{workload!.RunId}/logs?grep= searches what is shown of it.");
        }
        var primitive = PrimitiveTable.Find(adapter, _order.Effect) ?? throw new AdapterException(AdapterFailure.Refused, $"{run.Provider} does not carry out '{_order.Effect}'.");
        if (_unsaid.Length == 0 && !PrimitiveTable.OnlyLooks(_order.Effect) && !await gateway.HoldsAsync(run.RunId, stopping))
        {
            return; // another worker has it by now
        }
        working.ThrowIfCancellationRequested();
        var (started, since, reporting) = (time.GetUtcNow(), time.GetTimestamp(), TimeSpan.Zero);
        var progress = new ProgressReports(run, gateway, time, logger, stopping);
        var result = taken?.Ahead is { } ahead ? await ahead.WaitAsync(working) : await primitive(Call(run, _order, workload, gateway) with
        {
            Unbroken = stopping,
            SecretVariables = _secretVariables,
            Mask = _mask,
            Begun = async () =>
            {
                var at = time.GetTimestamp();
                await BeginAsync(time.GetUtcNow(), stopping);
                reporting += time.GetElapsedTime(at);
            },
            Making = () => _isMaking = true,
            TurnOf = TurnOfAsync,
            // Asked in the middle of the work: a store that is away would end it there, and what it has done would be nobody's to tell.
            HasEnded = (kind, name) => new(Absence.OutlastAsync(() => gateway.HasEndedAsync(run, kind, name).AsTask(), time, working)),
            Progress = progress.SayAsync,
            Said = (source, piece) => outputs.Append(run.RunId, source, piece),
        }, working);
        if (taken?.Ahead is null)
        {
            RunTelemetry.Carried(run, time.GetElapsedTime(since) - reporting);
        }
        await progress.SaidAsync();
        var exited = Ended(RunState.Exited, result.ExitCode, null, null, result.Body);
        await SayAsync(_begun ? [exited] : [new RunReport(RunState.Running) { StartedAt = started }, exited], stopping);
    }

    /// <summary>Its processes are to begin again with the secrets that were put into it when it was made. One that runs when it is to be started was started by this very run.</summary>
    private bool StartsAgain(Workload? workload) => _order.Operation == "restart" || (_order.Operation == "start" && workload?.State != WorkloadState.Running);

    private static bool IsAboutContainer(RunRow run, PrimitiveOrder order) => order.Effect.StartsWith("container.", StringComparison.Ordinal) && run.Service.Length > 0;

    private async Task<IDisposable?> TurnOfAsync(string name, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        try
        {
            return await turns.TakeAsync(run.Provider, run.Tenant, name, Patience - _waited, time, cancel);
        }
        finally
        {
            _waited += time.GetElapsedTime(since);
        }
    }

    /// <summary>The call, of one that says nothing while it goes on.</summary>
    private static PrimitiveCall Call(RunRow run, PrimitiveOrder order, Workload? workload, IRunGateway gateway) => new()
    {
        RunId = run.RunId,
        Tenant = run.Tenant,
        Name = run.Service,
        Workload = workload,
        Arguments = order.Arguments,
        Begun = () => Task.CompletedTask,
        Artifacts = gateway.ArtifactsOf(run),
        HasEnded = (kind, name) => gateway.HasEndedAsync(run, kind, name),
        Progress = _ => Task.CompletedTask,
    };

    /// <summary>The container as it stands, or as the gate saw it a moment ago where that is enough. What was looked at ahead is that container, and its secrets are those to be hidden.</summary>
    private async Task<Workload?> LookAsync(CancellationToken working) =>
        taken is { Ahead: not null } ? taken.Seen!.Found
        : (_takenOver ? null : taken is null ? gateway.SeenOf(run) : taken.Seen) is { } seen && PrimitiveTable.NeedsNoSecondLook(_order.Effect) && time.GetElapsedTime(seen.At) < SeenWorkload.Life
            ? seen.Found
            : await RunTelemetry.GuardAsync(run.Provider, "worker", () => adapter.FindByNameAsync(run.Tenant, run.Service, working));

    private void Judge(Workload? workload, string operation)
    {
        // What this run has made is its work, however far it has come since.
        var isOurWork = _takenOver && (operation == "create" ? workload?.RunId == run.RunId : ContainerLifecycle.LeadsTo(operation, workload?.State));
        if (isOurWork || ContainerLifecycle.IsLegal(workload?.State, operation))
        {
            return;
        }
        throw workload is null
            ? new AdapterException(AdapterFailure.NotFound, $"There is no container '{run.Service}' any more.")
            : new AdapterException(AdapterFailure.Conflict, $"The container '{run.Service}' is {ContainerLifecycle.Name(workload.State)} by now; {operation} is not possible.");
    }

    private async Task BeginAsync(DateTimeOffset at, CancellationToken stopping)
    {
        if (!_begun)
        {
            _begun = true;
            _isOurs = await SayAsync([new RunReport(RunState.Running) { StartedAt = at }], stopping);
        }
        if (!_isOurs)
        {
            throw NotOurs();
        }
    }

    private static bool IsAnswerLost(Exception failure) => failure is AdapterException { Failure: AdapterFailure.Unavailable };

    private static OperationCanceledException NotOurs() => new("The run is another worker's.");

    /// <summary>Says states, after those that were not said yet.</summary>
    private Task<bool> SayAsync(RunReport[] reports, CancellationToken stopping)
    {
        RunReport[] all = [.. _unsaid, .. reports];
        _unsaid = [];
        HasBegun |= reports.Length > 0;
        var saying = gateway.ReportAsync(run.RunId, all, stopping);
        return all[^1].State < RunState.Exited || PrimitiveTable.OnlyLooks(_order.Effect) ? saying : KeptUntilSaidAsync(saying, all, stopping);
    }

    /// <summary>What a command has brought is kept while nobody takes it: soon, so that it outlives the process, and where that goes on, so that it outlives the machine.</summary>
    private async Task<bool> KeptUntilSaidAsync(Task<bool> saying, RunReport[] reports, CancellationToken stopping)
    {
        var isKept = false;
        foreach (var (patience, isDurable) in new[] { (Absence.FirstPause, false), (Absence.LongestPause, true) })
        {
            try
            {
                await saying.WaitAsync(patience, time, stopping);
                break;
            }
            catch (Exception late) when (late is TimeoutException or OperationCanceledException)
            {
                ends.Keep(run.RunId, reports[^1] with { StartedAt = reports.Max(report => report.StartedAt) }, isDurable);
                isKept = true;
            }
        }
        var isSaid = await saying;
        if (isKept)
        {
            ends.Forget(run.RunId);
        }
        return isSaid;
    }

    private async Task EndAsync(RunState state, int? exitCode, string? reason, string? error, JsonElement? result, CancellationToken stopping)
    {
        await _pending;
        await SayAsync([Ended(state, exitCode, reason, error, result)], stopping);
    }

    private RunReport Ended(RunState state, int? exitCode, string? reason, string? error, JsonElement? result) => new(state)
    {
        ExitCode = exitCode,
        Reason = reason,
        Error = error is null ? null : _mask.Apply(error),
        Result = result is { } body ? Masked(body) : null,
    };

    /// <summary>A result without secrets. Of a command's output that is too long the last part is kept, which may begin in the middle of one.</summary>
    private JsonElement Masked(JsonElement body) => !_mask.Hides ? body
        : _order.Effect == "container.exec" && body.Flag("truncated") == true ? Masked(body, text => _mask.ApplyToCut(text, atStart: true))
        : _mask.Apply(body);

    /// <summary>An object whose texts, and those in its arrays, are masked in a way of their own.</summary>
    private static JsonElement Masked(JsonElement body, Func<string, string> mask) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        foreach (var member in body.EnumerateObject())
        {
            json.WritePropertyName(member.Name);
            WriteMasked(json, member.Value, mask);
        }
        json.WriteEndObject();
    }).Root;

    private static void WriteMasked(Utf8JsonWriter json, JsonElement value, Func<string, string> mask)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                json.WriteStringValue(mask(value.GetString()!));
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    WriteMasked(json, item, mask);
                }
                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
