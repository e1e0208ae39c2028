using System.Globalization;
using System.Net.WebSockets;
using LogLine.Api.Delivery.Reading;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery.Streams;

/// <summary>
/// <c>GET /v1/stream</c>: the ledger read on from a cursor, as server-sent events, or as messages when the request is for a WebSocket (docs/streams.md).
/// <c>id</c> is <c>seq</c> = log index + 1, so a client that says the last one it saw goes on exactly there.
/// </summary>
internal static class StreamEndpoint
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(2);

    public static void MapStream(this IEndpointRouteBuilder routes)
    {
        // A stream lasts for as long as its reader likes: as the duration of a request it would say nothing.
        routes.MapGet("/v1/stream", StreamAsync).Documented(DeliveryDocs.Stream).DisableHttpMetrics();
    }

    private static async Task StreamAsync(HttpContext http, StreamDoor door, StreamSeats seats, StreamSession session, StreamOptions options, Drain drain)
    {
        if (!TryReadCursor(http.Request, out var after))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.MalformedHeader, "Last-Event-ID or 'after' must be the id of an event, an integer from 0."));
            return;
        }
        var (access, refused) = await door.OpenAsync(http);
        if (access is null)
        {
            await http.RefuseAsync(refused!);
            return;
        }
        using var leaving = access;
        using var seat = seats.Take(access.Filter.Tenant);
        if (seat is null)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Busy, "As many streams are open as this gateway, or this tenant, may have.") { RetryAfterSeconds = 5 });
            return;
        }
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, drain.Over, access.Displaced);
        // Connections move on after a while, not all at once, so that replicas share them again after a restart.
        ending.CancelAfter(options.NextLife);
        using var moving = drain.Spread(ending);
        var selection = new SpanSelection(access.Filter);
        if (http.WebSockets.IsWebSocketRequest)
        {
            await SocketAsync(http, session, access, selection, after, ending);
        }
        else
        {
            await EventsAsync(http, session, access, selection, after, ending.Token);
        }
    }

    private static async Task EventsAsync(HttpContext http, StreamSession session, StreamAccess access, SpanSelection selection, long? after, CancellationToken ending)
    {
        var response = http.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        if (access.Origin is not null)
        {
            response.Headers.AccessControlAllowOrigin = access.Origin;
            response.Headers.Vary = "Origin";
        }
        if (await DeliveryMetrics.StreamAsync("sse", session.RunAsync(new EventStreamFrames(response.BodyWriter), selection, after, access.IsAllowed, ending)) == StreamEnd.Lost)
        {
            http.Abort(); // what it did not take is thrown away with the connection
        }
    }

    private static async Task SocketAsync(HttpContext http, StreamSession session, StreamAccess access, SpanSelection selection, long? after, CancellationTokenSource ending)
    {
        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.Zero });
        using var hangUp = new CancellationTokenSource();
        var listening = ListenAsync(socket, ending, hangUp.Token);
        var end = await DeliveryMetrics.StreamAsync("websocket", session.RunAsync(new WebSocketFrames(socket), selection, after, access.IsAllowed, ending.Token));
        if (end == StreamEnd.Lost)
        {
            socket.Abort();
        }
        hangUp.CancelAfter(Goodbye);
        await CloseAsync(socket, end, hangUp.Token);
        await listening;
    }

    /// <summary>Says why it ends; a reader that comes back resumes with the last id that it saw.</summary>
    private static async Task CloseAsync(WebSocket socket, StreamEnd end, CancellationToken cancel)
    {
        var (status, why) = end == StreamEnd.NoLongerAllowed
            ? (WebSocketCloseStatus.PolicyViolation, "the token or ticket is not valid any more")
            : (WebSocketCloseStatus.EndpointUnavailable, "connect again with after=<last id>");
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(status, why, cancel);
            }
        }
        catch (Exception lost) when (lost is WebSocketException or OperationCanceledException or IOException)
        {
            socket.Abort();
        }
    }

    /// <summary>Hears when the other side closes. A stream takes no messages: one that sends any is ended.</summary>
    private static async Task ListenAsync(WebSocket socket, CancellationTokenSource ending, CancellationToken hangUp)
    {
        var buffer = new byte[128];
        try
        {
            await socket.ReceiveAsync(buffer.AsMemory(), hangUp);
        }
        catch (Exception lost) when (lost is WebSocketException or OperationCanceledException or IOException)
        {
            // It went without a word, or took too long to say goodbye.
        }
        await ending.CancelAsync();
    }

    private static bool TryReadCursor(HttpRequest request, out long? after)
    {
        var resume = request.Headers["Last-Event-ID"];
        var text = resume.Count > 0 && resume[0]!.Length > 0 ? resume[0] : request.Query.TryGetValue("after", out var asked) ? asked[0] ?? "" : null;
        var isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cursor);
        after = isNumber ? cursor : null;
        return text is null || isNumber;
    }
}
