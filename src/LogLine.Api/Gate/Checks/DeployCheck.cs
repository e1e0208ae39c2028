using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate.Checks;

/// <summary>
/// Row 17 for deploys: the plan is made by the engine's truth, and refused where the service cannot be taken now, or where what was planned on has moved. What is still at work on a container that is to be replaced is waited for, as before any other
/// operation on it.
/// </summary>
internal static class DeployCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel)
    {
        for (var isSecond = false; ; isSecond = true)
        {
            var moved = item.State.Moved;
            if (await PlanAsync(item, cancel) is { } refused)
            {
                return refused;
            }
            // A plan alone stops nothing.
            if (item.Effect is not ("deploy.apply" or "deploy.rollback") || item.Plan!.Strategy is not (DeployStrategy.Beside or DeployStrategy.Recreate))
            {
                return null;
            }
            if (await item.State.PendingPrimitiveAsync(item.Tenant, item.Provider, item.Service, cancel) is { } pending)
            {
                return LifecycleCheck.Busy(pending, item.Service, item.Span.Intent!);
            }
            if (isSecond || !moved.IsCompleted)
            {
                return null;
            }
            // While that was waited for the service may have changed.
        }
    }

    private static async ValueTask<Rejection?> PlanAsync(Judgement item, CancellationToken cancel)
    {
        var adapter = item.State.Targets.Find(item.Provider)!;
        var service = item.Service;
        var live = await item.State.SettledDeploysAsync(item.Tenant, adapter.Provider, service, cancel);
        Workload? current;
        try
        {
            current = await adapter.FindByNameAsync(item.Tenant, service, cancel);
            if (live.Count > 0 && live[0].State > RunState.Planned && live[0].RunId != current?.RunId)
            {
                // Between two steps of a replacement the one that runs may not have the service's name yet.
                current = await adapter.FindByRunAsync(live[0].RunId, cancel) ?? current;
            }
        }
        catch (AdapterException failure)
        {
            return await LifecycleCheck.UnsettledAsync(item, adapter.Provider, service, failure, cancel);
        }
        var wish = new DeployWish(
            item.Ref!.ToString(), item.Manifest!, item.Target, item.Payload.Member("options").Flag("rollback_on_failure") ?? true);
        item.Plan = DeployPlanner.Make(wish, current, live.FirstOrDefault(), await ManifestOfAsync(item, current));
        return Busy(item, live) ?? Foreign(item, service, current) ?? Moved(item);
    }

    private static async ValueTask<SignedManifest?> ManifestOfAsync(Judgement item, Workload? current) =>
        MiniContainerRef.TryParse(current?.Ref, out var reference) ? await item.State.FindManifestAsync(reference) : null;

    /// <summary>One deploy of a service at a time: what starts or ends is waited for or cancelled, and then there is one to replace.</summary>
    private static Rejection? Busy(Judgement item, IReadOnlyList<RunRow> live)
    {
        if (live.Count == 0 || (live.Count == 1 && live[0] is { State: RunState.Running, CancelRequested: false }) || (item.Plan!.Strategy == DeployStrategy.Unchanged && !live[0].CancelRequested))
        {
            return null;
        }
        var run = live[0];
        var doing = run.CancelRequested ? "is being cancelled" : run.State < RunState.Running ? "is starting" : "is taking over";
        return LifecycleCheck.Conflict(RunStates.Name(run.State), item.Span.Intent!, ["run.cancel"], $"{run.RunId} {doing} on '{run.Service}'. Wait for it, or cancel it (run.cancel).", run.RunId);
    }

    /// <summary>What container.create made is the client's own: it is not replaced behind its back, nor does it make room when it has ended.</summary>
    private static Rejection? Foreign(Judgement item, string service, Workload? current) =>
        item.Plan!.Strategy != DeployStrategy.Unchanged && current is { Ref: null }
            ? LifecycleCheck.Conflict(ContainerLifecycle.Name(current.State), item.Span.Intent!, ContainerLifecycle.Legal(current.State),
                $"'{service}' is a container that container.create made, and it is {ContainerLifecycle.Name(current.State)}. Remove it (container.remove), or deploy under another name.", null)
            : null;

    /// <summary>A plan is of one moment: when anything that it looked at has moved, it is not carried out.</summary>
    private static Rejection? Moved(Judgement item)
    {
        var plan = item.Plan!;
        if (item.Payload.Text("plan_digest") is not { } digest || digest == plan.Digest)
        {
            return null;
        }
        return new Rejection(RefusalCode.LifecycleConflict, "This is not the plan any more: what it was made for, or what runs on the target, has changed since. Plan again (deploy.plan).")
        {
            Details = new Dictionary<string, object?>
            {
                ["from"] = ContainerLifecycle.Name(plan.Current?.State), ["operation"] = item.Span.Intent, ["legal"] = new[] { "deploy.plan" },
                ["plan_digest"] = plan.Digest, ["observed"] = plan.Observed,
            },
        };
    }
}
