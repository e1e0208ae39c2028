using System.Diagnostics;

namespace LogLine.Benchmarks.Servers;

/// <summary>The checkout that the benchmarks were built from, and programs that run in it.</summary>
internal static class Checkout
{
    /// <summary>A path below the folder that holds LogLine.Api.sln.</summary>
    public static string At(params string[] path)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LogLine.Api.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The checkout is not above the benchmarks.");
        }
        return Path.Combine([folder, .. path]);
    }

    /// <summary>Runs a program to its end; what it said on standard output.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException($"{program} did not start.");
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? said[0] : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {string.Concat(said)}");
    }
}
