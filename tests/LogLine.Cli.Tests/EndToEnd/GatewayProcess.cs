using System.Diagnostics;
using LogLine.Cli.Tests.EndToEnd;

[assembly: AssemblyFixture(typeof(GatewayProcess))]

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>
/// The gateway itself, as a process on a free port with a data folder of its own; one for all tests, each of which brings its own names. It drives the
/// engine that <c>LOGLINE_TEST_PODMAN</c> names (tests/run starts one), else none.
/// </summary>
public sealed class GatewayProcess : IAsyncLifetime
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-gateway-").FullName;
    private Process? _process;

    /// <summary>What the gateway tells its operator.</summary>
    public string BootstrapFile => Path.Combine(_folder, "data", "bootstrap.json");

    /// <summary>An image that has a shell; the test is skipped when there is no engine.</summary>
    public static string RequireEngine()
    {
        if (Environment.GetEnvironmentVariable("LOGLINE_TEST_PODMAN") is null or "")
        {
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", "Missing, and LOGLINE_REQUIRE_ALL=1: an engine (LOGLINE_TEST_PODMAN).");
            Assert.Skip("Missing: an engine; tests/run starts one and names it in LOGLINE_TEST_PODMAN.");
        }
        return Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE") ?? "localhost/logline-test:1";
    }

    public async ValueTask InitializeAsync()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "LogLine.Api"), ["--data", Path.Combine(_folder, "data"), "--urls", "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        start.Environment["CONTAINER_HOST"] = Environment.GetEnvironmentVariable("LOGLINE_TEST_PODMAN");
        start.Environment["DOCKER_HOST"] = Environment.GetEnvironmentVariable("LOGLINE_TEST_DOCKER");
        _process = Process.Start(start)!;
        var ready = new TaskCompletionSource();
        var said = new System.Text.StringBuilder();
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException($"The gateway ended: {said}"));
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await ready.Task.WaitAsync(StartTimeout);

        void Hear(string? line)
        {
            lock (said)
            {
                said.AppendLine(line);
            }
            if (line?.Contains("listens on", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }
}
