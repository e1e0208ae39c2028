using System.Diagnostics;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Deploy;

/// <summary>How long it takes until the end of a container that nobody here has ended is on the ledger, counted from when the engine says that it ended; and what it costs the engine that the end is waited for.</summary>
internal static class ExitBenchmark
{
    private const string Pause = "Podman looks at a container that is waited for every 250 ms, as it is told to: asked as Docker is, Podman 4 looks without a pause, which takes more than one processor for each.";
    private const int Rounds = 40;
    private const int Looks = 5;
    private const double MostMs = 1000;
    private const double MostOfAProcessor = 0.02;
    private static readonly TimeSpan Waited = TimeSpan.FromSeconds(5);

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
        return [Of(sides, noticed, "p50", 0.5), Of(sides, noticed, "p99", 0.99), await WaitingAsync(sides, service)];
    }

    private static async Task<Figure> WaitingAsync(EngineSides sides, DeployedService service)
    {
        using var engine = await sides.Engine.ProcessAsync();
        var idle = await ShareAsync(engine);
        var (_, run) = await service.DeployAsync();
        var shares = new double[Looks];
        for (var look = 0; look < Looks; look++)
        {
            shares[look] = (await ShareAsync(engine) - idle) / MostOfAProcessor;
        }
        await sides.Engine.PostAsync($"/containers/{sides.Container}/kill");
        await service.EndedAsync(run);
        return new Figure
        {
            Benchmark = "exits",
            Measured = $"{sides.Provider}: processor time of the engine while a deployed container runs and its end is waited for, beyond what it takes without one",
            Yardstick = $"{MostOfAProcessor:P0} of one processor",
            Ratio = PrimitiveBenchmark.Percentile(shares, 0.5),
            Spread = (shares.Min(), shares.Max()),
            Target = new Target(1, AtLeast: false),
            Details = [$"{idle:P2} of one processor without; {Looks} looks of {Waited.TotalSeconds:0} s, the looks of the gateway's own at its engines are in both"],
            Limit = Pause,
        };
    }

    /// <summary>The part of one processor that a process takes.</summary>
    private static async Task<double> ShareAsync(Process process)
    {
        process.Refresh();
        var (before, since) = (process.TotalProcessorTime, Stopwatch.GetTimestamp());
        await Task.Delay(Waited);
        process.Refresh();
        return (process.TotalProcessorTime - before) / Stopwatch.GetElapsedTime(since);
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
            Limit = Pause,
        };
    }
}
