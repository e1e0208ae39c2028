using System.Collections.Concurrent;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>The targets that this process knows, by engine (<see cref="EngineName"/>): adapters of its own, or what workers have.</summary>
public sealed class RunTargets(IEnumerable<IRunTarget> targets, TimeProvider time)
{
    /// <summary>The word that leaves the choice to the gateway.</summary>
    public const string Auto = "auto";

    private readonly Dictionary<string, IRunTarget> _targets = targets.ToDictionary(target => target.Provider);
    private readonly ConcurrentDictionary<(string Provider, string? Tenant), (AdapterStatus Status, long At)> _statuses = new();

    /// <summary>Names of the engines.</summary>
    public IEnumerable<string> Engines => _targets.Keys.Order(StringComparer.Ordinal);

    /// <summary>Names of the engines, in the order in which they were given.</summary>
    public IReadOnlyList<string> Preferred { get; } = [.. targets.Select(target => target.Provider)];

    /// <summary>The target that is an engine, or null; where workers are apart, those that serve every tenant.</summary>
    public IRunTarget? Find(string provider) => _targets.GetValueOrDefault(provider);

    /// <summary>The targets as one tenant has them.</summary>
    public TenantTargets For(string tenant) => new(this, tenant);

    /// <summary>How long what a provider said of itself holds.</summary>
    public TimeSpan StatusLifeOf(string provider) => _targets[provider].StatusLife;

    /// <summary>Whether nobody may want a provider.</summary>
    public bool IsOptional(string provider) => _targets[provider].IsOptional;

    /// <summary>Whether a provider answers a tenant (null: whoever has no worker of its own); while it does, asked again only when what it said holds no longer.</summary>
    public async ValueTask<AdapterStatus> StatusAsync(string provider, string? tenant, CancellationToken cancel) =>
        _statuses.TryGetValue(Key(provider, tenant), out var known) && known.Status.Available && time.GetElapsedTime(known.At) < StatusLifeOf(provider) ? known.Status : await LookAsync(provider, tenant, cancel);

    /// <summary>Whether a provider answers now.</summary>
    public async ValueTask<AdapterStatus> LookAsync(string provider, string? tenant, CancellationToken cancel)
    {
        var status = await As(provider, tenant).StatusAsync(cancel);
        _statuses[Key(provider, tenant)] = (status, time.GetTimestamp());
        return status;
    }

    private IRunTarget As(string provider, string? tenant) => tenant is null ? _targets[provider] : _targets[provider].For(tenant);

    /// <summary>What is the same for every tenant is remembered once.</summary>
    private (string, string?) Key(string provider, string? tenant) => (provider, ReferenceEquals(As(provider, tenant), _targets[provider]) ? null : tenant);
}

/// <summary>The targets as one tenant has them: where workers are apart, those that serve it answer for it, and no others.</summary>
public sealed class TenantTargets(RunTargets targets, string tenant)
{
    /// <summary>Names of the engines.</summary>
    public IEnumerable<string> Engines => targets.Engines;

    /// <summary>Names of the providers.</summary>
    public IEnumerable<string> Providers => targets.Engines.Select(EngineName.ProviderOf).Distinct();

    /// <summary>The endpoints of a provider, <see cref="EngineName.Default"/> first; for <see cref="RunTargets.Auto"/> those of all.</summary>
    public IEnumerable<string> EndpointsOf(string provider) =>
        targets.Engines.Where(engine => provider == RunTargets.Auto || EngineName.ProviderOf(engine) == provider).Select(EngineName.EndpointOf).Distinct().OrderBy(endpoint => endpoint != EngineName.Default).ThenBy(endpoint => endpoint, StringComparer.Ordinal);

    /// <summary>The target that is an engine, or null.</summary>
    public IRunTarget? Find(string provider) => targets.Find(provider)?.For(tenant);

    /// <summary>Whether an engine answers.</summary>
    public ValueTask<AdapterStatus> StatusAsync(string engine, CancellationToken cancel) => targets.StatusAsync(engine, tenant, cancel);

    /// <summary>
    /// The provider that <see cref="RunTargets.Auto"/> stands for now: of those that have such an endpoint the first that answers, in the order in which they were given. None of them: the first, whose absence is then what
    /// is wrong. With the reason, in a sentence. Null where no provider has such an endpoint.
    /// </summary>
    public async ValueTask<ProviderChoice?> ChooseAsync(string endpoint, CancellationToken cancel)
    {
        var passed = new List<(string Provider, string Reason)>();
        foreach (var engine in targets.Preferred.Where(engine => EngineName.EndpointOf(engine) == endpoint))
        {
            var (provider, status) = (EngineName.ProviderOf(engine), await StatusAsync(engine, cancel));
            if (status.Available)
            {
                return new ProviderChoice(provider, passed.Count == 0 ? $"{provider} answers and is preferred" : $"{provider} answers; preferred, but absent: {string.Join(", ", passed.Select(one => one.Provider))}");
            }
            passed.Add((provider, status.Reason ?? "it does not answer"));
        }
        return passed is [var first, ..] ? new ProviderChoice(first.Provider, $"none answers: {string.Join(", ", passed.Select(one => one.Provider))}") { Absent = passed } : null;
    }
}

/// <summary>What <c>auto</c> came to mean for a run, and why.</summary>
public sealed record ProviderChoice(string Provider, string Why)
{
    /// <summary>Every provider that was looked at and why it does not answer, when none does.</summary>
    public IReadOnlyList<(string Provider, string Reason)> Absent { get; init; } = [];

    /// <summary>The same target at a provider.</summary>
    public static JsonElement At(JsonElement target, string provider) => CanonicalJson.Parse(JsonBytes.Write(json =>
    {
        json.WriteStartObject();
        foreach (var member in target.EnumerateObject().Where(member => member.Name != "provider"))
        {
            member.WriteTo(json);
        }
        json.WriteString("provider", provider);
        json.WriteEndObject();
    })).Root;
}
