using System.Globalization;
using System.Text;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>Images, networks and volumes.</summary>
internal sealed partial class NerdctlEngine
{
    public async Task<ImageDetail?> FindImageAsync(string reference, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlInspectImages(reference), cancel);
        return IsMissing(result) ? null : First(result, Loose.ImageDetail, Loose.ImageDetailArray, "show an image");
    }

    public async Task<IReadOnlyList<ImageSummary>> ImagesAsync(CancellationToken cancel)
    {
        var found = new Dictionary<string, ImageSummary>();
        foreach (var some in (await LinesAsync(new NerdctlImages(), "list images", cancel)).Chunk(AtOnce))
        {
            foreach (var image in await ImagesAsync(some, cancel))
                found[image.Id] = new ImageSummary(ImageActs.IdOf(image), image.RepoTags, image.Size, Seconds(image.Created));
        }
        return [.. found.Values];
    }

    /// <summary>These; one that is gone by now makes the command fail for all, so then each is asked for by itself.</summary>
    async Task<IReadOnlyList<ImageDetail>> ImagesAsync(IReadOnlyList<string> ids, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlInspectImages([.. ids]), cancel);
        if (!IsMissing(result))
            return Objects(result, Loose.ImageDetail, Loose.ImageDetailArray, "list images");
        var found = new List<ImageDetail>();
        foreach (var id in ids)
        {
            if (await FindImageAsync(id, cancel) is { } image)
                found.Add(image);
        }
        return found;
    }

    public async Task<IReadOnlyList<Layer>> HistoryAsync(string imageId, CancellationToken cancel)
    {
        var result = OrThrow(await RunAsync(new NerdctlHistory(imageId), cancel));
        return [.. CommandOutput.Objects(result, EngineJson.Default.JsonElement, EngineJson.Default.JsonElementArray, "show the history of an image").Select(layer => new Layer(
            Seconds(layer.Text("created") ?? layer.Text("Created") ?? layer.Text("CreatedAt")), layer.Text("CreatedBy") ?? layer.Text("createdBy"),
            layer.Integer("size") ?? layer.Integer("Size") ?? 0, layer.Text("comment") ?? layer.Text("Comment")))];
    }

    public Task<string?> PullAsync(ImageReference image, PullWatch? watch, CancellationToken cancel) => TransferAsync("pull", image, watch, limits.Pull, cancel);

    public Task<string?> PushAsync(ImageReference image, PullWatch watch, CancellationToken cancel) => TransferAsync("push", image, watch, limits.Transfer, cancel);

    async Task<string?> TransferAsync(string verb, ImageReference image, PullWatch? watch, TimeSpan limit, CancellationToken cancel)
    {
        var known = await DialectAsync(cancel);
        var flag = known.Quirks.LoopbackNeedsWord && image.IsOnLoopback ? known.Quirks == EngineQuirks.Nerdctl ? "--insecure-registry" : "--tls-verify=false" : null;
        using var folder = WorkFolder.Create(WorkFolder.Memory);
        // nerdctl reads the first, Podman the second.
        var environment = registries.ConfigFor(image) is not { } login ? [] : new Dictionary<string, string> { ["DOCKER_CONFIG"] = folder.Path, ["REGISTRY_AUTH_FILE"] = folder.Write("config.json", login) };
        var told = Task.CompletedTask;
        void Tell(string line)
        {
            if (watch is not null && CommandProgress.Read(line) is { } seen)
                told = Next(told, () => watch.SeeAsync(seen), cancel);
        }
        LineSplitter[] heard = [new(Tell), new(Tell)];
        var streams = new CommandStreams { Environment = environment, See = (source, piece) => heard[source - 1].Append(piece.Span) };
        var result = await StreamAsync(new NerdctlTransfer(verb, image.ToString(), flag), streams, limit, cancel);
        await told;
        return result.ExitCode == 0 ? null : CommandErrors.LastWords(result);
    }

    public Task TagAsync(string imageId, ImageReference name, CancellationToken cancel) => DoAsync(new NerdctlTag(imageId, name.ToString()), cancel);

    public async Task<bool> UntagAsync(string reference, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlUntag(reference), cancel);
        return !IsMissing(result) && OrThrow(result) is not null;
    }

    public async Task SaveAsync(string reference, Stream destination, CancellationToken cancel) =>
        OrThrow(await StreamAsync(new NerdctlSave(reference), new() { Output = (stream, inner) => stream.CopyToAsync(destination, inner) }, limits.Transfer, cancel));

    public async Task<string?> LoadAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancel)
    {
        var result = await StreamAsync(new NerdctlLoad(), new() { Feed = write }, limits.Transfer, cancel);
        return result.ExitCode == 0 ? null : CommandErrors.Words(result);
    }

    /// <summary>The context is unpacked into a folder of its own: not every command line takes a tar. It was judged before, entry by entry.</summary>
    public async Task<(string? Id, string? Error)> BuildAsync(BuildOrder order, Stream context, Func<string, Task> said, CancellationToken cancel)
    {
        using var work = WorkFolder.Create(WorkFolder.Disk);
        await UnpackAsync(context, work.Path, order, cancel);
        var told = Task.CompletedTask;
        var heard = new LineSplitter(line => told = Next(told, () => said(line + "\n"), cancel));
        var before = await FindImageAsync(order.Tag, cancel);
        CommandResult result;
        try
        {
            result = await StreamAsync(new NerdctlBuild(order, work.Path), new() { See = (_, piece) => heard.Append(piece.Span), CleanUp = BuildCleanUp }, order.Limit, cancel);
            cancel.ThrowIfCancellationRequested();
        }
        catch (Exception broken) when (broken is OperationCanceledException or AdapterException)
        {
            await GiveBackAsync(order.Tag, before);
            throw;
        }
        await told;
        return result.ExitCode == 0 ? ((await FindImageAsync(order.Tag, cancel)) is { } built ? ImageActs.IdOf(built) : null, null) : (null, CommandErrors.Words(result));
    }

    static async Task UnpackAsync(Stream context, string folder, BuildOrder order, CancellationToken cancel)
    {
        try
        {
            await System.Formats.Tar.TarFile.ExtractToDirectoryAsync(context, folder, overwriteFiles: true, cancel);
            if (order.Text is null)
                return;
            // A file of its own: the one that was there may be nobody's to write, or have another name as well.
            var file = Path.Combine(folder, TarContents.Normal(order.Dockerfile));
            File.Delete(file);
            await File.WriteAllTextAsync(file, order.Text, cancel);
        }
        catch (IOException full) when (ArtifactStore.IsDiskFull(full))
        {
            throw ArtifactStore.DiskFull(full);
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or InvalidOperationException or ArgumentException)
        {
            throw new ArtifactException(ArtifactFailure.Malformed, $"The context cannot be unpacked: {defect.Message.Replace(folder, "", StringComparison.Ordinal)}", defect);
        }
    }

    /// <summary>One after the other, and at once when the one before was heard: what a command says must not pile up.</summary>
    static Task Next(Task told, Func<Task> tell, CancellationToken cancel) =>
        told.IsCompleted ? tell() : told.ContinueWith(_ => tell(), cancel, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();

    /// <summary>A build that was broken off may have done its last step by then: the name is whose it was before.</summary>
    async Task GiveBackAsync(string tag, ImageDetail? before)
    {
        if (await FindImageAsync(tag, CancellationToken.None) is not { } built || built.Id == before?.Id)
            return;
        await (before is null ? UntagAsync(tag, CancellationToken.None) : TagAsync(before.Id, ImageReference.Parse(tag), CancellationToken.None));
    }

    /// <summary>A build that is between two commands has none that could be ended; the next one comes within a tenth of that, or the build's own end.</summary>
    static readonly TimeSpan BuildCleanUp = TimeSpan.FromSeconds(10);

    public async Task<NetworkDetail?> FindNetworkAsync(string name, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlInspectThings("network", name), cancel);
        return IsMissing(result) ? null : First(result, Loose.NetworkDetail, Loose.NetworkDetailArray, "show a network");
    }

    public async Task<IReadOnlyList<NetworkDetail>> NetworksAsync(string label, CancellationToken cancel)
    {
        var found = new List<NetworkDetail>();
        foreach (var name in await LinesAsync(new NerdctlListThings("network", label), "list networks", cancel))
        {
            if (await FindNetworkAsync(name, cancel) is { } network)
                found.Add(network);
        }
        return found;
    }

    public async Task<NetworkDetail> CreateNetworkAsync(NetworkRequest request, CancellationToken cancel)
    {
        await DoAsync(new NerdctlCreateThing("network", request.Name, request.Labels, request.Internal), cancel);
        return await FindNetworkAsync(request.Name, cancel) ?? throw new AdapterException(AdapterFailure.NotFound, $"The network {request.Name} was removed right after it was made.");
    }

    public Task<bool> RemoveNetworkAsync(string id, CancellationToken cancel) => RemoveThingAsync("network", id, cancel);

    public Task ConnectAsync(string network, string container, string alias, CancellationToken cancel) => DoAsync(new NerdctlConnect(network, container, alias), cancel);

    public Task DisconnectAsync(string network, string container, bool force, CancellationToken cancel) => DoAsync(new NerdctlDisconnect(network, container, force), cancel);

    public async Task<VolumeDetail?> FindVolumeAsync(string name, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlInspectThings("volume", name), cancel);
        return IsMissing(result) ? null : First(result, Loose.VolumeDetail, Loose.VolumeDetailArray, "show a volume");
    }

    public async Task<IReadOnlyList<VolumeDetail>> VolumesAsync(string label, CancellationToken cancel)
    {
        var found = new List<VolumeDetail>();
        foreach (var name in await LinesAsync(new NerdctlListThings("volume", label), "list volumes", cancel))
        {
            if (await FindVolumeAsync(name, cancel) is { } volume)
                found.Add(volume);
        }
        return found;
    }

    public async Task CreateVolumeAsync(VolumeRequest request, CancellationToken cancel)
    {
        // Unlike the Engine API a command line refuses a name that is there.
        if (await FindVolumeAsync(request.Name, cancel) is null)
            await DoAsync(new NerdctlCreateThing("volume", request.Name, request.Labels, Internal: false), cancel);
    }

    public Task<bool> RemoveVolumeAsync(string name, CancellationToken cancel) => RemoveThingAsync("volume", name, cancel);

    async Task<bool> RemoveThingAsync(string what, string name, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlRemoveThing(what, name), cancel);
        return !IsMissing(result) && OrThrow(result) is not null;
    }

    static bool IsMissing(CommandResult result) => Failure(result) is AdapterFailure.NotFound or AdapterFailure.ImageNotFound;

    static long Seconds(string? moment) => DateTimeOffset.TryParse(moment, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUnixTimeSeconds() : 0;
}

/// <summary>Lines of a text that comes in pieces, those too that are written over each other; one that is longer than 64 KiB is handed over in parts.</summary>
internal sealed class LineSplitter(Action<string> see)
{
    const int MaxLine = 64 << 10;

    readonly MemoryStream open = new();
    bool returned;

    public void Append(ReadOnlySpan<byte> piece)
    {
        foreach (var one in piece)
        {
            var isSecondHalf = returned && one == '\n';
            returned = one == '\r';
            if (isSecondHalf)
                continue;
            var isEnd = one is (byte)'\n' or (byte)'\r';
            if (!isEnd)
                open.WriteByte(one);
            if (!isEnd && open.Length < MaxLine)
                continue;
            see(Encoding.UTF8.GetString(open.GetBuffer(), 0, (int)open.Length));
            open.SetLength(0);
        }
    }
}
