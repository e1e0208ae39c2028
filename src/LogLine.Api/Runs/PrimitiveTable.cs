using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// From an intent's <c>x-logline.effect</c> to what carries it out: the target's own entry, else what every target can do through the core of
/// <see cref="IRunAdapter"/>.
/// </summary>
public static class PrimitiveTable
{
    /// <summary>Seconds that a container gets to end by itself when nothing else is asked for.</summary>
    public const int DefaultGraceSeconds = 10;

    /// <summary>The primitive, or null when the target has no such thing.</summary>
    public static Primitive? Find(IRunAdapter adapter, string effect) =>
        adapter is IContainerPrimitives { Primitives: var own } && own.TryGetValue(effect, out var primitive) ? primitive : Core(adapter, effect);

    /// <summary>What takes away what a run with that effect has made; null for what makes nothing.</summary>
    public static Unmaking? Unmaking(IRunAdapter adapter, string effect) => (adapter as IContainerPrimitives)?.Unmakings.GetValueOrDefault(effect);

    /// <summary>The effects that a target carries out.</summary>
    public static IReadOnlyList<string> EffectsOf(IRunAdapter adapter) =>
        [.. (adapter is IContainerPrimitives { Primitives: var own } ? own.Keys : []).Concat(CoreEffects).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>These change nothing, so that nothing is lost when one is begun again.</summary>
    private static readonly HashSet<string> Looks =
    [
        "container.list", "container.inspect", "container.logs", "container.stats", "container.usage", "container.top", "container.diff", "image.list", "image.inspect", "image.history",
        "network.list", "network.inspect", "network.topology", "volume.list", "volume.inspect", "session.list", "task.list", "system.info", "system.metrics", "system.events",
    ];

    /// <summary>Looks that are over as soon as the engine has answered, and need nothing but the engine.</summary>
    private static readonly HashSet<string> Glances =
    [
        "container.list", "container.inspect", "container.stats", "container.top", "container.diff", "image.list", "image.inspect", "image.history", "network.list", "network.inspect", "volume.list", "volume.inspect",
    ];

    /// <summary>True when the effect is one question to the engine, which may be asked while the run is still being committed: it changes nothing.</summary>
    public static bool IsGlance(string effect) => Glances.Contains(effect);

    /// <summary>True when the effect is a look, and changes nothing.</summary>
    public static bool OnlyLooks(string effect) => Looks.Contains(effect);

    /// <summary>What the engine itself refuses, in the act, where it is not possible: a look right before it would say no more than that.</summary>
    private static readonly HashSet<string> JudgedInTheAct = ["container.create", "container.exec", "container.pause", "container.unpause"];

    /// <summary>True when what the gate saw of the container a moment ago is all that the worker needs to know: nothing is changed, or nothing that the engine does not judge itself.</summary>
    public static bool NeedsNoSecondLook(string effect) => OnlyLooks(effect) || JudgedInTheAct.Contains(effect);

    private static readonly string[] CoreEffects = ["container.remove", "container.stop"];

    private static Primitive? Core(IRunAdapter adapter, string effect) => effect switch
    {
        "container.stop" => (call, cancel) => OnWorkloadAsync(adapter, call, workload => adapter.StopAsync(workload.Id, Grace(call), cancel), cancel),
        "container.remove" => (call, cancel) => OnWorkloadAsync(adapter, call, workload => adapter.RemoveAsync(workload.Id, call.Arguments.Flag("force") ?? false, cancel), cancel),
        _ => null,
    };

    /// <summary>How long a container gets to end by itself.</summary>
    public static TimeSpan Grace(PrimitiveCall call) => TimeSpan.FromSeconds(call.Arguments.Integer("timeout_s") ?? DefaultGraceSeconds);

    private static async Task<PrimitiveResult> OnWorkloadAsync(IRunAdapter adapter, PrimitiveCall call, Func<Workload, Task> act, CancellationToken cancel)
    {
        var workload = await adapter.FindByNameAsync(call.Tenant, call.Name, cancel) ?? throw new AdapterException(AdapterFailure.NotFound, $"There is no container '{call.Name}' any more.");
        await act(workload);
        return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
    }
}
