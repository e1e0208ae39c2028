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
internal sealed class PrimitiveJob(RunRow run, TakenRun? taken, IRunGateway gateway, IRunAdapter adapter, WorkloadTurns turns, GrantVault vault, RunOutputs outputs, TimeProvider time)
{
    private readonly PrimitiveOrder _order = RunDetail.Order(run.Detail);
    private readonly bool _takenOver = run.State != RunState.Planned && taken is null;
    private SecretMask _mask = SecretMask.None;
    private IReadOnlyList<string> _secretVariables = [];
    private Task _pending = Task.CompletedTask;
    private RunReport[] _unsaid = [];
    private bool _begun;

    public async Task RunAsync(CancellationToken stopping)
    {
        using var activity = RunTelemetry.StartWork(run);
        if (run.State == RunState.Running)
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
        using var working = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var done = new CancellationTokenSource();
        var cancellation = CancelWhenAskedAsync(working, done.Token);
        try
        {
            using var turn = _order.Operation is { } operation && ContainerLifecycle.TakesTurn(operation)
                ? await turns.TakeAsync(run.Provider, run.Tenant, run.Service, working.Token)
                : null;
            await ActAsync(working.Token, stopping);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            await EndAsync(RunState.Cancelled, null, "cancelled", null, null, stopping);
        }
        catch (AdapterException failure)
        {
            await EndAsync(_begun ? RunState.Exited : RunState.Failed, 1, RunReasons.Of(failure.Failure), failure.Message, null, stopping);
        }
        catch (ArtifactException failure)
        {
            await EndAsync(_begun ? RunState.Exited : RunState.Failed, 1, RunReasons.Of(failure.Failure), failure.Message, null, stopping);
        }
        finally
        {
            await done.CancelAsync();
            await cancellation;
        }
    }

    private async Task ActAsync(CancellationToken working, CancellationToken stopping)
    {
        var workload = _order.Effect.StartsWith("container.", StringComparison.Ordinal) && run.Service.Length > 0 ? await LookAsync(working) : null;
        (_mask, _secretVariables) = (await vault.MaskOfAsync(workload?.RunId, working), await vault.VariablesOfAsync(workload?.RunId));
        await _pending;
        if (_order.Operation is { } operation)
        {
            Judge(workload, operation);
        }
        // Not only when the gate let it pass: a deploy may have put a container with secrets in that one's place.
        if (SecretAccess.IsBy(_order.Effect) && RunDetail.ProofOf(run.Detail) is null && await vault.HoldsGrantsAsync(workload?.RunId))
        {
            await EndAsync(RunState.Failed, 1, "proof_required", $"The container '{run.Service}' holds secrets by now, so this needs a live proof for '{SecretAccess.ProofIntent}' on {run.Subject}.", null, stopping);
            return;
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
        var started = time.GetUtcNow();
        var progress = new ProgressReports(run, gateway, time, stopping);
        var result = await primitive(new PrimitiveCall
        {
            RunId = run.RunId,
            Tenant = run.Tenant,
            Name = run.Service,
            Workload = workload,
            Arguments = _order.Arguments,
            SecretVariables = _secretVariables,
            Begun = () => BeginAsync(time.GetUtcNow(), stopping),
            Artifacts = gateway.ArtifactsOf(run),
            HasEnded = (kind, name) => gateway.HasEndedAsync(run, kind, name),
            Progress = progress.SayAsync,
            Said = (source, piece) => outputs.Of(run.RunId).Append(source, piece),
        }, working);
        var exited = Ended(RunState.Exited, result.ExitCode, null, null, result.Body);
        await SayAsync(_begun ? [exited] : [new RunReport(RunState.Running) { StartedAt = started }, exited], stopping);
    }

    /// <summary>The container as it stands, or as the gate saw it a moment ago where that is enough.</summary>
    private async Task<Workload?> LookAsync(CancellationToken working) =>
        (_takenOver ? null : taken is null ? gateway.SeenOf(run) : taken.Seen) is { } seen && PrimitiveTable.NeedsNoSecondLook(_order.Effect) && time.GetElapsedTime(seen.At) < SeenWorkload.Life
            ? seen.Found
            : await adapter.FindByNameAsync(run.Tenant, run.Service, working);

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
            await SayAsync([new RunReport(RunState.Running) { StartedAt = at }], stopping);
        }
    }

    /// <summary>Says states, after those that were not said yet.</summary>
    private Task<bool> SayAsync(RunReport[] reports, CancellationToken stopping)
    {
        RunReport[] all = [.. _unsaid, .. reports];
        _unsaid = [];
        return gateway.ReportAsync(run.RunId, all, stopping);
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
    private JsonElement Masked(JsonElement body) => !_mask.Hides || _order.Effect != "container.exec" || body.Flag("truncated") != true ? _mask.Apply(body) : CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        foreach (var member in body.EnumerateObject())
        {
            json.WritePropertyName(member.Name);
            if (member.Value.ValueKind == JsonValueKind.String)
            {
                json.WriteStringValue(_mask.ApplyToCut(member.Value.GetString()!, atStart: true));
            }
            else
            {
                member.Value.WriteTo(json);
            }
        }
        json.WriteEndObject();
    }).Root;

    private async Task CancelWhenAskedAsync(CancellationTokenSource working, CancellationToken done)
    {
        try
        {
            await gateway.CancelledAsync(run.RunId, done);
            await working.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // It has ended.
        }
    }
}
