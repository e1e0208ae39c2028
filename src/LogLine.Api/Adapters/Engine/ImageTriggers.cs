using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Whether an image has ONBUILD triggers: instructions that an engine carries out in each build that begins with it, and that nobody has judged there; one could copy out of another tenant's image. Docker shows them; Podman
/// does not, so that its config is taken out of what it saves of the image, once for each id, which is the digest of that config.
/// </summary>
internal sealed class ImageTriggers(IContainerEngine engine)
{
    const int MostKnown = 1024;
    const int MaxConfigBytes = 4 << 20;

    readonly ConcurrentDictionary<string, bool> known = new();

    public async Task<bool> AreInAsync(ImageDetail image, CancellationToken cancel)
    {
        var id = ImageActs.IdOf(image);
        if (known.TryGetValue(id, out var has))
            return has;
        has = (await engine.DialectAsync(cancel)).Quirks.ShowsTriggers ? image.Config?.OnBuild is { Length: > 0 } : await AreSavedAsync(image.Id, id, cancel);
        if (known.Count >= MostKnown)
            known.Clear();
        return known[id] = has;
    }

    async Task<bool> AreSavedAsync(string reference, string id, CancellationToken cancel)
    {
        var (pipe, hex, config) = (new Pipe(), id["sha256:".Length..], default(byte[]));
        async Task SaveAsync()
        {
            Exception? failure = null;
            try
            {
                await engine.SaveAsync(reference, pipe.Writer.AsStream(leaveOpen: true), cancel);
            }
            catch (Exception e)
            {
                failure = e; // heard by whoever reads
            }
            await pipe.Writer.CompleteAsync(failure);
        }
        var saving = SaveAsync();
        try
        {
            await foreach (var entry in TarContents.ReadAsync(pipe.Reader.AsStream(), cancel))
            {
                if (entry is { DataStream: { } data, Length: <= MaxConfigBytes } && (entry.Name == hex + ".json" || entry.Name == "blobs/sha256/" + hex))
                    await data.ReadExactlyAsync(config = new byte[entry.Length], cancel);
            }
        }
        finally
        {
            await pipe.Reader.CompleteAsync();
            await saving;
        }
        if (config is null || Convert.ToHexStringLower(SHA256.HashData(config)) != hex)
            throw new AdapterException(AdapterFailure.Refused, $"Whether the image {id} has ONBUILD triggers cannot be seen: the engine does not save its config.");
        return ImageArchive.ReadConfig(config).Config?.OnBuild is { Length: > 0 };
    }
}
