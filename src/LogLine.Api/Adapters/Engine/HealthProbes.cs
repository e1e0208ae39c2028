using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// One probe of a container's health. HTTP and TCP go to the container's own address where it can be reached from here (an engine of this machine that runs as root and
/// gives its containers addresses), else to the published port: an engine's forwarder accepts connections also when nobody listens behind it.
/// </summary>
internal sealed class HealthProbes(IContainerEngine engine, ContainerExec commands, TimeProvider time) : IDisposable
{
    const int MostLeft = 1024;

    /// <summary>How long a forwarder has to hang up on a connection that leads nowhere.</summary>
    static readonly TimeSpan ForwarderMoment = TimeSpan.FromMilliseconds(100);

    readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    // By container: the command of a check that goes on after its time.
    readonly ConcurrentDictionary<string, ExecOutcome> left = new();

    // Asked once for each engine that answers here: whether it runs as an ordinary user, and so with a network of its own, in which the addresses of its containers are.
    volatile Footing? footing;

    public void Dispose() => http.Dispose();

    public async Task<ProbeOutcome> ProbeAsync(ContainerDetail container, HealthCheck check, CancellationToken cancel)
    {
        if (check.Argv.Count > 0)
            return await ExecAsync(container, check, cancel);
        if (await AddressAsync(container, check.Port, cancel) is not { } address)
            return ProbeOutcome.Bad($"the container has no address that can be reached from here{await WhyAsync(cancel)}, and its port {check.Port} is not published: publish it (deploy.ports), or check by a command in the container (health.exec)");
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

    /// <summary>One that outlives its time and cannot be ended from here goes on: no other one is begun beside it, or each check would leave one more process.</summary>
    async Task<ProbeOutcome> ExecAsync(ContainerDetail container, HealthCheck check, CancellationToken cancel)
    {
        if (left.TryGetValue(container.Id, out var earlier) && await earlier.GoesOnAsync(cancel))
            return ProbeOutcome.Bad("the command of an earlier check has not ended, and its process cannot be ended from here");
        left.TryRemove(container.Id, out _);
        var (outcome, said) = await commands.ProbeAsync(container.Id, check.Argv, check.Timeout, cancel);
        if (outcome.Killed == false)
        {
            if (left.Count >= MostLeft)
                left.Clear(); // most of their containers are gone
            left[container.Id] = outcome;
        }
        return outcome switch
        {
            { TimedOut: true } => ProbeOutcome.Bad($"the command did not end within {check.Timeout.TotalSeconds:0.###} s"),
            { ExitCode: 0 } => ProbeOutcome.Good,
            _ => ProbeOutcome.Bad($"the command ended with {outcome.ExitCode}{(said.Length > 0 ? ": " + said : "")}"),
        };
    }

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

    async Task<(string Host, int Port, bool Forwarded)?> AddressAsync(ContainerDetail container, int port, CancellationToken cancel)
    {
        if (engine.RemoteHost is null && OwnAddress(container) is { } own && !await IsRootlessAsync(cancel))
            return (own, port, false);
        var published = Workloads.Of(container, WorkloadState.Running).Ports.FirstOrDefault(mapping => mapping.Container == port && mapping.Host > 0);
        return published is null ? null : (engine.RemoteHost ?? "127.0.0.1", published.Host, true);
    }

    async Task<string> WhyAsync(CancellationToken cancel) =>
        engine.RemoteHost is { } host ? $" (its engine is on {host})" : await IsRootlessAsync(cancel) ? " (its engine runs without root)" : "";

    async ValueTask<bool> IsRootlessAsync(CancellationToken cancel)
    {
        var (dialect, where) = (await engine.DialectAsync(cancel), engine.Where);
        if (footing is not { } known || (known.Dialect, known.Where) != (dialect, where))
            footing = known = new Footing(dialect, where, (await engine.InfoAsync(cancel)).IsRootless);
        return known.IsRootless;
    }

    static string? OwnAddress(ContainerDetail container) => Some(container.NetworkSettings?.IPAddress)
        ?? container.NetworkSettings?.Networks?.Values.Select(network => Some(network?.IPAddress)).FirstOrDefault(address => address is not null);

    static string? Some(string? text) => string.IsNullOrEmpty(text) ? null : text;

    static string Bracketed(string host) => IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{host}]" : host;

    sealed record Footing(EngineDialect Dialect, string? Where, bool IsRootless);
}
