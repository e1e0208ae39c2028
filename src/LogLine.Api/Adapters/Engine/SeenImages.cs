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
    readonly Dictionary<(string Tenant, string Reference), (string Id, long At)> seen = [];
    readonly Lock gate = new();
    long changes;

    /// <summary>The id of the image that a reference names, as it was seen, or as <paramref name="look"/> sees it now; null when there is none.</summary>
    public async Task<string?> GetAsync(string tenant, string reference, Func<Task<string?>> look)
    {
        var (before, at) = (0L, time.GetTimestamp());
        lock (gate)
        {
            if (seen.TryGetValue((tenant, reference), out var known) && time.GetElapsedTime(known.At) < life)
                return known.Id;
            before = changes;
        }
        var id = await look();
        lock (gate)
        {
            if (id is not null && !ImageName.IsId(reference) && before == changes)
            {
                if (seen.Count >= Most)
                    seen.Clear();
                seen[(tenant, reference)] = (id, at);
            }
        }
        return id;
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
