using LogLine.Api.Delivery.Reading;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Delivery.Witnesses;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Submissions;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using Microsoft.Net.Http.Headers;

namespace LogLine.Api.Delivery;

/// <summary>Reading spans back: one by its name, its receipt, and many by a filter (contract, section 8).</summary>
internal static class SpanEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    public static void MapSpanReads(this IEndpointRouteBuilder routes)
    {
        var spans = routes.MapGroup("/v1/spans").RequireReader();
        spans.MapGet("/{name}", SpanAsync).Documented(DeliveryDocs.Span);
        spans.MapGet("/{name}/receipt", ReceiptAsync).Documented(DeliveryDocs.Receipt);
        spans.MapPost("/query", QueryAsync).Documented(DeliveryDocs.Query);
    }

    private static async Task SpanAsync(HttpContext http, string name, SpanLedger ledger)
    {
        if (await ledger.Store.FindSpanAsync(http.Principal().Tenant, name) is not { } stored)
        {
            await http.NotFoundAsync($"span '{Shorten(name)}'");
            return;
        }
        if (stored.IsPruned)
        {
            await PrunedAsync(http, name, stored, ledger);
            return;
        }
        if (stored.Span.Length == 0)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.NotFound, $"The content of {name} was erased (span.erase). Its entry and its proof stay: GET /v1/spans/{name}/receipt.")
            {
                Details = new Dictionary<string, object?> { ["reason"] = "erased", ["seq"] = stored.Index + 1, ["hash"] = stored.ReadEntry().Hash },
            });
            return;
        }
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(stored.Span, http.RequestAborted);
    }

    /// <summary>The receipt as the Ack had it; with <c>?witnessed=true</c> in the tree of the newest checkpoint that witnesses have cosigned, with their lines.</summary>
    private static async Task ReceiptAsync(HttpContext http, string name, SpanLedger ledger, WitnessRounds witnesses, string? witnessed)
    {
        if (witnessed is not (null or "true" or "false"))
        {
            const string Wanted = "must be true or false";
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, "witnessed " + Wanted) { Errors = [new FieldError("/witnessed", "query", Wanted)] });
            return;
        }
        if (await ledger.Store.FindSpanAsync(http.Principal().Tenant, name) is not { } stored)
        {
            await http.NotFoundAsync($"span '{Shorten(name)}'");
            return;
        }
        if (stored.IsPruned)
        {
            await PrunedAsync(http, name, stored, ledger);
            return;
        }
        var isWitnessed = witnessed is "true";
        if (isWitnessed && !(witnesses.Cosigned?.Size > stored.Index))
        {
            await http.RefuseAsync(witnesses.Witnesses.Count == 0
                ? new Rejection(RefusalCode.NotFound, "This gateway asks no witnesses.")
                : new Rejection(RefusalCode.Busy, "No checkpoint over this span is cosigned yet.") { RetryAfterSeconds = 1 });
            return;
        }
        var receipt = isWitnessed ? ledger.ReceiptOf(stored, witnesses.Cosigned!.Note) : await ledger.ReceiptOfAsync(stored);
        http.Response.Headers.Vary = HeaderNames.Accept;
        if (PrefersText(http.Request))
        {
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync(TlogProof.Write(stored.Entry, receipt.LogIndex, receipt.InclusionProof, receipt.Checkpoint), http.RequestAborted);
            return;
        }
        await http.WriteAsync(receipt.WriteTo);
    }

    /// <summary>True for a client that would rather have plain text than JSON (RFC 9110, section 12.5.1); one that takes both alike, or anything, gets JSON.</summary>
    private static bool PrefersText(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().Accept;
        return Quality("text/plain") > Quality("application/json");

        // The most specific range that holds a type speaks for it.
        double Quality(string type) => accepted.Where(range => new MediaTypeHeaderValue(type) { Charset = "utf-8" }.IsSubsetOf(range))
            .OrderBy(range => range.MatchesAllTypes ? 2 : range.MatchesAllSubTypes ? 1 : 0).Select(range => range.Quality ?? 1).FirstOrDefault();
    }

    private static Task PrunedAsync(HttpContext http, string name, StoredSpan stored, SpanLedger ledger) => http.RefuseAsync(
        new Rejection(RefusalCode.NotFound, $"{name} was entry {stored.Index} of the log, which keeps entries from {ledger.Minimum} on. Who kept its receipt can still verify it; its leaf hash is in the tiles under /tlog/.")
        {
            Details = new Dictionary<string, object?> { ["reason"] = GapNote.Pruned, ["seq"] = stored.Index + 1, ["minimum_index"] = ledger.Minimum },
        });

    /// <summary><c>{subject?, run_id?, intent?, since?, after?, limit?}</c> → <c>{items[], cursor, gap?}</c></summary>
    private static async Task QueryAsync(HttpContext http, SpanLedger ledger)
    {
        var (query, refused) = await ReadQueryAsync(http);
        if (query is null)
        {
            await http.RefuseAsync(refused!);
            return;
        }
        var gap = await SpanPages.GapAsync(ledger, query);
        var (items, next) = await SpanPages.CollectAsync(ledger.Store, ledger.Size, query with { After = Math.Max(query.After, ledger.Minimum) }, http.RequestAborted);
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (var item in items)
            {
                json.WriteRawValue(item.Span, skipInputValidation: true);
            }
            json.WriteEndArray();
            if (next is { } cursor)
            {
                json.WriteNumber("cursor", cursor);
            }
            else
            {
                json.WriteNull("cursor");
            }
            if (gap is { } missing)
            {
                json.WritePropertyName("gap");
                json.WriteRawValue(GapNote.Utf8(missing.From, missing.To, GapNote.Pruned), skipInputValidation: true);
            }
            json.WriteEndObject();
        });
    }

    private static async Task<(SpanQuery?, Rejection?)> ReadQueryAsync(HttpContext http)
    {
        var body = await RequestReader.ReadBodyAsync(http);
        if (body is null)
        {
            return (null, new Rejection(RefusalCode.TooLarge, $"The body is over {JsonLimits.BodyBytes:N0} bytes."));
        }
        if (!CanonicalJson.TryRead(body, out var json, out var fault))
        {
            return (null, new Rejection(RefusalCode.MalformedJson, fault.Message));
        }
        var root = json.Root;
        if (root.ValueKind != System.Text.Json.JsonValueKind.Object)
        {
            return Wrong("", "the query is a JSON object");
        }
        foreach (var member in root.EnumerateObject())
        {
            var isText = member.Value.ValueKind == System.Text.Json.JsonValueKind.String;
            switch (member.Name)
            {
                case "subject" or "run_id" or "intent" or "since" when !isText:
                    return Wrong(member.Name, "must be a string");
                case "limit" when root.Integer("limit") is not (>= 1 and <= MaxLimit):
                    return Wrong("limit", $"must be an integer from 1 to {MaxLimit}");
                case "after" when member.Value.ValueKind != System.Text.Json.JsonValueKind.Null && root.Integer("after") is not >= 0:
                    return Wrong("after", "must be an integer from 0, the cursor of the answer before");
                case "subject" or "run_id" or "intent" or "since" or "limit" or "after":
                    break;
                default:
                    return Wrong(member.Name, "is not known; there are subject, run_id, intent, since, after, limit");
            }
        }
        DateTimeOffset since = default;
        if (root.Text("since") is { } text && !Timestamps.TryParse(text, out since))
        {
            return Wrong("since", "must be an RFC 3339 time");
        }
        return (new SpanQuery(
            SpanFilter.Of(http.Principal().Tenant, root.Text("subject"), root.Text("run_id"), root.Text("intent")),
            root.Text("since") is null ? null : since, root.Integer("after") ?? 0, (int)(root.Integer("limit") ?? DefaultLimit)), null);
    }

    private static (SpanQuery?, Rejection?) Wrong(string field, string message) =>
        (null, new Rejection(RefusalCode.SchemaInvalid, message) { Errors = [new FieldError(field.Length == 0 ? "" : "/" + field, "query", message)] });

    private static string Shorten(string text) => text.Length <= 96 ? text : text[..93] + "…";
}
