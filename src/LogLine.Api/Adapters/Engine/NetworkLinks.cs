using LogLine.Api.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Who can reach whom: the whole of a tenant's networks, and links between two containers, which are private networks of those two. An engine cannot limit a
/// network to a port, so a port is recorded and not enforced, and the answer says so.
/// </summary>
internal sealed class NetworkLinks(OwnContainers containers, IContainerEngine engine)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["network.topology"] = TopologyAsync,
        ["network.establish"] = EstablishAsync,
        ["network.sever"] = SeverAsync,
        ["container.network"] = OfContainerAsync,
    };

    async Task<PrimitiveResult> OfContainerAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        return PrimitiveResult.Of(
            new ContainerNetworks([.. Workloads.Ends(container.NetworkSettings, container.State.Status).Select(end => new ContainerEnd(ContainerViews.OwnName(end.Network, call.Tenant), end.Address)).OrderBy(end => end.Name, StringComparer.Ordinal)], ContainerViews.Of(container).Ports),
            ResultJson.Default.ContainerNetworks);
    }

    async Task<PrimitiveResult> TopologyAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var networks = await engine.NetworksAsync(OwnThings.Label(call.Tenant), cancel);
        var members = await containers.MembersAsync(call.Tenant, cancel);
        var views = networks.Where(network => OwnThings.IsOwn(network.Labels, call.Tenant)).Select(network => NetworkActs.View(network, [.. members[network.Name]])).OrderBy(view => view.Name, StringComparer.Ordinal);
        return PrimitiveResult.OfList(views, (fitting, truncated) => new NetworkViews(fitting, truncated), ResultJson.Default.NetworkView, ResultJson.Default.NetworkViews);
    }

    async Task<PrimitiveResult> EstablishAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var (from, to, port) = (call.Arguments.Text("from")!, call.Arguments.Text("to")!, call.Arguments.Integer("port"));
        var ends = new[] { await RunningAsync(call, from, cancel), await RunningAsync(call, to, cancel) };
        var name = NameOf(from, to);
        for (var left = 3; ; left--)
        {
            var network = await MadeAsync(call with { Name = name }, call.Unbroken);
            try
            {
                foreach (var (end, alias) in ends.Zip([from, to]))
                    await containers.JoinAsync(network, end, alias, call.Unbroken);
                break;
            }
            catch (AdapterException e) when (left > 0 && EngineQuirks.IsNetworkless(e.Message))
            {
                // Another worker had made one of that name too, and let go of it.
            }
        }
        return PrimitiveResult.Of(new LinkEstablished(name, from, to, port, false), ResultJson.Default.LinkEstablished);
    }

    async Task<PrimitiveResult> SeverAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var (from, to) = (call.Arguments.Text("from")!, call.Arguments.Text("to")!);
        var name = NameOf(from, to);
        var network = await LookAsync(call.Tenant, name, cancel) ?? throw new AdapterException(AdapterFailure.NotFound, $"There is no link between '{from}' and '{to}'.");
        foreach (var end in new[] { from, to })
        {
            // One that is gone has taken its end with it.
            if (await containers.LookAsync(ContainerRequests.NameOf(call.Tenant, end), call.Unbroken) is { } container)
                await containers.LeaveAsync(network, container, force: true, call.Unbroken);
        }
        await engine.RemoveNetworkAsync(network.Id, call.Unbroken);
        return PrimitiveResult.Of(new LinkSevered(name, from, to, true), ResultJson.Default.LinkSevered);
    }

    /// <summary>The network of that name; made, unless somebody links the same two at this moment.</summary>
    async Task<NetworkDetail> MadeAsync(PrimitiveCall call, CancellationToken cancel)
    {
        if (await LookAsync(call.Tenant, call.Name, cancel) is { } before)
            return before;
        try
        {
            return await engine.CreateNetworkAsync(new NetworkRequest(OwnThings.NameOf(call), true, "bridge", Internal: true, OwnThings.Labels(call, new Dictionary<string, string>())), cancel);
        }
        catch (AdapterException taken) when (taken.Failure == AdapterFailure.NameTaken)
        {
            if (await LookAsync(call.Tenant, call.Name, cancel) is { } meanwhile)
                return meanwhile;
            throw;
        }
    }

    async Task<ContainerDetail> RunningAsync(PrimitiveCall call, string name, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call with { Name = name }, cancel);
        return EngineQuirks.State(container.State.Status) == WorkloadState.Running
            ? container
            : throw new AdapterException(AdapterFailure.Conflict, $"The container '{name}' does not run; only running ones are linked.");
    }

    async Task<NetworkDetail?> LookAsync(string tenant, string name, CancellationToken cancel) =>
        await engine.FindNetworkAsync(ContainerRequests.NameOf(tenant, name), cancel) is { } network && OwnThings.IsOwn(network.Labels, tenant) ? network : null;

    /// <summary>The same for both directions, and short enough for two long names.</summary>
    static string NameOf(string from, string to) =>
        "link-" + Blake3.HashHex(System.Text.Encoding.UTF8.GetBytes(string.CompareOrdinal(from, to) < 0 ? $"{from}\0{to}" : $"{to}\0{from}"))[..16];
}
