using System.Diagnostics;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>Many containers created and started at once, through the gateway and by the engine's own API.</summary>
internal static class ManyBenchmark
{
    private const int Containers = 100;
    private const int Clients = 8;
    private const int Rounds = 5;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("many", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        Task<double> Ours(int containers) => RateAsync(
            containers, number => sides.DoAsync("container.create", $"many-{number}", $$""","image":"{{sides.Image}}","auto_start":true"""), number => $"{sides.Gateway.Tenant}-many-{number}", sides.Engine);
        Task<double> Theirs(int containers) => RateAsync(containers, number => sides.Engine.CreateAndStartAsync($"logline-many-{number}"), number => $"logline-many-{number}", sides.Engine);
        await sides.SettleAsync(() => Ours(EngineSides.SettlingBlock), EngineSides.SettlingBlock);
        var cost = await sides.CountAsync("container", Clients * 2, () => Ours(Clients * 2));
        await Theirs(Clients * 2);
        var turns = await Turns.TakeAsync(Rounds, () => Ours(Containers), () => Theirs(Containers));
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
                Details = [$"{turns.Measured:0.0} containers/s against {turns.Yardstick:0.0}, {Rounds} rounds", cost],
                Limit = "The engine; what the gateway does itself it does beside.",
            },
        ];
    }

    private static async Task<double> RateAsync(int containers, Func<int, Task> make, Func<int, string> nameOf, EngineDirect engine)
    {
        var each = new ParallelOptions { MaxDegreeOfParallelism = Clients };
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, containers), each, async (number, _) => await make(number));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await Parallel.ForEachAsync(Enumerable.Range(0, containers), each, async (number, _) => await engine.RemoveAsync(nameOf(number)));
        return containers / seconds;
    }
}
