using System.Diagnostics;
using System.Net;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Deploy;

/// <summary>
/// HAProxy in front of gateways that listen on Unix sockets, configured as deploy/haproxy.cfg is: whoever is not ready gets nothing new. Without HAProxy the test is skipped, or fails
/// where nothing may be missing.
/// </summary>
internal sealed class Balancer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/haproxy";
    private readonly Process _process;
    private readonly string _folder;

    private Balancer(Process process, string folder, Uri address) => (_process, _folder, Address) = (process, folder, address);

    public Uri Address { get; }

    public static void Require()
    {
        if (!File.Exists(Program))
        {
            const string Missing = "HAProxy is not installed; tests/run installs it as root on Debian or Ubuntu.";
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", Missing);
            Assert.Skip(Missing);
        }
    }

    /// <summary>Starts it in front of these sockets.</summary>
    public static async Task<Balancer> StartAsync(params string[] sockets)
    {
        var folder = Directory.CreateTempSubdirectory("logline-balancer-").FullName;
        var shipped = await File.ReadAllTextAsync(Checkout.Repository.At("deploy", "haproxy.cfg"), TestContext.Current.CancellationToken);
        while (true)
        {
            // An address that nobody else of this machine uses, so that whoever answers there is the balancer.
            var address = $"127.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(1, 255)}:5080";
            var servers = string.Join('\n', sockets.Select((socket, i) => $"    server gateway-{i + 1} unix@{socket}"));
            var config = shipped.Replace("maxconn 20000", "maxconn 200", StringComparison.Ordinal).Replace("bind :8080", $"bind {address}", StringComparison.Ordinal);
            var at = config.IndexOf("    server gateway-1", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(folder, "haproxy.cfg"), config[..at] + servers + "\n", TestContext.Current.CancellationToken);
            var process = Process.Start(new ProcessStartInfo(Program, ["-db", "-f", Path.Combine(folder, "haproxy.cfg")]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            var said = process.StandardError.ReadToEndAsync();
            _ = process.StandardOutput.ReadToEndAsync();
            var balancer = new Balancer(process, folder, new Uri("http://" + address));
            if (await balancer.IsUpAsync())
            {
                return balancer;
            }
            Assert.Contains("cannot bind", await said, StringComparison.OrdinalIgnoreCase); // somebody has it after all: another one
        }
    }

    /// <summary>True once it answers for a gateway; false when it has ended instead.</summary>
    private async Task<bool> IsUpAsync()
    {
        using var client = new HttpClient { BaseAddress = Address };
        var isUp = false;
        await Patience.UntilAsync("an answer of the balancer", async () => _process.HasExited || (isUp = await AnswersAsync(client)));
        return isUp;
    }

    private static async Task<bool> AnswersAsync(HttpClient client)
    {
        try
        {
            using var answer = await client.GetAsync("/healthz/live", TestContext.Current.CancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false; // not yet
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
