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
        var (named, file) = await NamedImagesAsync(call, context, cancel);
        var ids = new Dictionary<NamedImage, string>();
        foreach (var one in named)
            ids[one] = await images.BuildableAsync(call, one, cancel);
        // From here on a name may come to mean another image, which nobody has judged.
        var pinned = (await engine.DialectAsync(cancel)).Quirks.BuildsOnIds ? ids : [];
        var names = pinned.GroupBy(one => one.Value, one => one.Key.Name).ToDictionary(same => same.Key, same => same.First());
        await call.Begun();
        context.Position = 0;

        var (output, since) = (new LastBytes(ResultText.MaxBytes), time.GetTimestamp());
        var (id, error) = await engine.BuildAsync(
            Order(call, image) with { Text = pinned.Count > 0 ? BuildFile.Renamed(file, named, one => pinned[one]) : null }, context, text => HeardAsync(Unpinned(text, names), output, call), cancel);
        var text = ResultText.Fit(output.ToArray(), out var less);
        var failure = (error is null ? null : Unpinned(error, names)) ?? (id is null ? "The engine ended the build without an image." : null);
        return PrimitiveResult.Of(
            new ImageBuilt(image, failure is null ? id : null, text, less || output.Dropped > 0, (long)time.GetElapsedTime(since).TotalMilliseconds, failure), ResultJson.Default.ImageBuilt, failure is null ? 0 : 1);
    }

    /// <summary>What a build says, with the images as its Dockerfile names them; one of two names under the first.</summary>
    static string Unpinned(string text, Dictionary<string, string> names) => names.Aggregate(text, (said, one) => said.Replace(one.Key, one.Value, StringComparison.Ordinal));

    /// <summary>Judges the context and its Dockerfile, and answers with the images that it names, and with the Dockerfile.</summary>
    static async Task<(IReadOnlyList<NamedImage> Images, string Text)> NamedImagesAsync(PrimitiveCall call, Stream context, CancellationToken cancel)
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
            if (text is not null)
                throw new ArtifactException(ArtifactFailure.Malformed, $"The context has '{name}' twice.");
            text = await ReadAsync(entry, name, cancel);
        }, cancel);
        if (text is null)
            throw new ArtifactException(ArtifactFailure.Malformed, $"The context has no file '{name}'.");
        if (string.IsNullOrWhiteSpace(text))
            throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' is empty.");
        var (named, problem) = BuildFile.Read(text, call.Arguments.Flag("network") ?? false);
        return problem is null ? (named, text) : throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' cannot be built: {problem}.");
    }

    /// <summary>The text as engines read it. What is no UTF-8 could not be handed on as it is.</summary>
    static async Task<string> ReadAsync(TarEntry entry, string name, CancellationToken cancel)
    {
        using var reader = new StreamReader(entry.DataStream ?? Stream.Null, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        try
        {
            return await reader.ReadToEndAsync(cancel);
        }
        catch (DecoderFallbackException defect)
        {
            throw new ArtifactException(ArtifactFailure.Malformed, $"'{name}' is no UTF-8: {defect.Message} Write it in UTF-8.", defect);
        }
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
