using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>The same primitive by a worker in the gateway's own process and by one apart, on the same machine: what the worker protocol adds.</summary>
internal static class WorkerBenchmark
{
    private const int Calls = 100;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("worker", RunAsync, worker: true);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides apart)
    {
        await using var inside = await EngineSides.OpenAsync(apart.Provider, Environment.GetEnvironmentVariable(EngineSides.Variable(apart.Provider))!, worker: false);
        await inside.WarmUpAsync();
        await inside.MakeContainerAsync();
        await inside.SettleAsync(() => inside.DoAsync("container.inspect", EngineSides.Name));
        await apart.SettleAsync(() => apart.DoAsync("container.inspect", EngineSides.Name));
        var (ours, theirs, bare) = (new double[Calls], new double[Calls], new double[Calls]);
        for (var call = -5; call < Calls; call++)
        {
            var (one, other, engine) = (await EngineSides.TimeAsync(() => apart.DoAsync("container.inspect", EngineSides.Name)), await EngineSides.TimeAsync(() => inside.DoAsync("container.inspect", EngineSides.Name)),
                await EngineSides.TimeAsync(() => inside.Engine.GetAsync($"/containers/{inside.Container}/json")));
            if (call >= 0)
            {
                (ours[call], theirs[call], bare[call]) = (one, other, engine);
            }
        }
        return [Of("p50", 0.5), Of("p99", 0.99)];

        Figure Of(string which, double share)
        {
            var (one, other, engine) = (PrimitiveBenchmark.Percentile(ours, share), PrimitiveBenchmark.Percentile(theirs, share), PrimitiveBenchmark.Percentile(bare, share));
            return new Figure
            {
                Benchmark = "worker",
                Measured = $"{apart.Provider}: `container.inspect` by a worker in a process of its own, {which} of {Calls} (`Prefer: wait`)",
                Yardstick = "the same by the gateway's own worker",
                Ratio = one / other,
                Spread = (one / other, one / other),
                Details = [$"{one:0.0} ms against {other:0.0} ms: {one - other:0.0} ms more", $"over the engine's own call, which takes {engine:0.0} ms: {one - engine:0.0} and {other - engine:0.0} ms"],
                Limit = "Three exchanges one after the other: the gate's question about the container, the order, the report of pending, running and exited. On a network each is a round trip.",
            };
        }
    }
}
