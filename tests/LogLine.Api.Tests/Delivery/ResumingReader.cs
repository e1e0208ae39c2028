using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery;

/// <summary>
/// A reader as a browser is one (WHATWG, server-sent events): it keeps what came whole, throws away what came in part, and connects again with the last id. And
/// the same over a WebSocket, with <c>after</c>.
/// </summary>
internal sealed class ResumingReader(Uri address, string token, string query)
{
    private long _last;

    /// <summary>What it has, in the order in which it came.</summary>
    public ConcurrentQueue<(long Id, string Span)> Received { get; } = [];

    /// <summary>Reads until it has <paramref name="count"/> items, over as many connections as it takes.</summary>
    public async Task ReadAsync(int count, bool overWebSocket, CancellationToken cancel)
    {
        while (Received.Count < count)
        {
            try
            {
                await (overWebSocket ? ReadSocketAsync(count, cancel) : ReadEventsAsync(count, cancel));
            }
            catch (Exception lost) when (lost is HttpRequestException or IOException or WebSocketException or System.Net.Sockets.SocketException && !cancel.IsCancellationRequested)
            {
                // Cut: again.
            }
        }
    }

    private async Task ReadEventsAsync(int count, CancellationToken cancel)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/v1/stream?after=0" + query));
        request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", token);
        if (_last > 0)
        {
            request.Headers.Add("Last-Event-ID", _last.ToString());
        }
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        var (line, id, data) = (new List<byte>(), _last, new StringBuilder());
        var buffer = new byte[1024];
        while (Received.Count < count && await body.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            foreach (var one in buffer.AsSpan(0, read))
            {
                if (one != '\n')
                {
                    line.Add(one);
                    continue;
                }
                Take(Encoding.UTF8.GetString([.. line]), ref id, data);
                line.Clear();
            }
        }
    }

    private void Take(string line, ref long id, StringBuilder data)
    {
        if (line.Length == 0)
        {
            _last = id;
            if (data.Length > 0)
            {
                Received.Enqueue((id, data.ToString()));
                data.Clear();
            }
        }
        else if (line.StartsWith("id: ", StringComparison.Ordinal))
        {
            id = long.Parse(line[4..]);
        }
        else if (line.StartsWith("data: ", StringComparison.Ordinal))
        {
            data.Append(line, 6, line.Length - 6);
        }
    }

    private async Task ReadSocketAsync(int count, CancellationToken cancel)
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "ApiKey " + token);
        await socket.ConnectAsync(new UriBuilder(address) { Scheme = "ws", Path = "/v1/stream", Query = $"after={_last}{query}" }.Uri, cancel);
        var (message, buffer) = (new MemoryStream(), new byte[1024]);
        while (Received.Count < count)
        {
            var part = await socket.ReceiveAsync(buffer, cancel);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return;
            }
            message.Write(buffer, 0, part.Count);
            if (!part.EndOfMessage)
            {
                continue;
            }
            var json = CanonicalJson.Parse(message.ToArray()).Root;
            if (json.Text("event") == "span")
            {
                _last = json.Integer("id")!.Value;
                Received.Enqueue((_last, json.GetProperty("data").GetRawText()));
            }
            message.SetLength(0);
        }
    }
}
