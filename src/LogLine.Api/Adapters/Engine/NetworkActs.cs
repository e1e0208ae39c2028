using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Private networks of a tenant, one method each.</summary>
internal sealed class NetworkActs(OwnContainers containers, IContainerEngine engine)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["network.create"] = CreateAsync,
        ["network.remove"] = RemoveAsync,
        ["network.inspect"] = async (call, cancel) => await ResultOfAsync(await FindAsync(call, cancel), cancel),
        ["network.list"] = ListAsync,
        ["network.connect"] = ConnectAsync,
        ["network.disconnect"] = DisconnectAsync,
    };

    async Task<NetworkDetail> FindAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var network = await LookAsync(call, cancel);
        return network is not null && OwnThings.IsOwn(network.Labels, call) ? network : throw OwnThings.NotFound("network", call.Name);
    }

    Task<NetworkDetail?> LookAsync(PrimitiveCall call, CancellationToken cancel) =>
        engine.FindNetworkAsync(OwnThings.NameOf(call), cancel);

    async Task<PrimitiveResult> CreateAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var request = new NetworkRequest(OwnThings.NameOf(call), true, "bridge", call.Arguments.Flag("internal") ?? false, OwnThings.Labels(call, ContainerOrder.Labels(call)));
        call.Making();
        try
        {
            return ResultOf(await engine.CreateNetworkAsync(request, call.Unbroken), []); // nobody is in it yet
        }
        catch (AdapterException taken) when (taken.Failure == AdapterFailure.NameTaken)
        {
            // Perhaps by a worker that was lost, for this run.
            return await LookAsync(call, cancel) is { } before && OwnThings.IsMade(before.Labels, call) ? await ResultOfAsync(before, cancel) : throw OwnThings.Taken("network", call.Name);
        }
    }

    /// <summary>Takes away what a run has made.</summary>
    public async Task<bool> UnmakeAsync(PrimitiveCall call, CancellationToken cancel) =>
        await LookAsync(call, cancel) is { } made && OwnThings.IsMade(made.Labels, call) && await engine.RemoveNetworkAsync(made.Id, cancel);

    async Task<PrimitiveResult> RemoveAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var (network, members) = await BothAsync(FindAsync(call, cancel), MembersAsync(call.Tenant, OwnThings.NameOf(call), cancel));
        if (members.FirstOrDefault() is { } member)
            throw new AdapterException(AdapterFailure.Conflict, $"The network '{call.Name}' still has the container '{member.Name}'; disconnect or remove it first.");
        await engine.RemoveNetworkAsync(network.Id, cancel);
        return PrimitiveResult.Of(new ThingRemoved(call.Name, true), ResultJson.Default.ThingRemoved);
    }

    async Task<PrimitiveResult> ListAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var found = await engine.NetworksAsync(OwnThings.Label(call.Tenant), cancel);
        var items = found.Where(network => OwnThings.IsOwn(network.Labels, call.Tenant)).Select(network => View(network, null)).OrderBy(item => item.Name, StringComparer.Ordinal);
        return PrimitiveResult.OfList(items, (fitting, truncated) => new NetworkViews(fitting, truncated), ResultJson.Default.NetworkView, ResultJson.Default.NetworkViews);
    }

    async Task<PrimitiveResult> ConnectAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var (network, container) = await BothAsync(FindAsync(call, cancel), ContainerAsync(call, cancel));
        // Under its own name it is found by the others, as on the engines' own command lines.
        await containers.JoinAsync(network, container, call.Arguments.Text("container")!, cancel);
        return await ResultOfAsync(network, cancel);
    }

    async Task<PrimitiveResult> DisconnectAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var (found, container) = await BothAsync(LookAsync(call, cancel), ContainerAsync(call, cancel));
        if (found is not { } network || OwnThings.IsMade(network.Labels, call))
            return await DisconnectFromVanishedAsync(call, container, isLeft: found is not null, cancel);
        if (!OwnThings.IsOwn(network.Labels, call))
            throw OwnThings.NotFound("network", call.Name);
        if (!await containers.LeaveAsync(network, container, force: false, cancel))
            throw new AdapterException(AdapterFailure.Conflict, $"The container '{call.Arguments.Text("container")}' is not in the network '{call.Name}'.");
        return await ResultOfAsync(network, cancel);
    }

    /// <summary>
    /// The network was removed behind our back while the container did not run, which cannot be started any more; or it is there again, <paramref name="isLeft"/> by a worker that was lost in the middle of this.
    /// </summary>
    async Task<PrimitiveResult> DisconnectFromVanishedAsync(PrimitiveCall call, ContainerDetail container, bool isLeft, CancellationToken cancel)
    {
        var request = new NetworkRequest(OwnThings.NameOf(call), true, "bridge", Internal: true, OwnThings.Labels(call, new Dictionary<string, string>()));
        if (!isLeft && !Workloads.IsIn(container, request.Name))
            throw OwnThings.NotFound("network", call.Name);
        try
        {
            if (Workloads.IsIn(container, request.Name))
                await engine.DisconnectAsync(request.Name, container.Id, force: true, call.Unbroken);
            if (isLeft)
                await engine.RemoveNetworkAsync(request.Name, call.Unbroken);
        }
        catch (AdapterException e) when (EngineQuirks.IsNetworkless(e.Message))
        {
            // Podman takes a container out of such networks alone that are there, and removes none that has others in it.
            if ((await MembersAsync(call.Tenant, request.Name, cancel)).FirstOrDefault(member => member.Name != call.Arguments.Text("container")) is { } other)
                throw new AdapterException(AdapterFailure.Conflict, $"The network '{call.Name}' is not there any more, and the container '{other.Name}' is in it as well: make it again (network.create) and disconnect then.");
            await engine.CreateNetworkAsync(request, call.Unbroken);
            try
            {
                await engine.DisconnectAsync(request.Name, container.Id, force: true, call.Unbroken);
            }
            finally
            {
                await engine.RemoveNetworkAsync(request.Name, CancellationToken.None);
            }
        }
        return PrimitiveResult.Of(new NetworkView(call.Name, null, null, await MembersAsync(call.Tenant, request.Name, cancel), new Dictionary<string, string>()), ResultJson.Default.NetworkView);
    }

    /// <summary>The container that is meant. Podman 4 cannot show one any more that left a network while it was paused.</summary>
    async Task<ContainerDetail> ContainerAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call with { Name = call.Arguments.Text("container")! }, cancel);
        return EngineQuirks.State(container.State.Status) == WorkloadState.Paused
            ? throw new AdapterException(AdapterFailure.Conflict, $"The container '{call.Arguments.Text("container")}' is paused, and its networks stay as they are until it runs again: unpause it first (container.unpause).")
            : container;
    }

    /// <summary>Two looks beside each other; when both fail, the first one's failure is said.</summary>
    static async Task<(TOne One, TOther Other)> BothAsync<TOne, TOther>(Task<TOne> one, Task<TOther> other)
    {
        await Task.WhenAll(one, other);
        return (await one, await other);
    }

    async Task<PrimitiveResult> ResultOfAsync(NetworkDetail network, CancellationToken cancel) =>
        ResultOf(network, await MembersAsync(network.Labels![EngineLabels.Tenant], network.Name, cancel));

    static PrimitiveResult ResultOf(NetworkDetail network, IReadOnlyList<NetworkMember> members) => PrimitiveResult.Of(View(network, members), ResultJson.Default.NetworkView);

    async Task<IReadOnlyList<NetworkMember>> MembersAsync(string tenant, string network, CancellationToken cancel) => [.. (await containers.MembersAsync(tenant, cancel))[network]];

    public static NetworkView View(NetworkDetail network, IReadOnlyList<NetworkMember>? members) =>
        new(network.Labels![EngineLabels.Name], ContainerViews.Time(network.Created), network.Internal, members, ContainerViews.OwnLabels(network.Labels));
}
