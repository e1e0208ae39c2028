using System.Net.WebSockets;
using System.Text;
using LogLine.Api.Delivery.Reading;

namespace LogLine.Api.Delivery.Streams;

/// <summary>
/// Messages of a WebSocket (RFC 6455), one JSON text each: <c>{"event":"open","from"}</c> first, then <c>{"event":"span","id","data"}</c>,
/// <c>{"event":"gap","id","data"}</c> and, as heartbeat, <c>{"event":"ping","id"}</c>. The <c>id</c> is the cursor, as with server-sent events.
/// </summary>
internal sealed class WebSocketFrames(WebSocket socket) : IStreamFrames
{
    private readonly Queue<byte[]> _messages = [];

    public int Pending { get; private set; }

    public void Open(long from) => Add(Text($$"""{"event":"open","from":{{from}}}"""));

    public void Span(LogItem item) => Add([.. Text($$"""{"event":"span","id":{{item.Seq}},"data":"""), .. item.Span, (byte)'}']);

    public void Gap(long from, long to, string reason, long cursor) => Add([.. Text($$"""{"event":"gap","id":{{cursor}},"data":"""), .. GapNote.Utf8(from, to, reason), (byte)'}']);

    public void Ping(long cursor) => Add(Text($$"""{"event":"ping","id":{{cursor}}}"""));

    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        try
        {
            while (_messages.TryDequeue(out var message))
            {
                await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Text, endOfMessage: true, cancel);
            }
        }
        catch (WebSocketException lost)
        {
            throw new IOException("The connection is lost.", lost);
        }
        Pending = 0;
    }

    private void Add(byte[] message)
    {
        _messages.Enqueue(message);
        Pending += message.Length;
    }

    private static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);
}
