using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Which image a name meant a moment ago, so that containers which are made one after the other do not have it looked up each time. Whether a tenant may use what has a name follows from the name
/// alone, so only the id can have changed; ids, which mean whatever the engine finds, and names without an image are not kept. The container itself shows in the end what it was made of.
/// </summary>
/// <param name="life">How long a name counts as seen.</param>
/// <param name="time">The clock.</param>
internal sealed class SeenImages(TimeSpan life, TimeProvider time)
{
    const int Most = 256;
    readonly Dictionary<(string Tenant, string Reference), (SeenImage Image, long At)> seen = [];
    readonly Lock gate = new();
    long changes;

    /// <summary>The image that a reference names, as it was seen, or as <paramref name="look"/> sees it now; null when there is none.</summary>
    public async Task<SeenImage?> GetAsync(string tenant, string reference, Func<Task<SeenImage?>> look)
    {
        var (before, at) = (0L, time.GetTimestamp());
        lock (gate)
        {
            if (seen.TryGetValue((tenant, reference), out var known) && time.GetElapsedTime(known.At) < life)
                return known.Image;
            before = changes;
        }
        var image = await look();
        lock (gate)
        {
            if (image is not null && !ImageName.IsId(reference) && before == changes)
            {
                if (seen.Count >= Most)
                    seen.Clear();
                seen[(tenant, reference)] = (image, at);
            }
        }
        return image;
    }

    /// <summary>Some image has another name, or is gone: all of them are looked at again.</summary>
    public void Forget()
    {
        lock (gate)
        {
            changes++;
            seen.Clear();
        }
    }
}

/// <summary>An image as it was seen.</summary>
/// <param name="Id">Its id, <c>sha256:…</c>.</param>
/// <param name="RepoDigests">What a registry calls it for good, <c>name@sha256:…</c>; none for one that no registry gave, or has.</param>
internal sealed record SeenImage(string Id, IReadOnlyList<string> RepoDigests);
