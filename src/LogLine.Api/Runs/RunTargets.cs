using System.Collections.Concurrent;

namespace LogLine.Api.Runs;

/// <summary>The targets that this process knows, by provider: adapters of its own, or what workers have.</summary>
public sealed class RunTargets(IEnumerable<IRunTarget> targets, TimeProvider time)
{
    private static readonly TimeSpan StatusLife = TimeSpan.FromSeconds(2);
    private readonly Dictionary<string, IRunTarget> _targets = targets.ToDictionary(target => target.Provider);
    private readonly ConcurrentDictionary<string, (AdapterStatus Status, long At)> _statuses = new();

    /// <summary>Names of the providers.</summary>
    public IEnumerable<string> Providers => _targets.Keys.Order(StringComparer.Ordinal);

    /// <summary>The target of a provider, or null.</summary>
    public IRunTarget? Find(string provider) => _targets.GetValueOrDefault(provider);

    /// <summary>Whether a provider answers; asked at most every two seconds while it does.</summary>
    public async ValueTask<AdapterStatus> StatusAsync(string provider, CancellationToken cancel)
    {
        if (_statuses.TryGetValue(provider, out var known) && known.Status.Available && time.GetElapsedTime(known.At) < StatusLife)
        {
            return known.Status;
        }
        var status = await _targets[provider].StatusAsync(cancel);
        _statuses[provider] = (status, time.GetTimestamp());
        return status;
    }
}
