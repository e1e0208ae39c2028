using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Volumes of a tenant, one method each.</summary>
internal sealed class VolumeActs(IContainerEngine engine)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["volume.create"] = CreateAsync,
        ["volume.remove"] = RemoveAsync,
        ["volume.inspect"] = async (call, cancel) => ResultOf(await FindAsync(call.Tenant, call.Name, cancel)),
        ["volume.list"] = ListAsync,
    };

    /// <summary>The tenant's volume of that name; an engine would silently make one that is not there.</summary>
    public async Task<VolumeDetail> FindAsync(string tenant, string name, CancellationToken cancel)
    {
        var volume = await LookAsync(tenant, name, cancel);
        return volume is not null && OwnThings.IsOwn(volume.Labels, tenant) && volume.Labels![EngineLabels.Name] == name ? volume : throw OwnThings.NotFound("volume", name);
    }

    Task<VolumeDetail?> LookAsync(string tenant, string name, CancellationToken cancel) =>
        engine.FindVolumeAsync(ContainerRequests.NameOf(tenant, name), cancel);

    async Task<PrimitiveResult> CreateAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var before = await LookAsync(call.Tenant, call.Name, cancel);
        if (before is not null && !OwnThings.IsMade(before.Labels, call))
            throw OwnThings.Taken("volume", call.Name);
        call.Making();
        await engine.CreateVolumeAsync(new VolumeRequest(OwnThings.NameOf(call), OwnThings.Labels(call, ContainerOrder.Labels(call))), call.Unbroken);
        // To engines a volume that is there by now is the one that is wanted. Whose it is, its labels say.
        return await LookAsync(call.Tenant, call.Name, cancel) is { } made && OwnThings.IsMade(made.Labels, call) ? ResultOf(made) : throw OwnThings.Taken("volume", call.Name);
    }

    /// <summary>Takes away what a run has made.</summary>
    public async Task<bool> UnmakeAsync(PrimitiveCall call, CancellationToken cancel) =>
        await LookAsync(call.Tenant, call.Name, cancel) is { } made && OwnThings.IsMade(made.Labels, call) && await engine.RemoveVolumeAsync(OwnThings.NameOf(call), cancel);

    async Task<PrimitiveResult> RemoveAsync(PrimitiveCall call, CancellationToken cancel)
    {
        await FindAsync(call.Tenant, call.Name, cancel);
        await engine.RemoveVolumeAsync(OwnThings.NameOf(call), cancel);
        return PrimitiveResult.Of(new ThingRemoved(call.Name, true), ResultJson.Default.ThingRemoved);
    }

    async Task<PrimitiveResult> ListAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var found = await engine.VolumesAsync(OwnThings.Label(call.Tenant), cancel);
        var items = found.Where(volume => OwnThings.IsOwn(volume.Labels, call.Tenant)).Select(View).OrderBy(item => item.Name, StringComparer.Ordinal);
        return PrimitiveResult.OfList(items, (fitting, truncated) => new VolumeViews(fitting, truncated), ResultJson.Default.VolumeView, ResultJson.Default.VolumeViews);
    }

    static PrimitiveResult ResultOf(VolumeDetail volume) => PrimitiveResult.Of(View(volume), ResultJson.Default.VolumeView);

    // Where the engine keeps it stays untold: a path of the host is no business of a tenant's.
    static VolumeView View(VolumeDetail volume) => new(volume.Labels![EngineLabels.Name], ContainerViews.Time(volume.CreatedAt), ContainerViews.OwnLabels(volume.Labels));
}
