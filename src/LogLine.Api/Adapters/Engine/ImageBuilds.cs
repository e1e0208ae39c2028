using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Images from a context: a tar that is an artifact. Nothing else goes in; by default not even the network.</summary>
internal sealed class ImageBuilds(ImageActs images, IContainerEngine engine, TimeProvider time)
{
    const int DefaultTimeoutSeconds = 600;

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive> { ["image.build"] = BuildAsync };

    async Task<PrimitiveResult> BuildAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = TenantImages.Own(call.Tenant, call.Arguments.Text("tag")!);
        await using var context = await ContainerCopies.OwnArtifactAsync(call, cancel);
        var named = await NamedImagesAsync(call, context, cancel);
        foreach (var one in named)
            await images.EnsureBuildableAsync(call, one, cancel);
        await call.Begun();
        context.Position = 0;

        var (output, since) = (new LastBytes(ResultText.MaxBytes), time.GetTimestamp());
        var (id, error) = await engine.BuildAsync(Order(call, image), context, text => HeardAsync(text, output, call), cancel);
        var text = ResultText.Fit(output.ToArray(), out var less);
        var failure = error ?? (id is null ? "The engine ended the build without an image." : null);
        return PrimitiveResult.Of(
            new ImageBuilt(image, failure is null ? id : null, text, less || output.Dropped > 0, (long)time.GetElapsedTime(since).TotalMilliseconds, failure), ResultJson.Default.ImageBuilt, failure is null ? 0 : 1);
    }

    /// <summary>Judges the context and its Dockerfile, and answers with the images that it names.</summary>
    static async Task<IReadOnlyList<NamedImage>> NamedImagesAsync(PrimitiveCall call, Stream context, CancellationToken cancel)
    {
        var name = TarContents.Normal(call.Arguments.Text("dockerfile") ?? "Dockerfile");
        if (name.EndsWith(".in", StringComparison.OrdinalIgnoreCase))
            throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' cannot be built: Podman sends what is called so through a preprocessor first. Give the file a name that does not end in .in, and that name as 'dockerfile'.");
        string? text = null;
        await TarContents.CheckAsync(context, call.Artifacts.MaxBytes, async entry =>
        {
            var found = TarContents.Normal(entry.Name);
            // A link in its place, or in that of a folder that it is in, leads the engine to another file.
            if (entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink && (name + "/").StartsWith(found + "/", StringComparison.Ordinal))
                throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' cannot be built: '{found}' is a link, which could lead the engine to another file than the one that was judged. Put the file itself, or the folder, in its place.");
            if (found != name || entry.EntryType is TarEntryType.Directory)
                return;
            if (entry.Length > BuildFile.MaxBytes)
                throw new ArtifactException(ArtifactFailure.TooLarge, $"'{name}' has {entry.Length:N0} bytes; at most {BuildFile.MaxBytes:N0}.");
            using var reader = new StreamReader(entry.DataStream ?? Stream.Null, Encoding.UTF8, leaveOpen: true);
            text = text is null ? await reader.ReadToEndAsync(cancel) : throw new ArtifactException(ArtifactFailure.Malformed, $"The context has '{name}' twice.");
        }, cancel);
        if (text is null)
            throw new ArtifactException(ArtifactFailure.Malformed, $"The context has no file '{name}'.");
        if (string.IsNullOrWhiteSpace(text))
            throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' is empty.");
        var (named, problem) = BuildFile.Read(text, call.Arguments.Flag("network") ?? false);
        return problem is null ? named : throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' cannot be built: {problem}.");
    }

    static BuildOrder Order(PrimitiveCall call, string image) => new(
        image, call.Arguments.Text("dockerfile") ?? "Dockerfile", call.Arguments.Text("stage"), call.Arguments.Flag("no_cache") ?? false, call.Arguments.Flag("network") ?? false,
        call.Arguments.Member("build_args") is { ValueKind: JsonValueKind.Object } own ? own.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetString()!) : [],
        // A container that somebody makes of the image must not pass for one of ours, nor the image for one that a run has made of a container.
        EngineLabels.All.Append(EngineLabels.CommittedBy).ToDictionary(label => label, _ => ""),
        TimeSpan.FromSeconds(call.Arguments.Integer("timeout_s") ?? DefaultTimeoutSeconds));

    /// <summary>Keeps the last of what a build says, lets it be followed, and says how far it is.</summary>
    static Task HeardAsync(string text, LastBytes output, PrimitiveCall call)
    {
        var piece = Encoding.UTF8.GetBytes(text);
        output.Append(piece);
        call.Said(1, piece);
        return EngineQuirks.BuildStep(text) is var (step, of) ? call.Progress(new RunProgress(step, of, "steps")) : Task.CompletedTask;
    }
}
