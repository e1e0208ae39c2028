using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>What somebody wants to run where.</summary>
/// <param name="Ref">The MiniContainer.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Target">The target.</param>
/// <param name="GoesBack">Option <c>rollback_on_failure</c>.</param>
public sealed record DeployWish(string Ref, SignedManifest Manifest, JsonElement Target, bool GoesBack);

/// <summary>Makes plans, pure: from what is wanted and what the engine shows.</summary>
public static class DeployPlanner
{
    /// <summary>The plan.</summary>
    /// <param name="wish">What is wanted.</param>
    /// <param name="current">The container that has the service's place, or null.</param>
    /// <param name="live">The service's run that has not ended, or null.</param>
    /// <param name="running">Manifest of what runs there now, or null.</param>
    public static DeployPlan Make(DeployWish wish, Workload? current, RunRow? live, SignedManifest? running) => new()
    {
        Wish = wish,
        Strategy = Strategy(wish, current, live),
        Current = current,
        Live = live,
        Running = IsUp(current) ? running : null,
    };

    private static DeployStrategy Strategy(DeployWish wish, Workload? current, RunRow? live)
    {
        if (live is not null && live.Ref == wish.Ref && (live.State < RunState.Running || (current?.RunId == live.RunId && IsUp(current))))
        {
            return DeployStrategy.Unchanged;
        }
        if (current is null || (current.State == WorkloadState.Stopped && current.RunId != live?.RunId))
        {
            return DeployStrategy.Create;
        }
        return Contested(wish, current).Any() ? DeployStrategy.Recreate : DeployStrategy.Beside;
    }

    /// <summary>Host ports that the old container holds and the new one asks for. One that has ended and is replaced is about to be started again, and to want its ports then.</summary>
    private static IEnumerable<int> Contested(DeployWish wish, Workload current) =>
        current.State != WorkloadState.Created ? DeployOrder.Ports(wish.Manifest).Select(port => port.Host).Where(port => port > 0).Intersect(current.Ports.Select(port => port.Host)) : [];

    /// <summary>It has been started and has not ended.</summary>
    public static bool IsUp(Workload? workload) => workload?.State is WorkloadState.Running or WorkloadState.Paused;

    /// <summary>What is done, in order; empty when nothing is.</summary>
    public static IReadOnlyList<DeployAction> Actions(DeployPlan plan)
    {
        var (wish, strategy, current, live) = (plan.Wish, plan.Strategy, plan.Current, plan.Live);
        var create = new DeployAction("create", $"a container of {DeployOrder.Image(wish.Manifest)}");
        var start = new DeployAction("start", "the new container");
        var check = new DeployAction("check", Check(DeployLifecycle.Of(wish.Manifest.Deploy)));
        var old = (Id: current?.Id, Run: live is not null && live.RunId == current?.RunId ? live.RunId : null);
        var stop = new DeployAction("stop", strategy == DeployStrategy.Recreate
            ? $"the old container, before the new one starts: both want the host port {string.Join(", ", Contested(wish, current!))}, so the service is away in between"
            : "the old container, once the new one is healthy", old.Id, old.Run);
        var remove = new DeployAction("remove", "the old container; its run has ended as replaced", old.Id, old.Run);
        var rename = new DeployAction("rename", "the new container to the service's name");
        return strategy switch
        {
            DeployStrategy.Unchanged => [],
            DeployStrategy.Create when current is not null => [new DeployAction("remove", "a container that has ended makes room", old.Id), create, start, check],
            DeployStrategy.Create => [create, start, check],
            DeployStrategy.Beside => [create, start, check, stop, remove, rename],
            _ => [create, stop, start, check, remove, rename],
        };
    }

    private static string Check(DeployLifecycle lifecycle) => lifecycle.Health switch
    {
        null => lifecycle.Settle > TimeSpan.Zero ? $"that it lives for {lifecycle.Settle.TotalSeconds:0.###} s" : "that it runs; the manifest asks for no more",
        { HttpPath: { } path } health => $"that GET {path} on its port {health.Port} answers 200 to 399",
        { Argv.Count: > 0 } health => $"that {health.Argv[0]} ends with 0 inside it",
        var health => $"that its port {health.Port} accepts a connection",
    };
}
