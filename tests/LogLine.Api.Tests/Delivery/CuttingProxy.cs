using System.Net;
using System.Net.Sockets;

namespace LogLine.Api.Tests.Delivery;

/// <summary>A wire that breaks: lets a random number of bytes through from the server, wherever that falls, and then breaks the connection.</summary>
internal sealed class CuttingProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _random;
    private readonly int _longest;
    private int _cuts;

    public CuttingProxy(int seed, int longest, params Uri[] servers)
    {
        (Servers, _random, _longest) = (servers, new Random(seed), longest);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where it leads, each connection to one of them by chance; a gateway that was started again is elsewhere.</summary>
    public Uri[] Servers { get; set; }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Connections that were broken.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptSocketAsync(_stop.Token);
            _ = CarryAsync(client, Servers[_random.Next(Servers.Length)], _random.Next(_longest));
        }
    }

    private async Task CarryAsync(Socket client, Uri server, int budget)
    {
        using var near = client;
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        near.LingerState = far.LingerState = new LingerOption(true, 0); // a reset, not a polite end
        try
        {
            await far.ConnectAsync(server.Host, server.Port, _stop.Token);
            var asking = PumpAsync(near, far, int.MaxValue);
            await PumpAsync(far, near, budget);
        }
        catch (Exception lost) when (lost is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Broken by the other side first.
        }
        Interlocked.Increment(ref _cuts);
    }

    private async Task PumpAsync(Socket from, Socket to, int budget)
    {
        var buffer = new byte[4096];
        while (budget > 0)
        {
            var count = await from.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, budget)), _stop.Token);
            if (count == 0)
            {
                return;
            }
            await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
            budget -= count;
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }
}
