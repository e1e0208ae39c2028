using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Adds up what an engine says of each layer that it fetches or sends. Podman 4 names layers and no amounts: then layers are counted.</summary>
internal sealed class PullWatch(Func<RunProgress, Task> say)
{
    const int MaxLayers = 1000;

    readonly Dictionary<string, (long Current, long Total)> layers = [];

    public Task SeeAsync(PullProgress line)
    {
        if (line.Id is null || EngineQuirks.IsHeadline(line.Status) || (layers.Count == MaxLayers && !layers.ContainsKey(line.Id)))
            return Task.CompletedTask;
        layers[line.Id] = line.Amount is { Total: > 0 } amount ? (amount.Current, amount.Total) : layers.GetValueOrDefault(line.Id);
        var total = layers.Values.Sum(layer => layer.Total);
        return say(total > 0 ? new RunProgress(layers.Values.Sum(layer => layer.Current), total, "bytes") : new RunProgress(layers.Count, null, "steps"));
    }
}
