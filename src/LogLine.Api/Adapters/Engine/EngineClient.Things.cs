using System.Globalization;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Images, networks and volumes over the Engine API.</summary>
internal sealed partial class EngineClient
{
    public Task<ImageDetail?> FindImageAsync(string reference, CancellationToken cancel) =>
        FindAsync($"/images/{Uri.EscapeDataString(reference)}/json", EngineJson.Default.ImageDetail, "show an image", cancel);

    public async Task<IReadOnlyList<ImageSummary>> ImagesAsync(CancellationToken cancel) => await GetAsync("/images/json", EngineJson.Default.ImageSummaryArray, "list images", cancel);

    public async Task<IReadOnlyList<Layer>> HistoryAsync(string imageId, CancellationToken cancel) =>
        await GetAsync($"/images/{imageId}/history", EngineJson.Default.LayerArray, "show the history of an image", cancel);

    public async Task<string?> PullAsync(ImageReference image, PullWatch? watch, CancellationToken cancel)
    {
        var path = (await QuirksAsync(cancel)).PullPath(image);
        return await SpeakAsync(prefix => waits.StreamAsync(
            HttpMethod.Post, prefix + path, null, "fetch the image", limits.Pull, async (error, stream, inner) => error?.Error ?? await ProgressErrorAsync(stream, watch, inner), cancel, registries.HeaderFor(image)), cancel);
    }

    public async Task<string?> PushAsync(ImageReference image, PullWatch watch, CancellationToken cancel)
    {
        var path = (await QuirksAsync(cancel)).PushPath(image);
        return await SpeakAsync(prefix => waits.StreamAsync(
            HttpMethod.Post, prefix + path, null, "push an image", limits.Transfer, async (error, stream, inner) => error?.Error ?? await ProgressErrorAsync(stream, watch, inner), cancel, registries.HeaderFor(image)), cancel);
    }

    // The status is 200 before the work begins; a failure is a line of the stream.
    static async Task<string?> ProgressErrorAsync(Stream stream, PullWatch? watch, CancellationToken cancel)
    {
        string? error = null;
        await foreach (var progress in JsonSerializer.DeserializeAsyncEnumerable(stream, EngineJson.Default.PullProgress, topLevelValues: true, cancel))
        {
            error = progress?.Error ?? error;
            if (watch is not null && progress is not null)
                await watch.SeeAsync(progress);
        }
        return error;
    }

    public Task TagAsync(string imageId, ImageReference name, CancellationToken cancel) =>
        DoAsync($"/images/{imageId}/tag?repo={Uri.EscapeDataString(name.Name)}&tag={Uri.EscapeDataString(name.TagOrDigest)}", "tag an image", cancel);

    public Task<bool> UntagAsync(string reference, CancellationToken cancel) => RemoveThingAsync($"/images/{Uri.EscapeDataString(reference)}", "remove an image", cancel);

    public Task SaveAsync(string reference, Stream destination, CancellationToken cancel) =>
        TransferAsync(HttpMethod.Get, $"/images/{Uri.EscapeDataString(reference)}/get", null, "save an image", limits.Transfer, async (error, stream, inner) =>
        {
            error?.OrThrow();
            await stream.CopyToAsync(destination, inner);
            return true;
        }, cancel);

    public async Task<string?> LoadAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancel)
    {
        using var body = new WrittenContent(write, "application/x-tar");
        return await TransferAsync(HttpMethod.Post, "/images/load?quiet=true", body, "load an image", limits.Transfer,
            async (refusal, stream, inner) => refusal?.Error ?? await ProgressErrorAsync(stream, null, inner), cancel);
    }

    public async Task<(string? Id, string? Error)> BuildAsync(BuildOrder order, Stream context, Func<string, Task> said, CancellationToken cancel)
    {
        using var body = new WrittenContent((stream, inner) => RewrittenTar.WriteAsync(context, stream, new TarContents(long.MaxValue), inner, order.Text is null ? null : (TarContents.Normal(order.Dockerfile), order.Text)), "application/x-tar");
        return await TransferAsync(HttpMethod.Post, "/build?" + Query(order), body, "build an image", order.Limit,
            async (refusal, stream, inner) => refusal is null ? await BuiltAsync(stream, said, inner) : (null, refusal.Error), cancel);
    }

    static string Query(BuildOrder order) => string.Join('&', new (string Name, string? Value)[]
    {
        ("t", order.Tag), ("dockerfile", order.Dockerfile), ("target", order.Stage), ("buildargs", Json(order.Arguments)), ("labels", Json(order.Labels)),
        ("nocache", order.NoCache ? "true" : "false"), ("networkmode", order.Network ? "default" : "none"), ("rm", "true"), ("forcerm", "true"),
    }.Where(one => one.Value is not null).Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value!)}"));

    static string Json(IReadOnlyDictionary<string, string> pairs) => JsonSerializer.Serialize(pairs.ToDictionary(), EngineJson.Default.DictionaryStringString);

    /// <summary>Reads what the build says to its end: its image, and why it failed.</summary>
    static async Task<(string? Id, string? Error)> BuiltAsync(Stream stream, Func<string, Task> said, CancellationToken cancel)
    {
        string? id = null, error = null;
        await foreach (var line in JsonSerializer.DeserializeAsyncEnumerable(stream, EngineJson.Default.BuildProgress, topLevelValues: true, cancel))
        {
            error = line?.Error ?? error;
            id = line?.Result?.Id ?? id;
            if (line?.Text is { } text)
                await said(text);
        }
        return (id, error?.Trim());
    }

    public async Task<NetworkDetail?> FindNetworkAsync(string name, CancellationToken cancel)
    {
        const string What = "show a network";
        for (var since = time.GetTimestamp(); ; await Task.Delay(limits.Glance, time, cancel))
        {
            var reply = await CallAsync(HttpMethod.Get, Network(name), null, What, limits.Answer, cancel);
            if (reply.Error is { } unshown && EngineQuirks.IsPassing(unshown))
                return (await LibpodAsync(Network(name) + "/json", What, cancel)) is { Status: not 404 } shown ? shown.OrThrow().Read(EngineJson.Default.LibpodNetwork, What).Detail() : null;
            // Of several that were made at the same moment one keeps the name.
            if (reply.Error is not { } words || !EngineQuirks.IsAmbiguous(words) || time.GetElapsedTime(since) >= limits.Settle)
                return reply.Status == 404 ? null : reply.OrThrow().Read(EngineJson.Default.NetworkDetail, What);
        }
    }

    public Task<IReadOnlyList<NetworkDetail>> NetworksAsync(string label, CancellationToken cancel) => FilteredAsync(Labelled(label), cancel);

    /// <summary>Podman looks into each container for it, and fails for one that cannot be shown; its own list does not.</summary>
    async Task<IReadOnlyList<NetworkDetail>> FilteredAsync(string filters, CancellationToken cancel)
    {
        const string What = "list networks";
        var reply = await CallAsync(HttpMethod.Get, $"/networks?filters={filters}", null, What, limits.Answer, cancel);
        return reply.Error is { } words && EngineQuirks.IsPassing(words)
            ? [.. (await LibpodAsync($"/networks/json?filters={filters}", What, cancel)).OrThrow().Read(EngineJson.Default.LibpodNetworkArray, What).Select(network => network.Detail())]
            : reply.OrThrow().Read(EngineJson.Default.NetworkDetailArray, What);
    }

    public async Task<NetworkDetail> CreateNetworkAsync(NetworkRequest request, CancellationToken cancel)
    {
        var made = (await DoAsync("/networks/create", request, EngineJson.Default.NetworkRequest, "create a network", cancel)).Read(EngineJson.Default.ObjectCreated, "create a network");
        return await KeptAsync(request.Name, made.Id!, cancel)
            ?? throw (await RemoveNetworkAsync(made.Id!, cancel)
                ? new AdapterException(AdapterFailure.NameTaken, $"network with name {request.Name} already exists")
                : new AdapterException(AdapterFailure.NotFound, $"The network {request.Name} was removed right after it was made."));
    }

    /// <summary>
    /// The network that was made, or null when it does not keep its name. Docker looks first and takes the name then, so that other workers may have it too by now; and no name that two have leads to either. All of them see all of them: the oldest keeps it and waits until the
    /// others have let go. One that does not let go was alone when it looked, and has it.
    /// </summary>
    async Task<NetworkDetail?> KeptAsync(string name, string id, CancellationToken cancel)
    {
        for (var since = time.GetTimestamp(); ; await Task.Delay(limits.Glance, time, cancel))
        {
            var found = await CallAsync(HttpMethod.Get, Network(name), null, "show a network", limits.Answer, cancel);
            if (found.Error is null)
                return found.Read(EngineJson.Default.NetworkDetail, "show a network");
            if (!EngineQuirks.IsAmbiguous(found.Error))
                return await FindNetworkAsync(name, cancel);
            var oldest = (await FilteredAsync(Filters(new() { ["name"] = [name] }), cancel)).Where(network => network.Name == name)
                .OrderBy(network => DateTimeOffset.TryParse(network.Created, CultureInfo.InvariantCulture, out var made) ? made : DateTimeOffset.MaxValue).ThenBy(network => network.Id, StringComparer.Ordinal).FirstOrDefault();
            if (oldest?.Id != id || time.GetElapsedTime(since) > limits.Settle / 4)
                return null;
        }
    }

    static string Network(string name) => $"/networks/{Uri.EscapeDataString(name)}";

    public Task<bool> RemoveNetworkAsync(string id, CancellationToken cancel) => RemoveThingAsync(Network(id), "remove a network", cancel);

    public Task ConnectAsync(string network, string container, string alias, CancellationToken cancel) =>
        DoAsync(Network(network) + "/connect", new ConnectRequest(container, new EndpointRequest([alias])), EngineJson.Default.ConnectRequest, "connect a container", cancel);

    public Task DisconnectAsync(string network, string container, bool force, CancellationToken cancel) =>
        DoAsync(Network(network) + "/disconnect", new DisconnectRequest(container, force), EngineJson.Default.DisconnectRequest, "disconnect a container", cancel);

    public Task<VolumeDetail?> FindVolumeAsync(string name, CancellationToken cancel) => FindAsync($"/volumes/{Uri.EscapeDataString(name)}", EngineJson.Default.VolumeDetail, "show a volume", cancel);

    public async Task<IReadOnlyList<VolumeDetail>> VolumesAsync(string label, CancellationToken cancel) =>
        (await GetAsync($"/volumes?filters={Labelled(label)}", EngineJson.Default.VolumeList, "list volumes", cancel)).Volumes ?? [];

    public Task CreateVolumeAsync(VolumeRequest request, CancellationToken cancel) => DoAsync("/volumes/create", request, EngineJson.Default.VolumeRequest, "create a volume", cancel);

    public Task<bool> RemoveVolumeAsync(string name, CancellationToken cancel) => RemoveThingAsync($"/volumes/{Uri.EscapeDataString(name)}", "remove a volume", cancel);

    async Task<bool> RemoveThingAsync(string path, string what, CancellationToken cancel)
    {
        var reply = await TryDeleteAsync(path, what, cancel);
        return reply.Status != 404 && reply.OrThrow() is not null;
    }

    static string Labelled(string label) => Filters(new() { ["label"] = [label] });
}
