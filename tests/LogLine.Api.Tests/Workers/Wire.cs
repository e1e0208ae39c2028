using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LogLine.Api.Tests.Workers;

/// <summary>A wire between a worker and its gateway that can be cut, and mended.</summary>
internal sealed class Wire : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private volatile bool _isCut;

    public Wire()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where it leads; a gateway that was started again is elsewhere.</summary>
    public Uri Server { get; set; } = new("http://127.0.0.1:1");

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Breaks every connection, and takes no new one.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var socket in _open.Keys)
        {
            socket.Dispose();
        }
    }

    public void Mend() => _isCut = false;

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var near = await _listener.AcceptSocketAsync(_stop.Token);
            if (_isCut)
            {
                near.Dispose();
                continue;
            }
            _ = CarryAsync(near, new Socket(SocketType.Stream, ProtocolType.Tcp));
        }
    }

    private async Task CarryAsync(Socket near, Socket far)
    {
        _open[near] = _open[far] = 0;
        try
        {
            if (_isCut)
            {
                return; // in between: who cut it did not find these two
            }
            near.NoDelay = far.NoDelay = true;
            await far.ConnectAsync(Server.Host, Server.Port, _stop.Token);
            await Task.WhenAny(PumpAsync(near, far), PumpAsync(far, near));
        }
        catch (Exception lost) when (lost is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Broken by the other side first.
        }
        finally
        {
            foreach (var socket in new[] { near, far })
            {
                _open.TryRemove(socket, out _);
                socket.Dispose();
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[16 * 1024];
            for (int count; (count = await from.ReceiveAsync(buffer.AsMemory(), _stop.Token)) > 0;)
            {
                await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
        catch (Exception lost) when (lost is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Both ways end together.
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        Cut();
    }
}
