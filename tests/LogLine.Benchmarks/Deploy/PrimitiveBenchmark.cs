using LogLine.Api.Runs;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>Primitives through the gateway against the same calls of the engine's own API, in turns: what gate, ledger and dispatch add to one.</summary>
internal static class PrimitiveBenchmark
{
    private const int Calls = 300;
    private const int Counted = 20;
    private const double MostMedianMs = 5;
    private const double MostTailMs = 20;
    private const double MostDecisionMicroseconds = 50;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => [await DecisionAsync(), .. await EngineSides.OnEachAsync("primitives", RunAsync)];

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        await sides.MakeContainerAsync();
        var (engine, container, figures) = (sides.Engine, sides.Container, new List<Figure>());
        foreach (var (intent, direct) in new (string, Func<Task>)[]
        {
            ("container.inspect", () => engine.GetAsync($"/containers/{container}/json")),
            ("container.top", () => engine.GetAsync($"/containers/{container}/top?ps_args={(sides.Provider == "podman" ? "pid,user,args" : "-eo%20pid,user,args")}")), // as the gateway asks
            ("container.list", () => engine.GetAsync("/containers/json?all=true")),
            ("container.pause", () => engine.PostAsync($"/containers/{container}/pause")),
        })
        {
            figures.AddRange(await AddedAsync(sides, intent, direct));
        }
        return figures;
    }

    /// <summary>What the gateway adds to one call: at the median and at the 99th percentile. What changes something is undone in between, by the engine itself.</summary>
    private static async Task<IReadOnlyList<Figure>> AddedAsync(EngineSides sides, string intent, Func<Task> direct)
    {
        var name = intent == "container.list" ? null : EngineSides.Name;
        var looks = intent is "container.top" or "container.pause"; // the guard's; an inspection is one itself
        var (ours, theirs, look) = (new double[Calls], new double[Calls], new double[Calls]);
        Task UndoAsync() => intent == "container.pause" ? sides.Engine.ThawAsync(sides.Container) : Task.CompletedTask;
        await sides.SettleAsync(async () =>
        {
            await sides.DoAsync(intent, name);
            await UndoAsync();
        });
        for (var call = -5; call < Calls; call++)
        {
            var one = await EngineSides.TimeAsync(() => sides.DoAsync(intent, name));
            await UndoAsync();
            var other = await EngineSides.TimeAsync(direct);
            await UndoAsync();
            var inspection = looks ? await EngineSides.TimeAsync(() => sides.Engine.GetAsync($"/containers/{sides.Container}/json")) : 0;
            if (call >= 0)
            {
                (ours[call], theirs[call], look[call]) = (one, other, inspection);
            }
        }
        var cost = await sides.CountAsync("call", Counted, async () =>
        {
            for (var call = 0; call < Counted; call++)
            {
                await sides.DoAsync(intent, name);
                await UndoAsync();
            }
        });
        Figure Of(string which, double share, double most, bool withLook = false) =>
            Added(sides, $"`{intent}`{(withLook ? ", beside the guard's look at the container" : "")}, {which} of {Calls}", Percentile(ours, share), Percentile(theirs, share), withLook ? Percentile(look, share) : 0, most, cost);
        return [Of("p50", 0.5, MostMedianMs), Of("p99", 0.99, MostTailMs), .. looks ? [Of("p50", 0.5, MostMedianMs, withLook: true)] : Array.Empty<Figure>()];
    }

    private static Figure Added(EngineSides sides, string what, double ours, double theirs, double look, double most, string cost)
    {
        var ratio = (ours - theirs - look) / most;
        return new Figure
        {
            Benchmark = "primitives",
            Measured = $"{sides.Provider}: what the gateway adds to {what} (`Prefer: wait`)",
            Yardstick = $"{most:0} ms",
            Ratio = ratio,
            Spread = (ratio, ratio),
            Target = new Target(1, AtLeast: false),
            Details = [$"{ours:0.0} ms against {theirs:0.0} ms of the engine's own call{(look > 0 ? $" and {look:0.0} ms of its own inspection" : "")}", cost],
            Limit = "Two durable commits (the span, with the run taken, beside which a look begins already; running and exited at once), and the gate's look at the container: an inspection by the engine, which comes before everything else.",
        };
    }

    /// <summary>The guard's own part of a decision, without the engine's look.</summary>
    private static async Task<Figure> DecisionAsync()
    {
        var legal = 0;
        var turns = await ShortWork.CompareAsync(
            () => legal += ContainerLifecycle.IsLegal(WorkloadState.Running, "pause") ? 1 : ContainerLifecycle.Legal(WorkloadState.Running).Count, () => legal += 1);
        var micros = turns.Measured / 1000;
        return new Figure
        {
            Benchmark = "primitives",
            Measured = "one decision of the lifecycle guard",
            Yardstick = $"{MostDecisionMicroseconds:0} µs",
            Ratio = micros / MostDecisionMicroseconds,
            Spread = (micros / MostDecisionMicroseconds, micros / MostDecisionMicroseconds),
            Target = new Target(1, AtLeast: false),
            Details = [$"{micros:0.000} µs"],
            Limit = "A table of some thirty rows.",
        };
    }

    /// <summary>The value below which that share of the values lies.</summary>
    public static double Percentile(double[] values, double share) => values.Order().ElementAt((int)Math.Ceiling(share * values.Length) - 1);
}
