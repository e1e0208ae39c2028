using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>A MiniContainer in a file: a manifest, or a <c>.llc</c> that has its artifacts with it. The content decides, not the name.</summary>
/// <param name="Manifest">The manifest.</param>
/// <param name="Artifacts">Bytes by hash (<c>blake3:…</c>); none beside a bare manifest.</param>
internal sealed record MiniContainerFile(CanonicalJson Manifest, IReadOnlyDictionary<string, byte[]> Artifacts)
{
    /// <summary>Reads one; <c>-</c> is standard input.</summary>
    public static Attempt<MiniContainerFile> Read(string path, Stream? input)
    {
        if (InputFile.Read(path, input, LlcArchive.MaxBytes).Fails(out var failure, out var bytes))
        {
            return failure;
        }
        if (!LlcArchive.IsZip(bytes))
        {
            return bytes.Length > JsonLimits.BodyBytes
                ? new CommandFailure("413_TOO_LARGE", $"{InputFile.Shown(path)} is larger than 1 MiB, which is the most that the gateway takes.")
                : InputFile.ParseJson(path, bytes).Fails(out failure, out var json) ? failure : new MiniContainerFile(json, new Dictionary<string, byte[]>());
        }
        return LlcArchive.TryRead(bytes, out var archive, out var problem)
            ? new MiniContainerFile(archive.Manifest, archive.Artifacts)
            : new CommandFailure("file", $"{InputFile.Shown(path)} is no .llc: {problem}.");
    }
}
