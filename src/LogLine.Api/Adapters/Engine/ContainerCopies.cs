using LogLine.Api.Artifacts;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Files into a container and out of it, as tars through artifacts: what may be in one, <see cref="TarContents"/> says.</summary>
internal sealed class ContainerCopies(OwnContainers containers, IContainerEngine engine)
{
    const int ShownPaths = 100;

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["container.copy_to"] = CopyToAsync,
        ["container.copy_from"] = CopyFromAsync,
    };

    async Task<PrimitiveResult> CopyToAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var path = call.Arguments.Text("path")!;
        await using var tar = await OwnArtifactAsync(call, cancel);
        var summary = await TarContents.CheckAsync(tar, call.Artifacts.MaxBytes, null, cancel);
        tar.Position = 0;
        await engine.UnpackAsync(container.Id, path, (stream, inner) => RewrittenTar.WriteAsync(tar, stream, new TarContents(call.Artifacts.MaxBytes), inner), call.Begun, cancel);
        return PrimitiveResult.Of(new CopiedIn(path, summary.Entries, summary.Bytes), ResultJson.Default.CopiedIn);
    }

    async Task<PrimitiveResult> CopyFromAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var path = call.Arguments.Text("path")!;
        var contents = new TarContents(call.Artifacts.MaxBytes);
        var leftOut = new List<string>();
        var artifact = await call.Artifacts.WriteAsync(async destination =>
        {
            await engine.PackAsync(container.Id, path, async (stream, inner) => leftOut = await RewrittenTar.WriteAsync(stream, destination, contents, inner), cancel);
            if (contents.Summary.Entries == 0)
                throw EngineClient.MissingPath(path); // what is mounted while it runs is not the container's own, of which Podman packs nothing
        }, cancel);
        var (entries, left) = (contents.Summary.Entries - leftOut.Count, leftOut.Count);
        return PrimitiveResult.Of(new CopiedOut(path, artifact.Hash.ToString(), artifact.Bytes, entries, left, [.. leftOut.Take(ShownPaths)]), ResultJson.Default.CopiedOut);
    }

    /// <summary>The artifact of the payload, open. The gate has seen it; it may have been removed since.</summary>
    public static async Task<FileStream> OwnArtifactAsync(PrimitiveCall call, CancellationToken cancel) => await call.Artifacts.OpenReadAsync(call.Arguments.Text("artifact"), cancel)
        ?? throw new AdapterException(AdapterFailure.NotFound, $"There is no artifact '{call.Arguments.Text("artifact")}' any more.");
}
