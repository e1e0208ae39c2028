using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>How long it takes until the end of a container that nobody here has ended is on the ledger.</summary>
internal static class ExitBenchmark
{
    private const int Rounds = 15;
    private const double MostMs = 1000;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("exits", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        var service = await DeployedService.ApplyAsync(sides);
        var noticed = new double[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            var (_, run) = await service.DeployAsync();
            noticed[round] = await EngineSides.TimeAsync(async () =>
            {
                await sides.Engine.PostAsync($"/containers/{sides.Container}/kill");
                await service.EndedAsync(run);
            });
        }
        return
        [
            new Figure
            {
                Benchmark = "exits",
                Measured = $"{sides.Provider}: from the call that kills a container, past the gateway, until `run_state.exited` is on the ledger",
                Yardstick = $"{MostMs:0} ms",
                Ratio = Turns.Median(noticed) / MostMs,
                Spread = (noticed.Min() / MostMs, noticed.Max() / MostMs),
                Target = new Target(1, AtLeast: false),
                Details = [$"{Turns.Median(noticed):0} ms, {Rounds} rounds; the kill itself, two looks, and the last lines are in it"],
                Limit = "Podman 4 looks at a container that is waited for every 250 ms.",
            },
        ];
    }
}
