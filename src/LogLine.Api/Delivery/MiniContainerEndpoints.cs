using System.Text;
using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Protocol.Json;

namespace LogLine.Api.Delivery;

/// <summary><c>GET /v1/minicontainers</c>: what is declared, each with its ref of now.</summary>
internal static class MiniContainerEndpoints
{
    private const int MaxSubjectBytes = 512;

    public static void MapMiniContainerReads(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/minicontainers", ListAsync).RequireReader().Documented(DeliveryDocs.MiniContainers);

    /// <summary><c>{items[{subject, ref, applied_at, span}], cursor}</c>, by subject; the cursor goes into <c>after</c>.</summary>
    private static async Task ListAsync(HttpContext http, SpanLedger ledger, string? after, string? limit)
    {
        if (!PageLimit.TryRead(limit, out var most, out var refused))
        {
            await http.RefuseAsync(refused!);
            return;
        }
        if (after is not null && (Encoding.UTF8.GetByteCount(after) > MaxSubjectBytes || after.Any(char.IsControl)))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, "after must be the cursor of the answer before") { Errors = [new FieldError("/after", "query", "must be the cursor of the answer before")] });
            return;
        }
        var applied = await ledger.Store.LastAppliedAsync(http.Principal().Tenant, after ?? "", most);
        await http.WriteAsync(json => Write(json, [.. applied.Select(stored => CanonicalJson.Parse(stored.Span).Root)], applied.Count == most));
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<JsonElement> applied, bool isFull)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (var span in applied)
        {
            json.WriteStartObject();
            json.WriteString("subject", span.Text("subject"));
            json.WriteString("ref", span.Member("payload").Text("ref"));
            json.WriteString("applied_at", span.Text("ts"));
            json.WriteString("span", span.Member("payload").Text("span"));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("cursor", isFull ? applied[^1].Text("subject") : null);
        json.WriteEndObject();
    }
}
