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

    /// <summary>Whether there are the default engines, one of each provider. Default: yes; a worker that has named ones alone says no.</summary>
    public bool Defaults { get; set; } = true;

    /// <summary>Engines beside the default ones, of the same providers.</summary>
    public IReadOnlyList<NamedEngineOptions> Named { get; set; } = [];
}

/// <summary>Every target that this program knows; a new one is a folder beside this file and a line in here (docs/adding-an-adapter.md).</summary>
public static class RunAdapters
{
    /// <summary>True for an engine that is not missed where it never was and nobody speaks of it.</summary>
    public static bool IsOptional(string engine) => engine == NerdctlEngine.Provider;

    /// <summary>Their names, in the order in which <c>auto</c> prefers them: what is rootless and free first.</summary>
    public static IReadOnlyList<string> Providers { get; } = [EngineEndpoints.Podman, NerdctlEngine.Provider, EngineEndpoints.Docker];

    /// <summary>The names of all engines (<see cref="EngineName"/>), in the order of <see cref="Providers"/>, those that the operator has named behind the others.</summary>
    /// <exception cref="EngineOptionsException">What the operator says of an engine cannot be.</exception>
    public static IReadOnlyList<string> EnginesOf(AdapterOptions options)
    {
        var engines = (options.Defaults ? Providers : []).Concat(options.Named.Select(one => one.Engine())).ToList();
        return engines.GroupBy(engine => engine).FirstOrDefault(same => same.Count() > 1) is { Key: var twice } ? throw new EngineOptionsException($"LogLine:Engines:Named has '{twice}' twice.")
            : engines.Count == 0 ? throw new EngineOptionsException("LogLine:Engines:Defaults is false, and LogLine:Engines:Named names no engine: there is none.")
            : engines;
    }

    /// <summary>
    /// The adapters, as environment and operator describe their engines, in the order of <see cref="EnginesOf"/>. None of them needs its engine to be there yet.
    /// </summary>
    /// <param name="environment">Reads a variable: <c>CONTAINER_HOST</c>, <c>DOCKER_HOST</c> (each with <c>…_TLS_VERIFY</c> and <c>…_CERT_PATH</c>), <c>XDG_RUNTIME_DIR</c>, <c>HOME</c>.</param>
    /// <param name="options">What the operator says.</param>
    /// <param name="policy">What the operator of this machine allows containers.</param>
    /// <param name="time">The clock of all limits.</param>
    /// <exception cref="EngineOptionsException">What the operator says of an engine cannot be.</exception>
    public static IReadOnlyList<IRunAdapter> Discover(Func<string, string?> environment, AdapterOptions options, WorkloadPolicy policy, TimeProvider time)
    {
        var (names, registries) = (EnginesOf(options), RegistryCredentials.Of(options.Registries));
        var commands = options.Named.Where(one => one.Provider == NerdctlEngine.Provider).ToDictionary(one => one.Engine(), one => one.Command());
        var named = options.Named.Where(one => one.Provider != NerdctlEngine.Provider).Select(one => one.Endpoint()).ToList();
        // A socket that has a name is not that of a default engine as well, which is looked for elsewhere.
        var defaults = EngineEndpoints.Discover(environment).Select(endpoint => endpoint.IsChosen ? endpoint : endpoint.Without(named)).ToList();
        RequireOneName(
            [.. commands.Select(one => (one.Key, one.Value.Place)), .. named.Select(one => (one.Provider, one.Place))],
            options.Defaults ? [.. defaults.Where(one => one.IsChosen).Select(one => (one.Provider, one.Place)), (NerdctlEngine.Provider, options.Nerdctl.Place)] : []);
        commands[NerdctlEngine.Provider] = options.Nerdctl;
        var endpoints = defaults.Concat(named).ToDictionary(endpoint => endpoint.Provider);
        var judge = policy.Guarding([.. endpoints.Values.SelectMany(endpoint => endpoint.Sockets)]);
        return [.. names.Select(name => new EngineAdapter(name, Engine(name), EngineLimits.Default, judge, time) { IsOptional = IsOptional(name) && !options.Nerdctl.IsAskedFor })];

        IContainerEngine Engine(string name) =>
            endpoints.TryGetValue(name, out var endpoint) ? new EngineClient(endpoint, EngineLimits.Default, time, registries) : new NerdctlEngine(name, commands[name], EngineLimits.Default, registries, time);
    }

    /// <summary>Two default engines may well be one, as where <c>DOCKER_HOST</c> is a Podman; one that has a name has no other.</summary>
    private static void RequireOneName(IReadOnlyList<(string Engine, string Place)> named, IReadOnlyList<(string Engine, string Place)> chosen)
    {
        foreach (var place in named.Select(one => one.Place).Distinct())
        {
            var engines = named.Concat(chosen).Where(one => one.Place == place).Select(one => $"'{one.Engine}'").ToList();
            if (engines.Count > 1)
                throw new EngineOptionsException($"LogLine:Engines:Named has the same engine under several names ({string.Join(", ", engines)}): what is done under one of them would not wait for what is done under another.");
        }
    }
}
