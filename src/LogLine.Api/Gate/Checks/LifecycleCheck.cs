using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 17: is there such a step from where things stand? For containers of a local engine, the engine's truth decides.</summary>
internal static class LifecycleCheck
{
    public static ValueTask<Rejection?> JudgeAsync(Judgement item, Catalogue catalogue, CancellationToken cancel) => item.Effect switch
    {
        "deploy.plan" or "deploy.apply" or "deploy.rollback" => DeployCheck.JudgeAsync(item, cancel),
        "run.cancel" => new(Cancel(item)),
        "span.erase" => new(SpanErasure.Lifecycle(item, catalogue)),
        not null when NetworkChanges.ContainersOf(item.Effect, item.Payload) is { Count: > 0 } ends => NetworkAsync(item, ends, cancel),
        not null when item.Definition!.Family == "container" && item.Payload.Text("name") is { } name => ContainerAsync(item, name, cancel),
        _ => default,
    };

    private static Rejection? Cancel(Judgement item) => item.Run is { HasEnded: true } run
        ? Conflict(run.State.ToString().ToLowerInvariant(), "run.cancel", [], $"{run.RunId} has ended already.", null)
        : null;

    /// <summary>Each container that is put into a network, or taken out, stands where that is possible; a link that goes takes no heed of what it linked, which may be gone.</summary>
    private static async ValueTask<Rejection?> NetworkAsync(Judgement item, IReadOnlyList<string> ends, CancellationToken cancel)
    {
        var target = item.State.Targets.Find(item.Provider)!;
        foreach (var name in ends)
        {
            if (await item.State.PendingPrimitiveAsync(item.Tenant, target.Provider, name, cancel) is { } pending)
            {
                return Busy(pending, name, "connect");
            }
            if (item.Effect == "network.sever")
            {
                continue;
            }
            try
            {
                var workload = await RunTelemetry.GuardAsync(target.Provider, "gate", () => target.FindByNameAsync(item.Tenant, name, cancel));
                if (workload is null)
                {
                    return NotFound(target, name);
                }
                var isPossible = item.Effect == "network.establish" ? workload.State == WorkloadState.Running : ContainerLifecycle.IsLegal(workload.State, "connect");
                if (!isPossible)
                {
                    return Conflict(
                        ContainerLifecycle.Name(workload.State), "connect", ContainerLifecycle.Legal(workload.State),
                        $"The container '{name}' is {ContainerLifecycle.Name(workload.State)}; {item.Effect} is not possible now{(item.Effect == "network.establish" ? ": both ends have to run" : "")}.", null);
                }
            }
            catch (AdapterException failure)
            {
                return await UnsettledAsync(item, target.Provider, name, failure, cancel);
            }
        }
        return null;
    }

    private static Rejection NotFound(IRunTarget target, string name) =>
        new(RefusalCode.NotFound, $"This tenant has no container '{name}' on {target.Provider}.") { Details = new Dictionary<string, object?> { ["name"] = name } };

    private static async ValueTask<Rejection?> ContainerAsync(Judgement item, string name, CancellationToken cancel)
    {
        var adapter = item.State.Targets.Find(item.Provider)!;
        var operation = item.Definition!.Work(item.Payload).Operation;
        var takesTurn = operation is not null && ContainerLifecycle.TakesTurn(operation);
        var pending = takesTurn ? await item.State.PendingPrimitiveAsync(item.Tenant, adapter.Provider, name, cancel) : null;
        if (pending is not null)
        {
            return Busy(pending, name, operation!); // what it does to the container may take the engine long to say
        }
        try
        {
            var workload = takesTurn ? await SettledAsync(item, adapter.Provider, name, cancel) : await item.LookAsync(cancel);
            if (workload is null && operation != "create")
            {
                return NotFound(adapter, name);
            }
            return operation is null || ContainerLifecycle.IsLegal(workload?.State, operation) ? null : Conflict(
                ContainerLifecycle.Name(workload?.State), operation, ContainerLifecycle.Legal(workload?.State),
                $"The container '{name}' is {ContainerLifecycle.Name(workload?.State)}; {operation} is not possible now.", null);
        }
        catch (AdapterException failure)
        {
            return await UnsettledAsync(item, adapter.Provider, name, failure, cancel);
        }
    }

    /// <summary>The container of that name. The one that a deploy has replaced has it for a moment more: what is asked for then is meant for the other.</summary>
    private static async ValueTask<Workload?> SettledAsync(Judgement item, string provider, string name, CancellationToken cancel)
    {
        while (true)
        {
            var workload = await item.LookAsync(cancel);
            if (workload is { Ref: null } || !await item.State.IsTakingOverAsync(item.Tenant, provider, name, workload?.RunId, cancel))
            {
                return workload;
            }
            item.LookAnew();
        }
    }

    /// <summary>A target that does not say how a container stands: the container is between two states for longer than is waited for; or the target is away, or shows it to nobody.</summary>
    internal static async ValueTask<Rejection> UnsettledAsync(Judgement item, string provider, string name, AdapterException failure, CancellationToken cancel)
    {
        if (failure.Failure != AdapterFailure.Conflict)
        {
            return CapacityCheck.Unavailable(item, provider, failure.Message);
        }
        var operation = item.Definition!.Operation ?? item.Span.Intent!;
        return await item.State.PendingPrimitiveAsync(item.Tenant, provider, name, cancel) is { } pending
            ? Busy(pending, name, operation)
            : Conflict("changing", operation, [], $"'{name}' cannot be judged now: {failure.Message}", null);
    }

    internal static Rejection Busy(RunRow pending, string name, string operation) => Conflict(
        RunStates.Name(pending.State), operation, ["run.cancel"],
        $"{pending.Intent} is still at work on the container '{name}' ({pending.RunId}). Wait for it, or cancel it (run.cancel).", pending.RunId);

    internal static Rejection Conflict(string from, string operation, IReadOnlyList<string> legal, string detail, string? pendingRun)
    {
        var details = new Dictionary<string, object?> { ["from"] = from, ["operation"] = operation, ["legal"] = legal };
        if (pendingRun is not null)
        {
            details["pending_run"] = pendingRun;
        }
        return new Rejection(RefusalCode.LifecycleConflict, detail) { Details = details };
    }
}
