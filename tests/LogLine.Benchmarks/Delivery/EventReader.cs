using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LogLine.Benchmarks.Delivery;

/// <summary>
/// One subscriber of the event stream over a bare socket, so that ten thousand of them cost the generator little: it looks at the <c>id:</c> lines alone, and
/// says when each came. HTTP/1.0, whose body is the events and nothing else.
/// </summary>
internal sealed class EventReader : IDisposable
{
    private const int PrefixBytes = 32;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _line = new byte[PrefixBytes];
    private int _length;

    /// <summary>The last seq that came.</summary>
    public long LastSeq { get; private set; }

    /// <summary>Happens for every event: its seq, and when it came (<see cref="Stopwatch"/>).</summary>
    public Action<long, long> Arrived { get; set; } = (_, _) => { };

    /// <summary>Connects, and completes when the stream has begun.</summary>
    public async Task OpenAsync(IPEndPoint gateway, string token, string query, long? after = null)
    {
        await _socket.ConnectAsync(gateway);
        var resume = after is { } seq ? $"Last-Event-ID: {seq}\r\n" : "";
        await _socket.SendAsync(Encoding.ASCII.GetBytes($"GET /v1/stream{query} HTTP/1.0\r\nHost: localhost\r\nAuthorization: ApiKey {token}\r\nAccept: text/event-stream\r\n{resume}\r\n"));
        _ = ReadAsync();
        await _opened.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    public void Dispose() => _socket.Dispose();

    private async Task ReadAsync()
    {
        // The buffer is taken only when something is there: ten thousand readers wait without one.
        try
        {
            while (true)
            {
                await _socket.ReceiveAsync(Memory<byte>.Empty);
                var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(16 << 10);
                var read = await _socket.ReceiveAsync(buffer);
                Take(buffer.AsSpan(0, read), Stopwatch.GetTimestamp());
                System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
                if (read == 0)
                {
                    return;
                }
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            _opened.TrySetException(closed);
        }
    }

    private void Take(ReadOnlySpan<byte> bytes, long now)
    {
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            Keep(bytes[..end]);
            Line(_line.AsSpan(0, _length), now);
            _length = 0;
            bytes = bytes[(end + 1)..];
        }
        Keep(bytes);
    }

    // Of a line the beginning is enough, which may come in parts.
    private void Keep(ReadOnlySpan<byte> part)
    {
        part = part[..Math.Min(part.Length, PrefixBytes - _length)];
        part.CopyTo(_line.AsSpan(_length));
        _length += part.Length;
    }

    private void Line(ReadOnlySpan<byte> line, long now)
    {
        if (line.StartsWith("id: "u8) && System.Buffers.Text.Utf8Parser.TryParse(line[4..], out long seq, out _))
        {
            LastSeq = seq;
            Arrived(seq, now);
        }
        else if (line.StartsWith("retry:"u8))
        {
            _opened.TrySetResult();
        }
    }
}
