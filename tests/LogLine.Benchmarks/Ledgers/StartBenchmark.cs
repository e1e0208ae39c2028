using System.Diagnostics;
using LogLine.Benchmarks.Load;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Benchmarks.Spans;

namespace LogLine.Benchmarks.Ledgers;

/// <summary>How long a gateway needs to start on a large ledger, and how much memory it holds then.</summary>
internal static class StartBenchmark
{
    private const int Spans = 1_000_000;
    private const int WarmUp = 200_000;
    private const int Starts = 5;
    private const double Seconds = 2;
    private const double MiB = 200;
    private const int PerArray = 100;
    private const int ArraysAtOnce = 500;
    private const double Growth = 0.05;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(6);

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        using var large = await LargeLedger.MakeAsync(Spans);
        var what = $"a start with {Spans:N0} spans of 1 KiB ({large.Bytes / (double)Spans / 1024:0.00} KiB on disk each)";
        var (seconds, resident) = (new List<double>(), new List<double>());
        for (var start = 0; start < Starts; start++)
        {
            var clock = Stopwatch.GetTimestamp();
            await using var gateway = await ServerProcess.StartGatewayAsync(large.Folder);
            seconds.Add(Stopwatch.GetElapsedTime(clock).TotalSeconds);
            var most = gateway.ResidentBytes;
            // What it reads beside everything else once it listens is counted too.
            for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < Settled; most = Math.Max(most, gateway.ResidentBytes))
            {
                await Task.Delay(100);
            }
            resident.Add(most / (1024.0 * 1024));
        }
        var (before, after) = await GrowAsync(large);
        return
        [
            Of(what + ", until it listens", $"{Seconds} s", seconds, Seconds, "s"),
            Of(what + ", most resident memory in the seconds after", $"{MiB} MiB", resident, MiB, "MiB"),
            new Figure
            {
                Benchmark = "start",
                Measured = $"resident memory after {Spans:N0} more spans than before, both at rest",
                Yardstick = "before",
                Ratio = after / before,
                Spread = (after / before, after / before),
                Target = new Target(1 + Growth, AtLeast: false),
                Details = [$"{before:0} MiB with {Spans + WarmUp:N0} spans, {after:0} MiB with {(2 * Spans) + WarmUp:N0}; the first {WarmUp:N0} warm the gateway up"],
                Limit = "Buffers of arrays in flight, and the collector's own pace. What grows with the log lies in the database; names in memory take 8 MiB whatever their number.",
            },
        ];
    }

    /// <summary>MiB that a gateway holds before and after as many spans again, sent in arrays.</summary>
    private static async Task<(double Before, double After)> GrowAsync(LargeLedger large)
    {
        await using var gateway = await ServerProcess.StartGatewayAsync(large.Folder);
        var nonce = 1L;
        Send(WarmUp);
        var before = await AtRestAsync(gateway);
        Send(Spans);
        return (before, await AtRestAsync(gateway));

        void Send(int spans)
        {
            for (var left = spans; left > 0; left -= ArraysAtOnce * PerArray)
            {
                var bodies = ArraysBenchmark.Arrays(large.Key, ArraysAtOnce);
                new LoadGenerator(gateway.EndPoint, ArraysBenchmark.Connections).Run(new RequestSource("/v1/spans", "127.0.0.1", large.ApiKey, bodies, nonce));
                nonce += bodies.Length;
            }
        }
    }

    /// <summary>The median of some seconds without requests.</summary>
    private static async Task<double> AtRestAsync(ServerProcess gateway)
    {
        var values = new List<double>();
        for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < Settled; values.Add(gateway.ResidentBytes / (1024.0 * 1024)))
        {
            await Task.Delay(100);
        }
        return Turns.Median(values);
    }

    private static Figure Of(string measured, string yardstick, List<double> values, double bound, string unit) => new()
    {
        Benchmark = "start",
        Measured = measured,
        Yardstick = yardstick,
        Ratio = Turns.Median(values) / bound,
        Spread = (values.Min() / bound, values.Max() / bound),
        Target = new Target(1, AtLeast: false),
        Details = [$"{Turns.Median(values):0.00} {unit} ({values.Min():0.00} to {values.Max():0.00}), with the file in the system's cache"],
        Limit = "The runtime's own start is most of the time. The end of the log is verified, not all of it; which names are taken is read once it listens.",
    };
}
