using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery.Streams;

/// <summary>Words for tickets (docs/adding-a-route.md).</summary>
internal static class StreamDocs
{
    public static readonly RouteDoc Ticket = new("createStreamTicket", RouteTags.Stream, "Get a ticket for a browser", "Browsers send no headers with `EventSource` and `WebSocket`: the page opens `url` instead. "
        + "The ticket holds for this filter and this page, must be used within 60 s, opens one connection at a time, and lets the page reconnect for 10 minutes. It dies with the token.")
    {
        Body = MediaDoc.Json("stream-ticket-request"),
        Answers = [new(200, "The ticket, shown this once.", MediaDoc.Json("stream-ticket"))],
        Refusals = [RefusalCode.MalformedJson, RefusalCode.TooLarge, RefusalCode.SchemaInvalid],
    };
}
