using System.Runtime.CompilerServices;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>The containers of one tenant on one engine. Another tenant's, and those that we did not make, do not exist, neither by name nor by id.</summary>
internal sealed class OwnContainers(IContainerEngine engine, EngineLimits limits, TimeProvider time)
{
    /// <summary>The tenant's container of that name, in a state that lasts.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NotFound"/>.</exception>
    public async Task<ContainerDetail> FindAsync(PrimitiveCall call, CancellationToken cancel)
    {
        // What was judged right before is not looked at again.
        if (call.Workload is { Seen: ContainerDetail seen } judged && judged.Name == call.Name)
            return seen;
        // The name in the engine could be another tenant's ("a" + "b-c", "a-b" + "c"); the labels say whose it is.
        var found = await LookAsync(ContainerRequests.NameOf(call.Tenant, call.Name), cancel);
        return found is not null && found.Config!.Labels![EngineLabels.Tenant] == call.Tenant && found.Config.Labels[EngineLabels.Name] == call.Name
            ? found
            : throw new AdapterException(AdapterFailure.NotFound, $"There is no container '{call.Name}'.");
    }

    /// <summary>All of the tenant's that have these labels too, in whatever state.</summary>
    public async Task<IReadOnlyList<ContainerSummary>> ListAsync(string tenant, CancellationToken cancel, params IEnumerable<(string Name, string Value)> labels)
    {
        (string Name, string Value)[] wanted = [(EngineLabels.Tenant, tenant), .. labels];
        // Podman takes an empty value for any.
        return [.. (await engine.ListAsync(wanted, cancel)).Where(found => Workloads.IsOurs(found.Labels) && wanted.All(label => found.Labels!.GetValueOrDefault(label.Name) == label.Value))];
    }

    /// <summary>Who of the tenant's is in which network, in order of their names. Podman 4 does not say it of the network.</summary>
    public async Task<ILookup<string, NetworkMember>> MembersAsync(string tenant, CancellationToken cancel) =>
        (from container in await ListAsync(tenant, cancel)
         from end in Workloads.Ends(container.NetworkSettings, container.State)
         select (end.Network, Member: new NetworkMember(container.Labels![EngineLabels.Name], end.Address)))
            .OrderBy(one => one.Member.Name, StringComparer.Ordinal).ToLookup(one => one.Network, one => one.Member);

    /// <summary>Its id alone.</summary>
    public async ValueTask<string> IdAsync(PrimitiveCall call, CancellationToken cancel) => (await FindAsync(call, cancel)).Id;

    /// <summary>Our container of that id or name in the engine once its state lasts, or null; transient states are waited out, bounded.</summary>
    public async Task<ContainerDetail?> LookAsync(string id, CancellationToken cancel)
    {
        var (since, pause) = (time.GetTimestamp(), limits.FirstGlance);
        while (await ShowAsync(id, since, cancel) is { } container && Workloads.IsOurs(container))
        {
            if (EngineQuirks.State(container.State.Status) is not null)
                return container;
            if (time.GetElapsedTime(since) > limits.Settle)
                throw new AdapterException(AdapterFailure.Conflict, $"The container is still '{container.State.Status}' after {limits.Settle.TotalSeconds:0.###} s: the engine seems stuck on it.");
            await Task.Delay(pause, time, cancel);
            pause = limits.Longer(pause);
        }
        return null;
    }

    /// <summary>All of the tenant's, one by one as the engine shows them; what goes meanwhile is left out.</summary>
    public async IAsyncEnumerable<ContainerDetail> DetailsAsync(string tenant, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var summary in await ListAsync(tenant, cancel))
        {
            if (await ShowAsync(summary.Id, cancel) is { } container && Workloads.IsOurs(container))
                yield return container;
        }
    }

    /// <summary>The container of that id or name, whosever it is. What the engine cannot show at this moment it can a moment later, or in outline.</summary>
    public Task<ContainerDetail?> ShowAsync(string id, CancellationToken cancel) => ShowAsync(id, time.GetTimestamp(), cancel);

    async Task<ContainerDetail?> ShowAsync(string id, long since, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await engine.InspectAsync(id, cancel);
            }
            catch (AdapterException e) when (EngineQuirks.IsPassing(e.Message))
            {
                if (time.GetElapsedTime(since) < limits.Settle)
                    await Task.Delay(limits.Glance, time, cancel);
                else if (await engine.OutlineAsync(id, cancel) is { } outline)
                    return outline;
                else
                    throw;
            }
        }
    }

    /// <summary>
    /// Does what starts a container. An engine holds one that does not run to the networks that it is in, also when they were removed meanwhile. One that was made again under its name is the network that is meant:
    /// Podman takes it so by itself, Docker knows it by its id alone.
    /// </summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.Conflict"/> when a network is not there any more.</exception>
    public async Task StartAsync(string id, Func<Task> start, CancellationToken cancel)
    {
        try
        {
            await start();
        }
        catch (AdapterException e) when (EngineQuirks.IsNetworkless(e.Message))
        {
            if (!await RejoinAsync(id, cancel))
                throw;
            await start();
        }
    }

    /// <summary>Puts a container that does not run into those of its networks that were made again; false when there are none.</summary>
    async Task<bool> RejoinAsync(string id, CancellationToken cancel)
    {
        if (await LookAsync(id, cancel) is not { Config.Labels: { } labels } container)
            return false;
        var (tenant, name) = (labels[EngineLabels.Tenant], labels[EngineLabels.Name]);
        var (missing, remade) = (new List<string>(), new List<NetworkDetail>());
        foreach (var (network, end) in container.NetworkSettings?.Networks ?? [])
        {
            var found = await engine.FindNetworkAsync(network, cancel);
            // One that was never started has no id of it yet, and goes by its name.
            if (found is not null && (string.IsNullOrEmpty(end?.NetworkID) || end.NetworkID == found.Id || end.NetworkID == found.Name))
                continue;
            // The name in the engine could be another tenant's by now.
            if (found is not null && OwnThings.IsOwn(found.Labels, tenant))
                remade.Add(found);
            else
                missing.Add($"'{ContainerViews.OwnName(network, tenant)}'");
        }
        if (missing.Count > 0)
        {
            throw new AdapterException(AdapterFailure.Conflict,
                $"The container '{name}' cannot be started: it is in the network {string.Join(" and ", missing.Order(StringComparer.Ordinal))}, which is not there any more. Take it out of it (network.disconnect), or make the network again (network.create).");
        }
        foreach (var network in remade)
            await engine.ConnectAsync(network.Id, container.Id, name, cancel);
        return remade.Count > 0;
    }

    /// <summary>Puts a container that is not paused into a network under another name as well, unless it is there already.</summary>
    public async Task JoinAsync(NetworkDetail network, ContainerDetail container, string alias, CancellationToken cancel)
    {
        if (Workloads.IsIn(container, network.Name))
            return;
        try
        {
            await engine.ConnectAsync(network.Id, container.Id, alias, cancel);
        }
        catch (AdapterException e) when (EngineQuirks.IsJoined(e.Message))
        {
            // Another worker was quicker.
        }
        catch (AdapterException e) when (e.Failure != AdapterFailure.Unavailable)
        {
            // Podman 4 keeps in mind that it is to be there, and cannot show a container any more that is not where it is to be.
            await ForgottenAsync(network.Id, container.Id, cancel);
            throw;
        }
    }

    /// <summary>Takes a container out of a network; false when it is not there.</summary>
    public async Task<bool> LeaveAsync(NetworkDetail network, ContainerDetail container, bool force, CancellationToken cancel)
    {
        if (!Workloads.IsIn(container, network.Name))
            return false;
        try
        {
            await engine.DisconnectAsync(network.Id, container.Id, force, cancel);
            return true;
        }
        catch (AdapterException e) when (EngineQuirks.IsApart(e.Message))
        {
            return false; // another worker was quicker
        }
    }

    async Task ForgottenAsync(string network, string id, CancellationToken cancel)
    {
        try
        {
            await engine.DisconnectAsync(network, id, force: true, cancel);
        }
        catch (AdapterException)
        {
            // It was never there: what is to be forgotten is forgotten before that is said.
        }
    }

    /// <summary>The container once it stands in a state, or as it stands when that did not come to pass within the limit.</summary>
    public async Task<ContainerDetail?> AwaitAsync(string id, WorkloadState state, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        for (var pause = limits.FirstGlance; ; pause = limits.Longer(pause))
        {
            var container = await LookAsync(id, cancel);
            if (container is null || EngineQuirks.State(container.State.Status) == state || time.GetElapsedTime(since) > limits.Settle)
                return container;
            await Task.Delay(pause, time, cancel);
        }
    }
}
