using System.Diagnostics;

namespace LogLine.Api.Tests.Telemetry;

/// <summary>Prometheus' own checker. Where it is not installed the test is skipped, or fails where nothing may be missing.</summary>
internal static class Promtool
{
    /// <summary>Runs it; what it said when it is not content.</summary>
    public static async Task AssertContentAsync(string? input, params string[] arguments)
    {
        if (!File.Exists("/usr/bin/promtool"))
        {
            const string Missing = "promtool is not installed; tests/run installs it as root on Debian or Ubuntu (package prometheus).";
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", Missing);
            Assert.Skip(Missing);
        }
        var start = new ProcessStartInfo("/usr/bin/promtool", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input ?? "");
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, string.Join('\n', await said));
    }
}
