using System.Collections.Concurrent;

namespace LogLine.Api.Runs;

/// <summary>The adapters that this gateway has, by provider.</summary>
public sealed class RunTargets(IEnumerable<IRunAdapter> adapters, TimeProvider time)
{
    private static readonly TimeSpan StatusLife = TimeSpan.FromSeconds(2);
    private readonly Dictionary<string, IRunAdapter> _adapters = adapters.ToDictionary(adapter => adapter.Provider);
    private readonly ConcurrentDictionary<string, (AdapterStatus Status, long At)> _statuses = new();

    /// <summary>Names of the providers.</summary>
    public IEnumerable<string> Providers => _adapters.Keys.Order(StringComparer.Ordinal);

    /// <summary>The adapter of a provider, or null.</summary>
    public IRunAdapter? Find(string provider) => _adapters.GetValueOrDefault(provider);

    /// <summary>Whether a provider answers; asked at most every two seconds while it does.</summary>
    public async ValueTask<AdapterStatus> StatusAsync(string provider, CancellationToken cancel)
    {
        if (_statuses.TryGetValue(provider, out var known) && known.Status.Available && time.GetElapsedTime(known.At) < StatusLife)
        {
            return known.Status;
        }
        var status = await _adapters[provider].StatusAsync(cancel);
        _statuses[provider] = (status, time.GetTimestamp());
        return status;
    }
}
