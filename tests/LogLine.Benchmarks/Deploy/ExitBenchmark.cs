using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Deploy;

/// <summary>How long it takes until the end of a container that nobody here has ended is on the ledger, counted from when the engine says that it ended.</summary>
internal static class ExitBenchmark
{
    private const int Rounds = 40;
    private const double MostMs = 1000;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("exits", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        var service = await DeployedService.ApplyAsync(sides);
        var noticed = new double[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            var (_, run) = await service.DeployAsync();
            await sides.Engine.PostAsync($"/containers/{sides.Container}/kill");
            await service.EndedAsync(run);
            var seen = TimeProvider.System.GetUtcNow();
            var shown = await sides.Gateway.GetAsync("/v1/runs/" + run);
            noticed[round] = Timestamps.TryParse(shown.Text("ended_at"), out var ended) ? (seen - ended).TotalMilliseconds : throw new InvalidOperationException("The run does not say when it ended: " + shown);
        }
        return [Of(sides, noticed, "p50", 0.5), Of(sides, noticed, "p99", 0.99)];
    }

    private static Figure Of(EngineSides sides, double[] noticed, string which, double share)
    {
        var milliseconds = PrimitiveBenchmark.Percentile(noticed, share);
        return new Figure
        {
            Benchmark = "exits",
            Measured = $"{sides.Provider}: from the moment at which the engine says that a killed container ended until a client sees `exited`, {which} of {Rounds}",
            Yardstick = $"{MostMs:0} ms",
            Ratio = milliseconds / MostMs,
            Spread = (noticed.Min() / MostMs, noticed.Max() / MostMs),
            Target = new Target(1, AtLeast: false),
            Details = [$"{milliseconds:0} ms; two looks, the last lines and the commit are in it, and up to 5 ms until the client asks again"],
            Limit = "Podman 4 looks at a container that is waited for every 250 ms.",
        };
    }
}
