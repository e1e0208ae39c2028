using System.Diagnostics;
using LogLine.Api.Tests.Checkout;

namespace LogLine.Api.Tests.Hosting;

/// <summary>
/// Node programs of the checkout. Their packages are installed by <c>tests/run</c>, as the lock files say; where they are missing the test is skipped by
/// name, and fails where nothing may be missing.
/// </summary>
internal static class NodeTools
{
    private static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(3);

    /// <summary>A folder of the checkout whose packages are installed.</summary>
    public static string Folder(params string[] path)
    {
        var folder = Repository.At(path);
        Require(Directory.Exists(Path.Combine(folder, "node_modules")), $"the npm packages of {string.Join('/', path)}; tests/run installs them");
        return folder;
    }

    /// <summary>Skips the test, or fails it where nothing may be missing.</summary>
    public static void Require(bool isThere, string what)
    {
        if (isThere)
        {
            return;
        }
        Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", $"Missing, and LOGLINE_REQUIRE_ALL=1: {what}.");
        Assert.Skip($"Missing: {what}.");
    }

    /// <summary>Runs a command that one of the folder's packages brings, without asking any network; answers with what it said, and fails with it.</summary>
    /// <param name="folder">Where its packages are, and where it runs.</param>
    /// <param name="settings">Environment beside the test's own.</param>
    /// <param name="command">Name and arguments.</param>
    public static async Task<string> RunAsync(string folder, IReadOnlyDictionary<string, string> settings, params string[] command)
    {
        var local = Path.Combine(folder, "node_modules", ".bin", command[0]);
        var start = new ProcessStartInfo(File.Exists(local) ? local : command[0], command.Skip(1)) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in settings.Concat([new("REDOCLY_TELEMETRY", "off"), new("NO_UPDATE_NOTIFIER", "1"), new("NO_COLOR", "1")]))
        {
            start.Environment[name] = value;
        }
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(MaxTime);
        try
        {
            var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)} ended with {process.ExitCode}:\n{string.Concat(said)}");
            return string.Concat(said);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Where a program of the test finds the gateway.</summary>
    public static Dictionary<string, string> Settings(this TestGateway gateway) => new() { ["LOGLINE_URL"] = gateway.Client.BaseAddress!.ToString().TrimEnd('/'), ["LOGLINE_TOKEN"] = gateway.ApiKey };
}
