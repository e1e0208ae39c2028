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
        var (ours, theirs) = (new double[Calls], new double[Calls]);
        for (var call = -5; call < Calls; call++)
        {
            var (one, other) = (await EngineSides.TimeAsync(() => apart.DoAsync("container.inspect", EngineSides.Name)), await EngineSides.TimeAsync(() => inside.DoAsync("container.inspect", EngineSides.Name)));
            if (call >= 0)
            {
                (ours[call], theirs[call]) = (one, other);
            }
        }
        return [Of("p50", 0.5), Of("p99", 0.99)];

        Figure Of(string which, double share)
        {
            var (one, other) = (PrimitiveBenchmark.Percentile(ours, share), PrimitiveBenchmark.Percentile(theirs, share));
            return new Figure
            {
                Benchmark = "worker",
                Measured = $"{apart.Provider}: `container.inspect` by a worker in a process of its own, {which} of {Calls} (`Prefer: wait`)",
                Yardstick = "the same by the gateway's own worker",
                Ratio = one / other,
                Spread = (one / other, one / other),
                Details = [$"{one:0.0} ms against {other:0.0} ms: {one - other:0.0} ms more"],
                Limit = "Four requests: the question of the gate about the container, the order, pending, running with exited. On a network each is a round trip.",
            };
        }
    }
}
