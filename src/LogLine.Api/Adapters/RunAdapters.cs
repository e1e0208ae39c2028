using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters;

/// <summary>What the operator says about targets, section <c>LogLine:Engines</c>.</summary>
public sealed class AdapterOptions
{
    /// <summary>The command line that stands for <c>nerdctl</c>.</summary>
    public NerdctlOptions Nerdctl { get; set; } = new();

    /// <summary>Registries that want credentials.</summary>
    public IReadOnlyList<RegistryOptions> Registries { get; set; } = [];
}

/// <summary>Every target that this program knows; a new one is a folder beside this file and a line in here (docs/adding-an-adapter.md).</summary>
public static class RunAdapters
{
    /// <summary>True for a provider that is not missed where it never was and nobody speaks of it.</summary>
    public static bool IsOptional(string provider) => provider == NerdctlEngine.Provider;

    /// <summary>Their names, in the order in which <c>auto</c> prefers them: what is rootless and free first.</summary>
    public static IReadOnlyList<string> Providers { get; } = [EngineEndpoints.Podman, NerdctlEngine.Provider, EngineEndpoints.Docker];

    /// <summary>
    /// The adapters, as the environment describes their engines, in the order of <see cref="Providers"/>. None of them needs its engine to be there yet.
    /// </summary>
    /// <param name="environment">Reads a variable: <c>CONTAINER_HOST</c>, <c>DOCKER_HOST</c> (each with <c>…_TLS_VERIFY</c> and <c>…_CERT_PATH</c>), <c>XDG_RUNTIME_DIR</c>, <c>HOME</c>.</param>
    /// <param name="options">What the operator says.</param>
    /// <param name="policy">What the operator of this machine allows containers.</param>
    /// <param name="time">The clock of all limits.</param>
    public static IReadOnlyList<IRunAdapter> Discover(Func<string, string?> environment, AdapterOptions options, WorkloadPolicy policy, TimeProvider time)
    {
        var registries = RegistryCredentials.Of(options.Registries);
        var endpoints = EngineEndpoints.Discover(environment);
        var judge = policy.Guarding([.. endpoints.SelectMany(endpoint => endpoint.Sockets)]);
        var engines = endpoints.ToDictionary(
            endpoint => endpoint.Provider, endpoint => Adapter(endpoint.Provider, new EngineClient(endpoint, EngineLimits.Default, time, registries)));
        return [engines[EngineEndpoints.Podman], Adapter(NerdctlEngine.Provider, new NerdctlEngine(options.Nerdctl, EngineLimits.Default, registries, time)), engines[EngineEndpoints.Docker]];
        EngineAdapter Adapter(string provider, IContainerEngine engine) => new(provider, engine, EngineLimits.Default, judge, time) { IsOptional = IsOptional(provider) && !options.Nerdctl.IsAskedFor };
    }
}
