using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Removing many at once: first a plan that names every one, with a digest; then, for that digest, exactly those. When something has changed in between the
/// digest is another one, and nothing is removed.
/// </summary>
internal sealed class Removals(OwnContainers containers, IContainerEngine engine)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["system.prune"] = async (call, cancel) => await AnswerAsync(call, await UnusedAsync(call, cancel), container => engine.RemoveAsync(container.Id, force: false, cancel), cancel),
        ["cleanup.plan"] = CleanUpAsync,
        ["cleanup.apply"] = CleanUpAsync,
        ["session.end"] = (call, cancel) => EndAsync(call, EngineLabels.SessionId, "session", cancel),
        ["task.end"] = (call, cancel) => EndAsync(call, EngineLabels.TaskId, "task", cancel),
        ["session.list"] = (call, cancel) => GroupsAsync(call, EngineLabels.SessionId, "session", cancel),
        ["task.list"] = (call, cancel) => GroupsAsync(call, EngineLabels.TaskId, "task", cancel),
    };

    async Task<PrimitiveResult> CleanUpAsync(PrimitiveCall call, CancellationToken cancel) =>
        await AnswerAsync(call, await OrphansAsync(call, cancel), container => RemoveOrphanAsync(call, container, cancel), cancel);

    async Task<PrimitiveResult> AnswerAsync(PrimitiveCall call, IReadOnlyList<Removable> plan, Func<Removable, Task> removeContainer, CancellationToken cancel)
    {
        var digest = ContentHash.Of(CanonicalJson.Parse(JsonSerializer.SerializeToUtf8Bytes(plan, ResultJson.Default.IReadOnlyListRemovable)).Utf8.Span);
        if (call.Arguments.Text("plan_digest") is not { } agreed)
            return PrimitiveResult.Of(new RemovalPlan(plan, digest, false, [], []), ResultJson.Default.RemovalPlan);
        if (agreed != digest)
            throw new AdapterException(AdapterFailure.Conflict, $"What would be removed is not what it was when it was planned (now {digest}). Look at the new plan; nothing was removed.");
        await call.Begun();
        var (removed, failed) = (new List<Removable>(), new List<RemovalFailure>());
        foreach (var one in plan)
        {
            try
            {
                await RemoveAsync(call, one, removeContainer, cancel);
                removed.Add(one);
            }
            catch (AdapterException e) when (e.Failure == AdapterFailure.NotFound)
            {
                removed.Add(one); // by somebody else, a moment ago
            }
            catch (AdapterException e) when (e.Failure != AdapterFailure.Unavailable)
            {
                failed.Add(new RemovalFailure(one, e.Message));
            }
        }
        return PrimitiveResult.Of(new RemovalPlan(plan, digest, true, removed, failed), ResultJson.Default.RemovalPlan, failed.Count == 0 ? 0 : 1);
    }

    async Task RemoveAsync(PrimitiveCall call, Removable one, Func<Removable, Task> removeContainer, CancellationToken cancel)
    {
        await (one.Kind switch
        {
            "container" => InTurnAsync(call, one.Name, () => removeContainer(one), cancel),
            "network" => engine.RemoveNetworkAsync(one.Id, cancel),
            "volume" => engine.RemoveVolumeAsync(one.Id, cancel),
            _ => engine.UntagAsync(one.Id, cancel),
        });
    }

    /// <summary>In its turn, as <c>container.remove</c> does it: what somebody else does to it just now comes to its end first.</summary>
    async Task InTurnAsync(PrimitiveCall call, string name, Func<Task> remove, CancellationToken cancel)
    {
        using var turn = await call.TurnOf(name, cancel)
            ?? throw new AdapterException(AdapterFailure.Conflict, $"The container '{name}' stays: another run is still at work on it (GET /v1/runs?subject=urn:container:{call.Tenant}/{name}). Wait for that run, or cancel it (run.cancel), and remove the container then.");
        await remove();
    }

    /// <summary>Judged again, since it may have been waited for: what held its turn may have started it. One that is an orphan only while it is stopped goes without force, so that the engine itself keeps one that runs.</summary>
    async Task RemoveOrphanAsync(PrimitiveCall call, Removable one, CancellationToken cancel)
    {
        if (await containers.ShowAsync(one.Id, cancel) is not { } container || !Workloads.IsOurs(container))
            return; // it went meanwhile
        if (!await IsOrphanAsync(call, container))
            throw new AdapterException(AdapterFailure.Conflict, $"The container '{one.Name}' stays: it is no orphan any more.");
        await engine.RemoveAsync(one.Id, force: container.Config!.Labels![EngineLabels.Strategy] != "ephemeral", cancel);
    }

    /// <summary>What nothing uses: stopped containers, networks and volumes without containers, images of the tenant's own without containers.</summary>
    async Task<IReadOnlyList<Removable>> UnusedAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var what = call.Arguments.Texts("what") is { Count: > 0 } named ? named.ToHashSet() : ["containers"];
        var own = await containers.DetailsAsync(call.Tenant, cancel).ToListAsync(cancel);
        var going = what.Contains("containers") ? own.Where(container => EngineQuirks.State(container.State.Status) == WorkloadState.Stopped).ToList() : [];
        // What goes holds nothing back any more.
        var staying = own.Except(going).ToList();
        var plan = going.Select(container => new Removable("container", container.Config!.Labels![EngineLabels.Name], container.Id)).ToList();
        if (what.Contains("networks"))
        {
            var used = staying.SelectMany(container => (container.NetworkSettings?.Networks ?? []).Keys).ToHashSet();
            var networks = await engine.NetworksAsync(OwnThings.Label(call.Tenant), cancel);
            plan.AddRange(networks.Where(network => OwnThings.IsOwn(network.Labels, call.Tenant) && !used.Contains(network.Name)).Select(network => new Removable("network", network.Labels![EngineLabels.Name], network.Id)));
        }
        if (what.Contains("volumes"))
        {
            var used = staying.SelectMany(container => (container.Mounts ?? []).Select(mount => mount.Name)).ToHashSet();
            var volumes = await engine.VolumesAsync(OwnThings.Label(call.Tenant), cancel);
            plan.AddRange(volumes.Where(volume => OwnThings.IsOwn(volume.Labels, call.Tenant) && !used.Contains(volume.Name)).Select(volume => new Removable("volume", volume.Labels![EngineLabels.Name], volume.Name)));
        }
        if (what.Contains("images"))
        {
            var used = staying.SelectMany(container => new[] { container.Image, container.Config?.Image }).ToHashSet();
            var images = await engine.ImagesAsync(cancel);
            plan.AddRange(images.Where(image => !used.Contains(image.Id)).SelectMany(image => image.RepoTags ?? []).Where(tag => TenantImages.IsOwn(call.Tenant, tag) && !used.Contains(tag)).Select(tag => new Removable("image", tag, tag)));
        }
        return [.. plan.OrderBy(one => one.Kind, StringComparer.Ordinal).ThenBy(one => one.Name, StringComparer.Ordinal)];
    }

    /// <summary>Containers whose task or session has ended or was never named, and one-time containers that have ended and are still there.</summary>
    async Task<IReadOnlyList<Removable>> OrphansAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var orphans = new List<Removable>();
        await foreach (var container in containers.DetailsAsync(call.Tenant, cancel))
        {
            if (await IsOrphanAsync(call, container))
                orphans.Add(new Removable("container", container.Config!.Labels![EngineLabels.Name], container.Id));
        }
        return [.. orphans.OrderBy(one => one.Name, StringComparer.Ordinal)];
    }

    static async ValueTask<bool> IsOrphanAsync(PrimitiveCall call, ContainerDetail container)
    {
        var labels = container.Config!.Labels!;
        return labels.GetValueOrDefault(EngineLabels.Strategy) switch
        {
            "session" => labels.GetValueOrDefault(EngineLabels.SessionId) is not { Length: > 0 } session || await call.HasEnded("session", session),
            "task" => labels.GetValueOrDefault(EngineLabels.TaskId) is not { Length: > 0 } task || await call.HasEnded("task", task),
            "ephemeral" => EngineQuirks.State(container.State.Status) == WorkloadState.Stopped,
            _ => false,
        };
    }

    /// <summary>Ends a session or task: what its client bound to it goes, the rest stays and is named.</summary>
    async Task<PrimitiveResult> EndAsync(PrimitiveCall call, string label, string strategy, CancellationToken cancel)
    {
        await call.Begun();
        var (removed, kept) = (new List<string>(), new List<string>());
        AdapterException? left = null;
        foreach (var container in await containers.ListAsync(call.Tenant, cancel, (label, call.Name)))
        {
            var labels = container.Labels!;
            if (labels.GetValueOrDefault(EngineLabels.Strategy) != strategy)
            {
                kept.Add(labels[EngineLabels.Name]);
                continue;
            }
            try
            {
                await InTurnAsync(call, labels[EngineLabels.Name], () => engine.RemoveAsync(container.Id, force: true, cancel), cancel);
            }
            catch (AdapterException e) when (e.Failure == AdapterFailure.NotFound)
            {
                // It went by itself, or by somebody else.
            }
            catch (AdapterException e) when (e.Failure != AdapterFailure.Unavailable)
            {
                left = e; // the others go all the same; what is left is an orphan from now on
                continue;
            }
            removed.Add(labels[EngineLabels.Name]);
        }
        if (left is not null)
            throw left;
        return PrimitiveResult.Of(new GroupEnded(call.Name, [.. removed.Order(StringComparer.Ordinal)], [.. kept.Order(StringComparer.Ordinal)]), ResultJson.Default.GroupEnded);
    }

    /// <summary>The sessions or tasks that have containers on this engine.</summary>
    async Task<PrimitiveResult> GroupsAsync(PrimitiveCall call, string label, string kind, CancellationToken cancel)
    {
        var groups = new List<GroupView>();
        foreach (var group in (await containers.ListAsync(call.Tenant, cancel)).Where(container => container.Labels!.GetValueOrDefault(label) is { Length: > 0 }).GroupBy(container => container.Labels![label]))
            groups.Add(new GroupView(group.Key, await call.HasEnded(kind, group.Key), [.. group.Select(container => container.Labels![EngineLabels.Name]).Order(StringComparer.Ordinal)]));
        return PrimitiveResult.OfList(groups.OrderBy(group => group.Name, StringComparer.Ordinal), (fitting, truncated) => new GroupViews(fitting, truncated), ResultJson.Default.GroupView, ResultJson.Default.GroupViews);
    }
}
