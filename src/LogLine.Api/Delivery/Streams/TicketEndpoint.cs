using System.Text;
using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.OpenApi;
using LogLine.Api.Submissions;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Streams;

/// <summary><c>POST /v1/stream/tickets {origin?, subject?, run_id?, intent?}</c> → <c>{ticket, url, first_use_until, expires_at}</c>. Nothing is written to the ledger.</summary>
internal static class TicketEndpoint
{
    public static void MapStreamTickets(this IEndpointRouteBuilder routes) => routes.MapGroup("/v1/stream").RequireReader().MapPost("/tickets", IssueAsync).Documented(StreamDocs.Ticket);

    private static async Task IssueAsync(HttpContext http, StreamTickets tickets)
    {
        var (body, refused) = await ReadAsync(http);
        if (refused is not null)
        {
            await http.RefuseAsync(refused);
            return;
        }
        var header = http.Request.Headers.Authorization.ToString();
        var origin = body.Text("origin") ?? http.Request.Headers.Origin.ToString();
        var filter = Encoding.UTF8.GetString(CanonicalJson.Compose(json => WriteFilter(json, body)).Utf8.Span);
        var (ticket, firstUseUntil, expiresAt) = await tickets.IssueAsync(header[(header.IndexOf(' ') + 1)..].Trim(), http.Principal().Tenant, filter, origin);
        http.Response.Headers.CacheControl = "no-store";
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("ticket", ticket);
            json.WriteString("url", "/v1/stream?ticket=" + ticket);
            json.WriteString("first_use_until", Timestamps.Write(firstUseUntil));
            json.WriteString("expires_at", Timestamps.Write(expiresAt));
            json.WriteEndObject();
        });
    }

    private static void WriteFilter(Utf8JsonWriter json, JsonElement body)
    {
        json.WriteStartObject();
        foreach (var name in (ReadOnlySpan<string>)["subject", "run_id", "intent"])
        {
            if (body.Text(name) is { } text)
            {
                json.WriteString(name, text);
            }
        }
        json.WriteEndObject();
    }

    private static async Task<(JsonElement Body, Rejection? Refused)> ReadAsync(HttpContext http)
    {
        var bytes = await RequestReader.ReadBodyAsync(http);
        if (bytes is null)
        {
            return (default, new Rejection(RefusalCode.TooLarge, $"The body is over {JsonLimits.BodyBytes:N0} bytes."));
        }
        if (!CanonicalJson.TryRead(bytes.Length == 0 ? "{}"u8.ToArray() : bytes, out var json, out var fault))
        {
            return (default, new Rejection(RefusalCode.MalformedJson, fault.Message));
        }
        if (json.Root.ValueKind != JsonValueKind.Object)
        {
            return (default, Wrong("", "a ticket is asked for with a JSON object"));
        }
        foreach (var member in json.Root.EnumerateObject())
        {
            if (member.Name is not ("origin" or "subject" or "run_id" or "intent"))
            {
                return (default, Wrong("/" + member.Name, "is not known; there are origin, subject, run_id, intent"));
            }
            if (member.Value.ValueKind != JsonValueKind.String || member.Value.GetString()!.Length > 512)
            {
                return (default, Wrong("/" + member.Name, "must be a string of at most 512 characters"));
            }
        }
        var origin = json.Root.Text("origin") ?? http.Request.Headers.Origin.ToString();
        return Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Scheme is "http" or "https" && page.GetLeftPart(UriPartial.Authority) == origin
            ? (json.Root, null)
            : (default, Wrong("/origin", "must be the origin of the page that will use the ticket, for example https://app.example.com, here or in the header Origin"));
    }

    private static Rejection Wrong(string path, string message) => new(RefusalCode.SchemaInvalid, message) { Errors = [new FieldError(path, "query", message)] };
}
