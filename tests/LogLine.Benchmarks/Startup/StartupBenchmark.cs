using System.Diagnostics;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;

namespace LogLine.Benchmarks.Startup;

/// <summary><c>logline --help</c> as it is published: one file, self-contained, ReadyToRun.</summary>
internal static class StartupBenchmark
{
    private const int Starts = 21;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("logline-published-").FullName;
        try
        {
            // No build server outlives it: whoever reads what it says would wait for that one too.
            await Checkout.RunAsync(Checkout.At(), "dotnet", "publish", Checkout.At("src", "LogLine.Cli"), "-nodeReuse:false", "-p:UseSharedCompilation=false", "-c", "Release", "-r", System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier is "linux-arm64" ? "linux-arm64" : "linux-x64",
                "--self-contained", "-p:PublishSingleFile=true", "-p:PublishReadyToRun=true", "-o", folder, "-v", "quiet", "--nologo");
            var program = Path.Combine(folder, "logline");
            await Checkout.RunAsync(folder, program, "--help");
            var times = new List<double>();
            for (var i = 0; i < Starts; i++)
            {
                var began = Stopwatch.GetTimestamp();
                await Checkout.RunAsync(folder, program, "--help");
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
            var median = Turns.Median(times);
            return
            [
                new Figure
                {
                    Benchmark = "startup",
                    Measured = "`logline --help`, published as one self-contained ReadyToRun file",
                    Yardstick = "150 ms",
                    Ratio = median / 150,
                    Spread = (times.Min() / 150, times.Max() / 150),
                    Target = new Target(1, AtLeast: false),
                    Details = [$"{median:0} ms ({times.Min():0} to {times.Max():0}); the file has {new FileInfo(program).Length >> 20} MiB"],
                    Limit = "The runtime's own start, and the commands that are made of the catalogue's files. Native AOT was not measured: the feed has no runtime pack for it.",
                },
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
