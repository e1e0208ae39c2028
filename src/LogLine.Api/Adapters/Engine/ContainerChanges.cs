using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// What is to become other about a container that is there. Limits can be set while it runs; mounts and ports cannot, on any engine: those answer with the
/// steps that would bring it about, and do none of them.
/// </summary>
internal sealed class ContainerChanges(OwnContainers containers, IContainerEngine engine)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["container.resources"] = ResourcesAsync,
        ["container.volume.attach"] = AttachAsync,
        ["container.volume.detach"] = DetachAsync,
        ["port.publish"] = PublishAsync,
    };

    async Task<PrimitiveResult> ResourcesAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var wanted = new ResourceView(PrimitiveArguments.Bytes(call.Arguments, "memory"), PrimitiveArguments.CpuMillis(call.Arguments), call.Arguments.Integer("pids"));
        await engine.LimitAsync(container.Id, wanted, cancel);
        var forgets = (await engine.DialectAsync(cancel)).Quirks.UpdatesByOwnCall;
        return PrimitiveResult.Of(new ResourcesSet(wanted.MemoryBytes, wanted.CpuMillis, wanted.Pids, !forgets), ResultJson.Default.ResourcesSet);
    }

    async Task<PrimitiveResult> AttachAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var (mount, mounts) = (call.Arguments.Member("mount"), MountsOf(container, call.Tenant));
        if (mounts.Any(known => known.Target == mount.Text("target")))
            throw new AdapterException(AdapterFailure.Conflict, $"Something is mounted at '{mount.Text("target")}' already.");
        var added = new MountOrder(mount.Text("type")!, mount.Text("source"), mount.Text("target")!, mount.Flag("read_only") ?? false);
        return Plan(container, "Engines cannot add a mount to a container that is there.", new CreateChange([.. mounts, added], null));
    }

    async Task<PrimitiveResult> DetachAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var (path, mounts) = (call.Arguments.Text("path")!, MountsOf(container, call.Tenant));
        if (mounts.All(known => known.Target != path))
            throw new AdapterException(AdapterFailure.NotFound, $"Nothing is mounted at '{path}'.");
        return Plan(container, "Engines cannot take a mount from a container that is there.", new CreateChange([.. mounts.Where(known => known.Target != path)], null));
    }

    async Task<PrimitiveResult> PublishAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var added = new PortMapping((int)(call.Arguments.Integer("host") ?? 0), (int)call.Arguments.Integer("container")!.Value);
        var ports = ContainerViews.Of(container).Ports;
        if (ports.Any(known => known.Container == added.Container && (added.Host == 0 || known.Host == added.Host)))
            throw new AdapterException(AdapterFailure.Conflict, $"The port {added.Container} is published already.");
        return Plan(container, "Engines cannot publish a port of a container that is there.", new CreateChange(null, [.. ports, added]));
    }

    /// <summary>Stop, remove, create with the change, start: what the client would have to ask for, in this order.</summary>
    static PrimitiveResult Plan(ContainerDetail container, string reason, CreateChange change)
    {
        if (EngineLabels.Value(container.Config!.Labels!, EngineLabels.Ref) is { } reference)
            return DeployPlan(reference, reason, change);
        var runs = EngineQuirks.State(container.State.Status) is WorkloadState.Running or WorkloadState.Paused;
        var steps = new List<PlannedStep> { new("container.remove", null), new("container.create", change) };
        if (runs)
        {
            steps.Insert(0, new PlannedStep("container.stop", null));
            steps.Add(new PlannedStep("container.start", null));
        }
        return PrimitiveResult.Of(new RecreatePlan(false, reason, steps, ContainerViews.Names(container.Config?.Env)), ResultJson.Default.RecreatePlan);
    }

    /// <summary>What a deploy made is changed by a deploy: one that container.create made in its place would be the client's own, which no deploy replaces. Manifests have ports, and no mounts.</summary>
    static PrimitiveResult DeployPlan(string reference, string reason, CreateChange change)
    {
        reason += $" A deploy of {reference} made this one, ";
        var plan = change.Ports is null
            ? new RecreatePlan(false, reason + "and manifests have no mounts: one with other mounts is a container of another name (container.create).", [], [])
            : new RecreatePlan(false, reason + "so its manifest is changed (deploy.ports), applied, and deployed again.", [new("minicontainer.apply", change), new("deploy.apply", null)], []);
        return PrimitiveResult.Of(plan, ResultJson.Default.RecreatePlan);
    }

    static IReadOnlyList<MountOrder> MountsOf(ContainerDetail container, string tenant) =>
        [.. ContainerViews.Full(container, tenant).Mounts.Select(mount => new MountOrder(mount.Type, mount.Source, mount.Target, mount.ReadOnly))];
}
