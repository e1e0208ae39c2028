using System.Net;
using System.Net.Sockets;
using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// One probe of a container's health. HTTP and TCP go to the container's own address where the gateway can reach it (an engine of this machine that
/// gives its containers addresses), else to the published port: an engine's forwarder accepts connections also when nobody listens behind it.
/// </summary>
internal sealed class HealthProbes(IContainerEngine engine, ContainerExec commands, TimeProvider time) : IDisposable
{
    /// <summary>How long a forwarder has to hang up on a connection that leads nowhere.</summary>
    static readonly TimeSpan ForwarderMoment = TimeSpan.FromMilliseconds(100);

    readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public void Dispose() => http.Dispose();

    public async Task<ProbeOutcome> ProbeAsync(ContainerDetail container, HealthCheck check, CancellationToken cancel)
    {
        if (check.Argv.Count > 0)
            return await ExecAsync(container, check, cancel);
        if (Address(container, check.Port) is not { } address)
            return ProbeOutcome.Bad($"the container has no address that can be reached from here, and its port {check.Port} is not published");
        using var timer = new CancellationTokenSource(check.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            return check.HttpPath is { } path ? await HttpAsync(address, path, either.Token) : await TcpAsync(address, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return ProbeOutcome.Bad($"no answer within {check.Timeout.TotalSeconds:0.###} s");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException)
        {
            return ProbeOutcome.Bad((e.InnerException as SocketException ?? e).Message);
        }
    }

    async Task<ProbeOutcome> ExecAsync(ContainerDetail container, HealthCheck check, CancellationToken cancel) =>
        await commands.ProbeAsync(container.Id, check.Argv, check.Timeout, cancel) switch
        {
            null => ProbeOutcome.Bad($"the command did not end within {check.Timeout.TotalSeconds:0.###} s"),
            { ExitCode: 0 } => ProbeOutcome.Good,
            { ExitCode: var code, Said: var said } => ProbeOutcome.Bad($"the command ended with {code}{(said.Length > 0 ? ": " + said : "")}"),
        };

    async Task<ProbeOutcome> HttpAsync((string Host, int Port, bool Forwarded) address, string path, CancellationToken cancel)
    {
        using var response = await http.GetAsync(new Uri($"http://{Bracketed(address.Host)}:{address.Port}{path}"), HttpCompletionOption.ResponseHeadersRead, cancel);
        return (int)response.StatusCode is >= 200 and < 400 ? ProbeOutcome.Good : ProbeOutcome.Bad($"GET {path} answered {(int)response.StatusCode}");
    }

    async Task<ProbeOutcome> TcpAsync((string Host, int Port, bool Forwarded) address, CancellationToken cancel)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, cancel);
        if (!address.Forwarded)
            return ProbeOutcome.Good;
        using var moment = new CancellationTokenSource(ForwarderMoment, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, moment.Token);
        try
        {
            return await client.GetStream().ReadAsync(new byte[1], either.Token) > 0 ? ProbeOutcome.Good : ProbeOutcome.Bad("the connection was closed at once");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return ProbeOutcome.Good; // It stays open and waits for us to speak.
        }
    }

    (string Host, int Port, bool Forwarded)? Address(ContainerDetail container, int port)
    {
        if (engine.RemoteHost is null && OwnAddress(container) is { } own)
            return (own, port, false);
        var published = Workloads.Of(container, WorkloadState.Running).Ports.FirstOrDefault(mapping => mapping.Container == port && mapping.Host > 0);
        return published is null ? null : (engine.RemoteHost ?? "127.0.0.1", published.Host, true);
    }

    static string? OwnAddress(ContainerDetail container) => Some(container.NetworkSettings?.IPAddress)
        ?? container.NetworkSettings?.Networks?.Values.Select(network => Some(network?.IPAddress)).FirstOrDefault(address => address is not null);

    static string? Some(string? text) => string.IsNullOrEmpty(text) ? null : text;

    static string Bracketed(string host) => IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{host}]" : host;
}
