using System.Diagnostics;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>Many containers created and started at once, through the gateway and by the engine's own API.</summary>
internal static class ManyBenchmark
{
    private const int Containers = 100;
    private const int Clients = 8;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("many", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        await sides.MakeContainerAsync();
        var turns = await Turns.TakeAsync(
            1,
            () => RateAsync(number => sides.DoAsync("container.create", $"many-{number}", $$""","image":"{{sides.Image}}","auto_start":true"""), number => $"{sides.Gateway.Tenant}-many-{number}", sides.Engine),
            () => RateAsync(number => sides.Engine.CreateAndStartAsync($"logline-many-{number}"), number => $"logline-many-{number}", sides.Engine));
        return
        [
            new Figure
            {
                Benchmark = "many",
                Measured = $"{Containers} containers created and started by {Clients} clients",
                Yardstick = $"{sides.Provider}: the same by the Engine API",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.9, AtLeast: true),
                Details = [$"{turns.Measured:0.0} containers/s against {turns.Yardstick:0.0}, one round"],
                Limit = "The engine; what the gateway does itself it does beside.",
            },
        ];
    }

    private static async Task<double> RateAsync(Func<int, Task> make, Func<int, string> nameOf, EngineDirect engine)
    {
        var each = new ParallelOptions { MaxDegreeOfParallelism = Clients };
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Containers), each, async (number, _) => await make(number));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await Parallel.ForEachAsync(Enumerable.Range(0, Containers), each, async (number, _) => await engine.RemoveAsync(nameOf(number)));
        return Containers / seconds;
    }
}
