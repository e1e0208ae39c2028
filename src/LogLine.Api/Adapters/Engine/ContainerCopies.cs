using System.Formats.Tar;
using System.Text;
using System.Text.Json;
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
        await engine.UnpackAsync(container.Id, path, (stream, inner) => tar.CopyToAsync(stream, inner), call.Begun, cancel);
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
            await engine.PackAsync(container.Id, path, async (stream, inner) => leftOut = await FilterAsync(stream, destination, contents, inner), cancel);
            if (contents.Summary.Entries == 0)
                throw EngineClient.MissingPath(path); // what is mounted while it runs is not the container's own, of which Podman packs nothing
        }, cancel);
        var (entries, left) = (contents.Summary.Entries - leftOut.Count, leftOut.Count);
        return PrimitiveResult.Of(new CopiedOut(path, artifact.Hash.ToString(), artifact.Bytes, entries, left, [.. leftOut.Take(ShownPaths)]), ResultJson.Default.CopiedOut);
    }

    /// <summary>Copies a tar without what may not be in one; what was left out, by name.</summary>
    static async Task<List<string>> FilterAsync(Stream tar, Stream destination, TarContents contents, CancellationToken cancel)
    {
        var leftOut = new List<string>();
        await using var writer = new TarWriter(destination, TarEntryFormat.Pax, leaveOpen: true);
        await foreach (var entry in TarContents.ReadAsync(tar, cancel))
        {
            if (contents.Problem(entry) is null)
                await writer.WriteEntryAsync(Copy(entry), cancel);
            else
                leftOut.Add(entry.Name.Length <= 256 ? entry.Name : entry.Name[..256]);
        }
        return leftOut;
    }

    // A copy, because the writer wants to know the length of what it writes before, and of a stream that cannot be rewound it does not ask the entry.
    static PaxTarEntry Copy(TarEntry entry)
    {
        var copy = new PaxTarEntry(entry.EntryType is TarEntryType.V7RegularFile or TarEntryType.ContiguousFile ? TarEntryType.RegularFile : entry.EntryType, entry.Name)
        {
            Mode = entry.Mode,
            ModificationTime = entry.ModificationTime,
            Uid = entry.Uid,
            Gid = entry.Gid,
        };
        if (entry.LinkName.Length > 0)
            copy.LinkName = entry.LinkName;
        if (entry.DataStream is { } data)
            copy.DataStream = new MeasuredStream(data, entry.Length);
        return copy;
    }

    /// <summary>The artifact of the payload, open. The gate has seen it; it may have been removed since.</summary>
    public static async Task<FileStream> OwnArtifactAsync(PrimitiveCall call, CancellationToken cancel) => await call.Artifacts.OpenReadAsync(call.Arguments.Text("artifact"), cancel)
        ?? throw new AdapterException(AdapterFailure.NotFound, $"There is no artifact '{call.Arguments.Text("artifact")}' any more.");
}
