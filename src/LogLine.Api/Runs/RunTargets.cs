using System.Collections.Concurrent;

namespace LogLine.Api.Runs;

/// <summary>The targets that this process knows, by provider: adapters of its own, or what workers have.</summary>
public sealed class RunTargets(IEnumerable<IRunTarget> targets, TimeProvider time)
{
    private static readonly TimeSpan StatusLife = TimeSpan.FromSeconds(2);
    /// <summary>The word that leaves the choice to the gateway.</summary>
    public const string Auto = "auto";

    private readonly IReadOnlyList<string> _preferred = [.. targets.Select(target => target.Provider)];
    private readonly Dictionary<string, IRunTarget> _targets = targets.ToDictionary(target => target.Provider);
    private readonly ConcurrentDictionary<string, (AdapterStatus Status, long At)> _statuses = new();

    /// <summary>Names of the providers.</summary>
    public IEnumerable<string> Providers => _targets.Keys.Order(StringComparer.Ordinal);

    /// <summary>The target of a provider, or null.</summary>
    public IRunTarget? Find(string provider) => _targets.GetValueOrDefault(provider);

    /// <summary>
    /// The provider that <see cref="Auto"/> stands for now: the first that answers, in the order in which they were given. None of them: the first, whose absence is then what
    /// is wrong. With the reason, in a sentence.
    /// </summary>
    public async ValueTask<ProviderChoice?> ChooseAsync(CancellationToken cancel)
    {
        var passed = new List<string>();
        foreach (var provider in _preferred)
        {
            if ((await StatusAsync(provider, cancel)).Available)
            {
                return new ProviderChoice(provider, passed.Count == 0 ? $"{provider} answers and is preferred" : $"{provider} answers; preferred, but absent: {string.Join(", ", passed)}");
            }
            passed.Add(provider);
        }
        return _preferred is [var first, ..] ? new ProviderChoice(first, $"none answers: {string.Join(", ", passed)}") : null;
    }

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

/// <summary>What <c>auto</c> came to mean for a run, and why.</summary>
public sealed record ProviderChoice(string Provider, string Why);
