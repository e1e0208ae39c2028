using System.Diagnostics;
using LogLine.Api.Runs;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Deploy;

/// <summary>
/// Primitives through the gateway against the same calls of the engine's own API, in turns: what gate, ledger and dispatch add to one, a command, and many containers at once.
/// </summary>
internal static class PrimitiveBenchmark
{
    private const int Calls = 100;
    private const int Containers = 100;
    private const int Clients = 8;
    private const double MostMedianMs = 5;
    private const double MostTailMs = 20;
    private const double MostDecisionMicroseconds = 50;
    private const string Name = "bench";
    private static readonly string[] Providers = ["podman", "docker"];

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var figures = new List<Figure> { await DecisionAsync() };
        foreach (var provider in Providers)
        {
            var variable = "LOGLINE_TEST_" + provider.ToUpperInvariant();
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } socket)
            {
                figures.AddRange(await RunAsync(provider, socket));
            }
            else
            {
                figures.Add(Figure.Skipped("primitives", "a primitive", $"{provider}: the same call of the Engine API", $"{variable} is not set; `tests/run --with` sets it."));
            }
        }
        return figures;
    }

    private static async Task<IReadOnlyList<Figure>> RunAsync(string provider, string socket)
    {
        var image = Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE") ?? "localhost/logline-test:1";
        using var engine = new EngineDirect(new Uri(socket), image);
        await using var gateway = await GatewayUnderTest.StartAsync(new Dictionary<string, string?> { [provider == "podman" ? "CONTAINER_HOST" : "DOCKER_HOST"] = socket });
        var side = new Side(gateway, engine, provider, image);
        await side.DoAsync("container.create", Name, $$""","image":"{{image}}","auto_start":true""");
        var container = $"{gateway.Tenant}-{Name}";
        var figures = new List<Figure>();
        foreach (var (intent, direct) in new (string, Func<Task>)[]
        {
            ("container.inspect", () => engine.GetAsync($"/containers/{container}/json")),
            ("container.stats", () => engine.GetAsync($"/containers/{container}/stats?stream=false&one-shot=true")),
            ("container.top", () => engine.GetAsync($"/containers/{container}/top")),
            ("container.diff", () => engine.GetAsync($"/containers/{container}/changes")),
            ("container.list", () => engine.GetAsync("/containers/json?all=true")),
        })
        {
            figures.AddRange(await AddedAsync(side, intent, direct));
        }
        figures.Add(await CommandAsync(side, container));
        await engine.RemoveAsync(container);
        figures.Add(await ManyAsync(side));
        return figures;
    }

    /// <summary>What the gateway adds to one call: at the median and at the 99th percentile.</summary>
    private static async Task<IReadOnlyList<Figure>> AddedAsync(Side side, string intent, Func<Task> direct)
    {
        var name = intent == "container.list" ? null : Name;
        var (ours, theirs) = (new double[Calls], new double[Calls]);
        for (var call = -5; call < Calls; call++)
        {
            var (one, other) = (await TimeAsync(() => side.DoAsync(intent, name)), await TimeAsync(direct));
            if (call >= 0)
            {
                (ours[call], theirs[call]) = (one, other);
            }
        }
        Figure Of(string which, double share, double most) => Added(side, intent, which, Percentile(ours, share), Percentile(theirs, share), most);
        return [Of("p50", 0.5, MostMedianMs), Of("p99", 0.99, MostTailMs)];
    }

    private static Figure Added(Side side, string intent, string which, double ours, double theirs, double most)
    {
        var ratio = (ours - theirs) / most;
        return new Figure
        {
            Benchmark = "primitives",
            Measured = $"{side.Provider}: what the gateway adds to `{intent}`, {which} of {Calls} (`Prefer: wait`)",
            Yardstick = $"{most:0} ms",
            Ratio = ratio,
            Spread = (ratio, ratio),
            Target = new Target(1, AtLeast: false),
            Details = [$"{ours:0.0} ms against {theirs:0.0} ms of the engine's own call"],
            Limit = "Three durable commits (span, running, exited), and the engine is asked where the container stands before the gate and before the act.",
        };
    }

    private static async Task<Figure> CommandAsync(Side side, string container)
    {
        const int Rounds = 41;
        Task<double> Ours() => TimeAsync(() => side.DoAsync("container.exec", Name, ""","argv":["/bin/true"]"""));
        Task<double> Theirs() => TimeAsync(() => side.Engine.ExecAsync(container, "/bin/true"));
        await Ours();
        await Theirs();
        var turns = await Turns.TakeAsync(Rounds, Ours, Theirs);
        return new Figure
        {
            Benchmark = "primitives",
            Measured = "`container.exec` of `true` (`Prefer: wait`)",
            Yardstick = $"{side.Provider}: prepare, start and look at the same command by the Engine API",
            Ratio = turns.Ratio,
            Spread = (turns.Lowest, turns.Highest),
            Target = new Target(1.2, AtLeast: false),
            Details = [$"{turns.Measured:0.0} ms against {turns.Yardstick:0.0} ms, {Rounds} rounds"],
            Limit = "Durable commits before and after, and the looks at the container that come before a command.",
        };
    }

    private static async Task<Figure> ManyAsync(Side side)
    {
        var theirs = await RateAsync(number => side.Engine.CreateAndStartAsync($"logline-many-{number}"), number => $"logline-many-{number}", side.Engine);
        var ours = await RateAsync(number => side.DoAsync("container.create", $"many-{number}", $$""","image":"{{side.Image}}","auto_start":true"""), number => $"{side.Gateway.Tenant}-many-{number}", side.Engine);
        return new Figure
        {
            Benchmark = "primitives",
            Measured = $"{Containers} containers created and started by {Clients} clients",
            Yardstick = $"{side.Provider}: the same by the Engine API",
            Ratio = ours / theirs,
            Spread = (ours / theirs, ours / theirs),
            Target = new Target(0.9, AtLeast: true),
            Details = [$"{ours:0.0} containers/s against {theirs:0.0}, one round"],
            Limit = "The engine; what the gateway does itself it does beside.",
        };
    }

    private static async Task<double> RateAsync(Func<int, Task> make, Func<int, string> nameOf, EngineDirect engine)
    {
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Containers), new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (number, _) => await make(number));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await Parallel.ForEachAsync(Enumerable.Range(0, Containers), new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (number, _) => await engine.RemoveAsync(nameOf(number)));
        return Containers / seconds;
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

    private static async Task<double> TimeAsync(Func<Task> act)
    {
        var started = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private static double Percentile(double[] values, double share) => values.Order().ElementAt((int)Math.Ceiling(share * values.Length) - 1);

    /// <summary>Both sides of the comparison.</summary>
    private sealed record Side(GatewayUnderTest Gateway, EngineDirect Engine, string Provider, string Image)
    {
        /// <summary>Sends a primitive and waits for its end.</summary>
        public async Task DoAsync(string intent, string? name, string members = "")
        {
            var (subject, named) = name is null ? ($"urn:container:{Gateway.Tenant}", "") : ($"urn:container:{Gateway.Tenant}/{name}", $",\"name\":\"{name}\"");
            var ack = await Gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{"target":{"provider":"{{Provider}}"}{{named}}{{members}} } }""", waitSeconds: 60);
            if (ack.GetProperty("run").Text("state") != "exited")
            {
                throw new InvalidOperationException($"{intent} did not end well: {ack}");
            }
        }
    }
}
