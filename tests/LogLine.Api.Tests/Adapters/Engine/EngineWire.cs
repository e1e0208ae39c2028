using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>
/// A real engine's socket with somebody in between, who can hold a call before it gets there or its answer before it is heard, let the socket vanish, and answer nothing or nonsense. One call per connection.
/// </summary>
internal sealed class EngineWire : IAsyncDisposable
{
    private readonly string _engine;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"llw-{Guid.NewGuid():N}");
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private Socket? _listener;

    /// <param name="engine">The engine's address, <c>unix://…</c>.</param>
    public EngineWire(string engine)
    {
        _engine = new Uri(engine).LocalPath;
        Appear();
    }

    /// <summary>Where whoever is to be put to the test finds the engine.</summary>
    public string Address => "unix://" + _path;

    /// <summary>Awaited with a call ("POST /v1.41/containers/create?name=x") before the engine gets it; false, and it never does.</summary>
    public Func<string, Task<bool>> Before { get; set; } = _ => Task.FromResult(true);

    /// <summary>Which calls are held behind; null for none. Awaited when the engine has answered and nobody has heard it; false, and nobody ever does.</summary>
    public Func<string, Task<bool>>? Behind { get; set; }

    /// <summary>Said in place of the engine; null while it speaks for itself.</summary>
    public byte[]? Nonsense { get; set; }

    /// <summary>True while calls are taken and never answered.</summary>
    public bool IsMute { get; set; }

    /// <summary>The socket is not there any more, and every connection is broken.</summary>
    public void Vanish()
    {
        Interlocked.Exchange(ref _listener, null)?.Dispose();
        File.Delete(_path);
        Break();
    }

    /// <summary>Breaks every connection, as an engine does that is started again.</summary>
    public void Break()
    {
        foreach (var socket in _open.Keys)
        {
            socket.Dispose();
        }
    }

    /// <summary>The socket is there again.</summary>
    public void Appear()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_path));
        listener.Listen(128);
        _listener = listener;
        _ = AcceptAsync(listener);
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                _ = CarryAsync(await listener.AcceptAsync(), listener);
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // It has vanished.
        }
    }

    private async Task CarryAsync(Socket near, Socket listener)
    {
        using var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (near)
        {
            _open[near] = _open[far] = 0;
            try
            {
                if (ReferenceEquals(_listener, listener)) // or it vanished in between, and did not find these two
                {
                    await CarryToEngineAsync(near, far);
                }
            }
            catch (Exception cut) when (cut is SocketException or ObjectDisposedException)
            {
                // Whoever was at either end is gone.
            }
            finally
            {
                _open.TryRemove(near, out _);
                _open.TryRemove(far, out _);
            }
        }
    }

    private async Task CarryToEngineAsync(Socket near, Socket far)
    {
        if (await HeadAsync(near) is not var (head, rest))
        {
            return;
        }
        var call = head[..head.IndexOf(" HTTP/", StringComparison.Ordinal)];
        if (IsMute)
        {
            await near.ReceiveAsync(new byte[1]); // until the other side has had enough
            return;
        }
        if (Nonsense is { } nonsense)
        {
            await near.SendAsync(nonsense);
            return;
        }
        if (!await Before(call))
        {
            return;
        }
        await far.ConnectAsync(new UnixDomainSocketEndPoint(_engine));
        var isUpgrade = head.Contains("\r\nUpgrade:", StringComparison.OrdinalIgnoreCase);
        byte[] all = [.. Encoding.ASCII.GetBytes(isUpgrade ? head : head[..^2] + "Connection: close\r\n\r\n"), .. rest];
        await far.SendAsync(all); // at once: an engine that has answered the head already lets nothing more be sent
        var sending = PumpAsync(near, far);
        if (Behind is { } behind && !isUpgrade)
        {
            var answer = await AllAsync(far);
            if (await behind(call))
            {
                await near.SendAsync(answer);
            }
            return;
        }
        await PumpAsync(far, near);
        if (isUpgrade)
        {
            near.Shutdown(SocketShutdown.Send);
            await sending;
        }
    }

    /// <summary>The head of a request, and what came with it of its body.</summary>
    private static async Task<(string Head, byte[] More)?> HeadAsync(Socket near)
    {
        var (bytes, buffer) = (new List<byte>(), new byte[16 << 10]);
        while (true)
        {
            var read = await near.ReceiveAsync(buffer);
            if (read == 0)
            {
                return null;
            }
            bytes.AddRange(buffer.AsSpan(0, read));
            var all = bytes.ToArray();
            if (all.AsSpan().IndexOf("\r\n\r\n"u8) is >= 0 and var end)
            {
                return (Encoding.ASCII.GetString(all, 0, end + 4), all[(end + 4)..]);
            }
        }
    }

    private static async Task<byte[]> AllAsync(Socket from)
    {
        var (all, buffer) = (new MemoryStream(), new byte[64 << 10]);
        for (int read; (read = await from.ReceiveAsync(buffer)) > 0;)
        {
            all.Write(buffer, 0, read);
        }
        return all.ToArray();
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 << 10];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer)) > 0;)
            {
                await to.SendAsync(buffer.AsMemory(0, read));
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception cut) when (cut is SocketException or ObjectDisposedException)
        {
            // One of the two is gone.
        }
    }

    public ValueTask DisposeAsync()
    {
        Vanish();
        return ValueTask.CompletedTask;
    }
}
