using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Whether an image has ONBUILD triggers: instructions that an engine carries out in each build that begins with it, and that nobody has judged there; one could copy out of another tenant's image. Docker shows them; Podman
/// does not, so that its config is taken out of what it saves of the image, once for each id.
/// </summary>
internal sealed class ImageTriggers(IContainerEngine engine)
{
    const int MostKnown = 1024;
    const int MaxPartBytes = 4 << 20;
    const int MaxKeptBytes = 16 << 20;

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
        // Which of them is the config manifest.json says, which may come last.
        var (pipe, parts, kept) = (new Pipe(), new Dictionary<string, byte[]>(), 0L);
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
                if (entry is not { DataStream: { } data, Length: <= MaxPartBytes })
                    continue;
                using var part = new MemoryStream();
                await data.CopyToAsync(part, cancel);
                if (part.ToArray() is [(byte)'{' or (byte)'[', ..] json && (kept += json.Length) <= MaxKeptBytes)
                    parts[entry.Name] = json;
            }
        }
        finally
        {
            await pipe.Reader.CompleteAsync();
            await saving;
        }
        return parts.TryGetValue("manifest.json", out var said) && JsonSerializer.Deserialize(said, EngineJson.Default.ImageManifestArray) is [{ Config: { } name }] && parts.TryGetValue(name, out var config)
            ? ImageArchive.ReadConfig(config).Config?.OnBuild is { Length: > 0 }
            : throw new AdapterException(AdapterFailure.Refused, $"Whether the image {id} has ONBUILD triggers cannot be seen: the engine does not save its config.");
    }
}
