using System.Diagnostics;
using LogLine.Api.Runs;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>Primitives through the gateway against the same calls of the engine's own API, in turns: what gate, ledger and dispatch add to one.</summary>
internal static class PrimitiveBenchmark
{
    private const int Calls = 300;
    private const int FewerCalls = 100;
    private const int ByHand = 20;
    private static readonly TimeSpan LongestSettling = TimeSpan.FromSeconds(12);
    private const double Median = 0.5, MostMedianMs = 5;
    private const double Tail = 0.99, MostTailMs = 20;
    private const double MostDecisionMicroseconds = 50;

    /// <summary>Name of what is made for one call and taken away after it.</summary>
    private const string New = "bench-new";

    /// <summary>A primitive, and the same by hand.</summary>
    /// <param name="Intent">The primitive.</param>
    /// <param name="Name">What it is about; null for what is about none.</param>
    /// <param name="ByHand">The engine's own calls that bring the same.</param>
    private sealed record Pair(string Intent, string? Name, Func<Task> ByHand)
    {
        /// <summary>Calls of each side; fewer of what takes long.</summary>
        public int Calls { get; init; } = PrimitiveBenchmark.Calls;

        /// <summary>More of its payload.</summary>
        public string Members { get; init; } = "";

        /// <summary>
        /// What is added is taken within each call: the lifecycle guard asks the engine before the act, which is the engine's time and no part of what is measured; or the engine needs so long for it that its own scatter, from one call to the next,
        /// is more than what is added. It is all of a call but the part in which its adapter was at work (<c>logline_primitive_duration_seconds</c>), and but
        /// the engine's answers to the lifecycle guard (<c>logline_guard_look_duration_seconds</c>): what gate, ledger and dispatch took of this very call.
        /// </summary>
        public bool IsTakenWithin { get; init; }

        /// <summary>What is done by hand, where that is more than the one call.</summary>
        public string Calling { get; init; } = "";

        /// <summary>Brings about, by the engine itself, the state that it is called in.</summary>
        public Func<Task> Before { get; init; } = () => Task.CompletedTask;

        /// <summary>Undoes it, by the engine itself.</summary>
        public Func<Task> After { get; init; } = () => Task.CompletedTask;

        public string Limit { get; init; } = "Two durable commits (the span, with the run taken, beside which a look begins already; running and exited at once), and the gate's look at the container: an inspection by the engine, which comes before everything else.";
    }

    private const string ActLimit = "Two durable commits (the span, with the run taken; running and exited at once), a third for what is not to be done twice (restart), and looks at what is acted on: the gate's and the worker's own, right before the act.";

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) =>
        [.. options.Only.Count == 0 ? [await DecisionAsync()] : Array.Empty<Figure>(), .. await EngineSides.OnEachAsync("primitives", sides => RunAsync(sides, options))];

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides, BenchmarkOptions options)
    {
        await sides.MakeContainerAsync(""","argv":["/bin/sh","-c","seq 100; exec sleep 86400"]""");
        await sides.DoAsync("network.create", EngineSides.Name);
        await sides.DoAsync("volume.create", EngineSides.Name);
        try
        {
            var figures = new List<Figure>();
            foreach (var pair in Pairs(sides).Where(pair => options.WantsIntent(pair.Intent)))
            {
                var since = Stopwatch.GetTimestamp();
                var added = await (pair.IsTakenWithin ? AroundAsync(sides, pair) : InTurnsAsync(sides, pair));
                figures.AddRange(added);
                // All of them take minutes.
                await Console.Error.WriteLineAsync($"{sides.Provider}: {pair.Intent}, {Stopwatch.GetElapsedTime(since).TotalSeconds:0} s; {string.Join(", ", added.Select(figure => $"{figure.RatioText.Split(' ')[0]} of {figure.Yardstick}"))}");
            }
            return figures;
        }
        finally
        {
            await sides.Engine.RemoveIfThereAsync(sides.Container); // a network and a volume go when nothing uses them
            await sides.DoAsync("network.remove", EngineSides.Name);
            await sides.DoAsync("volume.remove", EngineSides.Name);
        }
    }

    private static IEnumerable<Pair> Pairs(EngineSides sides)
    {
        var (engine, tenant, podman, there, made) = (sides.Engine, sides.Gateway.Tenant, sides.Provider == "podman", sides.Container, $"{sides.Gateway.Tenant}-{New}");
        var (labels, own) = ($$"""{"logline.tenant":"{{tenant}}","logline.name":"{{New}}","logline.run_id":"run_bench"}""", "?filters=" + Uri.EscapeDataString($$"""{"label":["logline.tenant={{tenant}}"]}"""));
        var thing = $$"""{"Name":"{{made}}","Labels":{{labels}}}""";
        var (inspectThere, inspectMade, member) = ($"/containers/{there}/json", $"/containers/{made}/json", $$"""{"Container":"{{there}}"}""");
        Task ConnectAsync() => engine.PostAsync($"/networks/{there}/connect", member);
        Task DisconnectAsync() => engine.PostAsync($"/networks/{there}/disconnect", member);

        Pair Look(string intent, string path, string? name = EngineSides.Name) => new(intent, name, () => engine.GetAsync(path));

        // One step of a container that was made for it.
        Pair Step(string verb, Func<Task> act, bool running) => new("container." + verb, New, () => ThenAsync(act, inspectMade))
        {
            Calls = FewerCalls, IsTakenWithin = true, Calling = verb + " and inspect", Limit = ActLimit,
            Before = () => running ? StartedAsync() : engine.CreateAsync(made, labels),
            After = () => engine.RemoveAsync(made),
        };
        async Task StartedAsync()
        {
            await engine.CreateAsync(made, labels);
            await engine.PostAsync($"/containers/{made}/start");
        }
        async Task ThenAsync(Func<Task> act, string path)
        {
            await act();
            await engine.GetAsync(path);
        }

        return
        [
            Look("container.inspect", inspectThere),
            Look("container.top", $"/containers/{there}/top?ps_args={(podman ? "hpid,user,args" : "-eo%20pid,user,args")}"), // as the gateway asks
            Look("container.list", "/containers/json?all=true", null),
            new("container.pause", EngineSides.Name, () => engine.PostAsync($"/containers/{there}/pause")) { Calls = FewerCalls, IsTakenWithin = true, Calling = "pause", After = () => engine.ThawAsync(there) },
            new("container.unpause", EngineSides.Name, () => engine.PostAsync($"/containers/{there}/unpause")) { Calls = FewerCalls, IsTakenWithin = true, Calling = "unpause", Before = () => engine.FreezeAsync(there) },
            Look("container.stats", $"/containers/{there}/stats?stream=false&one-shot=true") with { Calls = FewerCalls, IsTakenWithin = true, Calling = "stats" }, // Docker answers when it counts next, within a second
            Look("container.diff", $"/containers/{there}/changes"),
            Look("container.logs", $"/containers/{there}/logs?stdout=true&stderr=true"),
            new("container.create", New, () => ThenAsync(() => engine.CreateAsync(made, labels), inspectMade))
            {
                Calls = FewerCalls, Members = $$""","image":"{{sides.Image}}" """, Calling = "create and inspect", Limit = ActLimit, After = () => engine.RemoveAsync(made),
            },
            Step("start", () => engine.PostAsync($"/containers/{made}/start"), running: false),
            Step("stop", () => engine.PostAsync($"/containers/{made}/stop?t=10"), running: true),
            Step("kill", () => engine.PostAsync($"/containers/{made}/kill"), running: true),
            Step("restart", () => engine.PostAsync($"/containers/{made}/restart?t=10"), running: true),
            new("container.remove", New, () => engine.DeleteAsync($"/containers/{made}")) { Calls = FewerCalls, IsTakenWithin = true, Calling = "remove", Limit = ActLimit, Before = () => engine.CreateAsync(made, labels) },
            new("container.resources", EngineSides.Name, () => podman
                ? engine.PostAsync($"/libpod/containers/{there}/update", """{"memory":{"limit":67108864,"swap":67108864}}""") // the only one that Podman has
                : engine.PostAsync($"/containers/{there}/update", """{"Memory":67108864,"MemorySwap":67108864}"""))
            {
                Calls = FewerCalls, IsTakenWithin = true, Members = ""","memory":"64MiB" """, Calling = "update", Limit = ActLimit,
            },
            new("network.create", New, () => ThenAsync(() => engine.PostAsync("/networks/create", thing), "/networks/" + made))
            {
                Calls = FewerCalls, Calling = "create and inspect", Limit = ActLimit, After = () => engine.DeleteAsync("/networks/" + made),
            },
            new("network.connect", EngineSides.Name, () => ThenAsync(ConnectAsync, inspectThere))
            {
                Calls = FewerCalls, IsTakenWithin = true, Members = $$""","container":"{{EngineSides.Name}}" """, Calling = "connect, and inspect the container for its address", Limit = ActLimit, After = DisconnectAsync,
            },
            new("network.disconnect", EngineSides.Name, () => ThenAsync(DisconnectAsync, "/networks/" + there))
            {
                Calls = FewerCalls, IsTakenWithin = true, Members = $$""","container":"{{EngineSides.Name}}" """, Calling = "disconnect, and inspect the network", Limit = ActLimit, Before = ConnectAsync,
            },
            Look("network.list", "/networks" + own, null),
            Look("network.inspect", "/networks/" + there),
            new("network.remove", New, () => engine.DeleteAsync("/networks/" + made)) { Calls = FewerCalls, IsTakenWithin = true, Calling = "remove", Limit = ActLimit, Before = () => engine.PostAsync("/networks/create", thing) },
            new("volume.create", New, () => engine.PostAsync("/volumes/create", thing)) { Calls = FewerCalls, Limit = ActLimit, After = () => engine.DeleteAsync("/volumes/" + made) },
            Look("volume.inspect", "/volumes/" + there),
            new("volume.remove", New, () => engine.DeleteAsync("/volumes/" + made)) { Calls = FewerCalls, Limit = ActLimit, Before = () => engine.PostAsync("/volumes/create", thing) },
            Look("volume.list", "/volumes" + own, null),
            Look("image.list", "/images/json", null),
            Look("image.inspect", $"/images/{sides.Image}/json", null) with { Members = $$""","image":"{{sides.Image}}" """ },
            new("image.tag", null, () => engine.PostAsync($"/images/{sides.Image}/tag?repo=localhost/{tenant}/{New}&tag=1"))
            {
                Calls = FewerCalls, Members = $$""","image":"{{sides.Image}}","tag":"{{New}}:1" """, Limit = ActLimit, After = () => engine.DeleteAsync($"/images/localhost/{tenant}/{New}:1"),
            },
        ];
    }

    /// <summary>Milliseconds of one call, by the gateway or by hand; before each, things stand as before the other.</summary>
    private static async Task<double> TimeAsync(Pair pair, Func<Task> act)
    {
        await pair.Before();
        var time = pair.Calls < Calls ? await EngineSides.TimeAtChanceAsync(act) : await EngineSides.TimeAsync(act);
        await pair.After();
        return time;
    }

    /// <summary>What gate, ledger and dispatch take of each call, which is all of it but the adapter's part and the engine's answers to the guard: at the median and at the 99th percentile.</summary>
    private static async Task<IReadOnlyList<Figure>> AroundAsync(EngineSides sides, Pair pair)
    {
        var (added, acts, looks, byHand) = (new double[pair.Calls], new double[pair.Calls], new double[pair.Calls], new double[ByHand]);
        Task OursAsync() => sides.DoAsync(pair.Intent, pair.Name, pair.Members);
        async Task<(double Act, double Look)> SpentAsync() => (
            await sides.Gateway.SumAsync("logline_primitive_duration_seconds_sum", $"intent=\"{pair.Intent}\"") * 1000, await sides.Gateway.SumAsync("logline_guard_look_duration_seconds_sum") * 1000);
        await sides.SettleAsync(() => TimeAsync(pair, OursAsync), longest: LongestSettling);
        for (var call = 0; call < pair.Calls; call++)
        {
            var before = await SpentAsync();
            var whole = await TimeAsync(pair, OursAsync);
            var after = await SpentAsync();
            (acts[call], looks[call]) = (after.Act - before.Act, after.Look - before.Look);
            added[call] = whole - acts[call] - looks[call];
            if (call % (pair.Calls / ByHand) == 0)
            {
                byHand[call / (pair.Calls / ByHand)] = await TimeAsync(pair, pair.ByHand);
            }
        }
        return Added(sides, pair, $"`{pair.Intent}`, beside the adapter and its engine", share => Percentile(added, share), share => $"{Percentile(added, share):0.0} ms beside {Percentile(acts, share):0.0} ms of the adapter and its engine, and {Percentile(looks, share):0.0} ms in which the engine told the guard where the container stands", [
            $"by hand ({pair.Calling}) {Percentile(byHand, Median):0.0} ms, the median of {ByHand}", await CostAsync(sides, pair, OursAsync),
        ]);
    }

    private static async Task<string> CostAsync(EngineSides sides, Pair pair, Func<Task> ours)
    {
        var counted = pair.Calls / 15;
        return await sides.CountAsync("call", counted, async () =>
        {
            for (var call = 0; call < counted; call++)
            {
                await TimeAsync(pair, ours);
            }
        });
    }

    /// <summary>What the gateway adds to one call, by turns with the same by hand: at the median and at the 99th percentile. Which side begins is left to chance.</summary>
    private static async Task<IReadOnlyList<Figure>> InTurnsAsync(EngineSides sides, Pair pair)
    {
        var (ours, theirs) = (new double[pair.Calls], new double[pair.Calls]);
        Task OursAsync() => sides.DoAsync(pair.Intent, pair.Name, pair.Members);
        await sides.SettleAsync(() => TimeAsync(pair, OursAsync), longest: pair.Calls < Calls ? LongestSettling : null);
        for (var call = -5; call < pair.Calls; call++)
        {
            var oursFirst = Random.Shared.Next(2) == 0;
            var first = await TimeAsync(pair, oursFirst ? OursAsync : pair.ByHand);
            var second = await TimeAsync(pair, oursFirst ? pair.ByHand : OursAsync);
            if (call >= 0)
            {
                (ours[call], theirs[call]) = oursFirst ? (first, second) : (second, first);
            }
        }
        return Added(
            sides, pair, $"`{pair.Intent}`{(pair.Calling.Length > 0 ? $" (by hand: {pair.Calling})" : "")}", share => Percentile(ours, share) - Percentile(theirs, share),
            share => $"{Percentile(ours, share):0.0} ms against {Percentile(theirs, share):0.0} ms by hand", [await CostAsync(sides, pair, OursAsync)]);
    }

    /// <summary>What is added at the median and at the 99th percentile; what there is to say of both stands with the first.</summary>
    private static IReadOnlyList<Figure> Added(EngineSides sides, Pair pair, string what, Func<double, double> added, Func<double, string> said, IReadOnlyList<string> details)
    {
        Figure Of(double share, double most) => new()
        {
            Benchmark = "primitives",
            Measured = $"{sides.Provider}: what the gateway adds to {what}, p{share * 100:0} of {pair.Calls} (`Prefer: wait`)",
            Yardstick = $"{most:0} ms",
            Ratio = added(share) / most,
            Spread = (added(share) / most, added(share) / most),
            Target = new Target(1, AtLeast: false),
        };
        return [Of(Median, MostMedianMs) with { Details = [$"p50: {said(Median)}", $"p99: {said(Tail)}", .. details], Limit = pair.Limit }, Of(Tail, MostTailMs)];
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
