using System.Diagnostics;
using LogLine.Benchmarks.Reports;

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
            await RunAsync("dotnet", "publish", Project(), "-c", "Release", "-r", System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier is "linux-arm64" ? "linux-arm64" : "linux-x64",
                "--self-contained", "-p:PublishSingleFile=true", "-p:PublishReadyToRun=true", "-o", folder, "-v", "quiet", "--nologo");
            var program = Path.Combine(folder, "logline");
            await RunAsync(program, "--help");
            var times = new List<double>();
            for (var i = 0; i < Starts; i++)
            {
                var began = Stopwatch.GetTimestamp();
                await RunAsync(program, "--help");
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

    private static string Project()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LogLine.Api.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The checkout is not above the benchmarks.");
        }
        return Path.Combine(folder, "src/LogLine.Cli");
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }) ?? throw new InvalidOperationException($"{program} did not start.");
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {string.Concat(said)}");
        }
    }
}
