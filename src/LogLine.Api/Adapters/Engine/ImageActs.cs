using System.Globalization;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Images, one method each. Whose an image is, <see cref="TenantImages"/> says.</summary>
internal sealed class ImageActs(IContainerEngine engine, SeenImages seen)
{
    const int MostDigests = 8;

    readonly WorkloadTurns names = new();
    readonly ImageTriggers triggers = new(engine);

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["image.list"] = ListAsync,
        ["image.inspect"] = InspectAsync,
        ["image.history"] = HistoryAsync,
        ["image.pull"] = PullAsync,
        ["image.tag"] = TagAsync,
        ["image.remove"] = RemoveAsync,
    };

    async Task<PrimitiveResult> ListAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var images = await engine.ImagesAsync(cancel);
        var items = images
            .Select(image => new ImageItem(image.Id, Visible(call.Tenant, image.RepoTags), image.Size, Timestamps.Write(DateTimeOffset.FromUnixTimeSeconds(image.Created))))
            .Where(item => item.References.Count > 0)
            .OrderBy(item => item.References[0], StringComparer.Ordinal);
        return PrimitiveResult.OfList(items, (fitting, truncated) => new ImageList(fitting, truncated), ResultJson.Default.ImageItem, ResultJson.Default.ImageList);
    }

    async Task<PrimitiveResult> InspectAsync(PrimitiveCall call, CancellationToken cancel) => ResultOf(call, await FindAsync(call, cancel));

    async Task<PrimitiveResult> HistoryAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = await FindAsync(call, cancel);
        var layers = await engine.HistoryAsync(image.Id, cancel);
        // How a layer was made may hold a secret of a build; that is the image's own content, which whoever may use the image can read.
        var items = layers.Select(layer => new ImageLayer(Timestamps.Write(DateTimeOffset.FromUnixTimeSeconds(layer.Created)), layer.CreatedBy ?? "", layer.Size, layer.Comment ?? ""));
        return PrimitiveResult.OfList(items, (fitting, truncated) => new ImageHistory(fitting, truncated), ResultJson.Default.ImageLayer, ResultJson.Default.ImageHistory);
    }

    async Task<PrimitiveResult> PullAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var reference = TenantImages.Visible(call.Tenant, call.Arguments.Text("image")!);
        if (ImageName.IsId(reference))
            throw new AdapterException(AdapterFailure.Refused, $"image: '{reference}' is an id; what is fetched has a name, such as docker.io/library/nginx:1.27");
        using var turn = await NameTurnAsync(reference, cancel);
        await FetchAsync(reference, call, cancel);
        return ResultOf(call, await FindAsync(call, cancel));
    }

    async Task<PrimitiveResult> TagAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var tag = TenantImages.Own(call.Tenant, call.Arguments.Text("tag")!);
        var image = await FindAsync(call, cancel);
        await engine.TagAsync(image.Id, ImageReference.Parse(tag), cancel);
        return PrimitiveResult.Of(new ImageCommitted(tag, image.Id), ResultJson.Default.ImageCommitted);
    }

    async Task<PrimitiveResult> RemoveAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = TenantImages.Own(call.Tenant, call.Arguments.Text("image")!);
        return await engine.UntagAsync(image, cancel) ? PrimitiveResult.Of(new ImageRemoved(image, true), ResultJson.Default.ImageRemoved) : throw NotFound(image);
    }

    /// <summary>Waits until nobody else fetches or sends what has that name: to be sent, an image has it for that while only.</summary>
    public Task<IDisposable> NameTurnAsync(string reference, CancellationToken cancel) => names.TakeAsync("", "", reference, cancel);

    /// <summary>
    /// The image of that reference, when the tenant may see it. What an engine finds under a reference may be an id that looks like one; what
    /// counts is therefore what the found image is called.
    /// </summary>
    public async Task<ImageDetail> FindAsync(PrimitiveCall call, CancellationToken cancel, string? image = null)
    {
        var reference = TenantImages.Visible(call.Tenant, image ?? call.Arguments.Text("image")!);
        var found = await engine.FindImageAsync(reference, cancel);
        return found is not null && IsVisible(call.Tenant, found) ? found : throw NotFound(reference);
    }

    /// <summary>
    /// The reference in full of an image that the tenant may use, and the image; none where it is not there yet, and may be fetched. What the engine finds is judged too, whatever the name says.
    /// </summary>
    public async Task<(string Reference, SeenImage? Image)> UsableAsync(string tenant, string image, CancellationToken cancel)
    {
        var reference = TenantImages.Visible(tenant, image);
        return (reference, await seen.GetAsync(tenant, reference, () => VisibleAsync(tenant, reference, cancel)));
    }

    /// <summary>
    /// The id of an image of a Dockerfile. Refuses one that is another tenant's, or that brings instructions of its own into the build. What is not there is fetched first, to be judged. An engine that looks for the names in the file itself
    /// is asked for what stands there, as it stands there, too.
    /// </summary>
    public async Task<string> BuildableAsync(PrimitiveCall call, NamedImage named, CancellationToken cancel)
    {
        var (image, platform) = (named.Name, named.Platform);
        var reference = TenantImages.Visible(call.Tenant, image);
        if (await engine.FindImageAsync(reference, cancel) is null)
        {
            using var turn = await NameTurnAsync(reference, cancel);
            await FetchAsync(ImageName.IsId(reference) ? throw NotFound(image) : reference, call, cancel);
        }
        string? id = null;
        foreach (var name in ImageName.IsShort(image) && !(await engine.DialectAsync(cancel)).Quirks.BuildsOnIds ? (string[])[reference, image] : [reference])
        {
            if (await engine.FindImageAsync(name, cancel) is not { } found)
                continue;
            if (!IsVisible(call.Tenant, found))
                throw NotFound(image);
            if (platform is not null && platform != $"{found.Os}/{found.Architecture}")
                throw new ArtifactException(ArtifactFailure.Malformed, $"The image '{image}' is here for {found.Os}/{found.Architecture}, and the Dockerfile wants it for {platform}: the engine would fetch another one, which nobody has judged. Leave --platform out.");
            if (await triggers.AreInAsync(found, cancel))
                throw new ArtifactException(ArtifactFailure.Malformed, $"The image '{image}' has ONBUILD triggers, which would act in this build without having been judged. Build on one that has none, with what they do in the Dockerfile.");
            id ??= IdOf(found);
        }
        return id ?? throw NotFound(image);
    }

    async Task FetchAsync(string reference, PrimitiveCall call, CancellationToken cancel)
    {
        await call.Begun();
        if (await engine.PullAsync(ImageReference.Parse(reference), new PullWatch(call.Progress), cancel) is { } error)
            throw new AdapterException(AdapterFailure.ImageNotFound, $"The image {reference} could not be fetched: {error}");
    }

    async Task<SeenImage?> VisibleAsync(string tenant, string reference, CancellationToken cancel) =>
        await engine.FindImageAsync(reference, cancel) is not { } found ? null : IsVisible(tenant, found) ? new(IdOf(found), RepoDigestsOf(found, ImageName.Of(reference))) : throw NotFound(reference);

    /// <summary>
    /// The digests under which the registry of that name has it; a store on this machine (<c>localhost/…</c>) is none. There may be two, that of a list of platforms and its own; Podman adds those under which the same image came to it in other
    /// ways, which the registry need not know.
    /// </summary>
    internal static IReadOnlyList<string> RepoDigestsOf(ImageDetail image, ImageName named) => named.Name.StartsWith("localhost/", StringComparison.Ordinal) ? []
        : [.. (image.RepoDigests ?? []).Select(ImageName.Of).Where(digest => digest.Name == named.Name).Select(digest => digest.ToString()).Order(StringComparer.Ordinal).Take(MostDigests)]; // Docker leaves out the name of its own registry

    static bool IsVisible(string tenant, ImageDetail image) => Visible(tenant, image.RepoTags).Count + Visible(tenant, image.RepoDigests).Count > 0;

    static AdapterException NotFound(string image) => new(AdapterFailure.ImageNotFound, $"There is no image '{image}'.");

    public static PrimitiveResult ResultOf(PrimitiveCall call, ImageDetail image) => PrimitiveResult.Of(
        new ImageView(
            IdOf(image), Visible(call.Tenant, image.RepoTags), Visible(call.Tenant, image.RepoDigests),
            ContainerViews.Time(image.Created), image.Size, image.Architecture, image.Os,
            [.. image.Config?.Cmd ?? []], ContainerViews.Names(image.Config?.Env), string.IsNullOrEmpty(image.Config?.User) ? null : image.Config.User,
            string.IsNullOrEmpty(image.Config?.WorkingDir) ? null : image.Config.WorkingDir, ContainerViews.OwnLabels(image.Config?.Labels)),
        ResultJson.Default.ImageView);

    /// <summary>The id as both engines are to show it.</summary>
    public static string IdOf(ImageDetail image) => image.Id.StartsWith("sha256:", StringComparison.Ordinal) ? image.Id : "sha256:" + image.Id;

    static IReadOnlyList<string> Visible(string tenant, string[]? references) =>
        [.. (references ?? []).Where(reference => !reference.StartsWith("<none>", StringComparison.Ordinal) && TenantImages.IsVisible(tenant, reference)).Order(StringComparer.Ordinal)];
}
