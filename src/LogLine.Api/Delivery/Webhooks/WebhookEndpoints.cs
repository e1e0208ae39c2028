using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Submissions;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>Webhooks (contract, section 8; docs/webhooks.md). Each change is a span; a secret is shown once and never recorded.</summary>
internal static class WebhookEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/webhooks", CreateAsync).Documented(WebhookDocs.Create);
        routes.MapDelete("/v1/webhooks/{id}", DeleteAsync).Documented(WebhookDocs.Delete);
        routes.MapPost("/v1/webhooks/{id}/rotate", RotateAsync).Documented(WebhookDocs.Rotate);
        routes.MapPost("/v1/webhooks/{id}/replay", ReplayAsync).Documented(WebhookDocs.Replay);
        var reads = routes.MapGroup("/v1/webhooks").RequireReader();
        reads.MapGet("", ListAsync).Documented(WebhookDocs.List);
        reads.MapGet("/{id}", ShowAsync).Documented(WebhookDocs.Show);
        reads.MapGet("/{id}/deliveries", DeliveriesAsync).Documented(WebhookDocs.Deliveries);
    }

    /// <summary><c>{url, events[], description?}</c> → 201 <c>{id, secret, public_key, url, events}</c></summary>
    private static Task CreateAsync(HttpContext http, WebhookSecrets secrets, SpanLedger ledger) => http.ActAsync(
        Act("webhook.create", "wh_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), 201) with { BodyRequired = true, Answer = (json, answer, ack) => WriteSecret(json, answer, ack, secrets, ledger) });

    /// <summary>204; what waits is forgotten.</summary>
    private static Task DeleteAsync(HttpContext http, string id) => http.ActAsync(Act("webhook.delete", id, 204));

    /// <summary><c>{overlap_seconds?}</c> → 200 <c>{id, secret, overlap_until}</c></summary>
    private static Task RotateAsync(HttpContext http, string id, WebhookSecrets secrets, SpanLedger ledger) =>
        http.ActAsync(Act("webhook.rotate", id, 200) with { Answer = (json, answer, ack) => WriteSecret(json, answer, ack, secrets, ledger) });

    /// <summary><c>{seq?}</c> or <c>{after?}</c>, or neither for the dead letters → 200 <c>{id}</c></summary>
    private static Task ReplayAsync(HttpContext http, string id) =>
        http.ActAsync(Act("webhook.replay", id, 200) with { Answer = (json, _, ack) => json.WriteString("id", ack.Member("result").Text("webhook_id")) });

    private static RouteAct Act(string intent, string id, int status) => new(
        intent, (_, tenant) => Identifiers.WebhookSubject(tenant, Identifiers.IsName(id) ? id : "unnamed"), "webhook_id", id, status);

    private static void WriteSecret(Utf8JsonWriter json, SubmissionAnswer answer, JsonElement ack, WebhookSecrets secrets, SpanLedger ledger)
    {
        var result = ack.Member("result");
        var id = result.Text("webhook_id")!;
        json.WriteString("id", id);
        if (answer.Replayed)
        {
            json.WriteBoolean("replayed", true);
        }
        else
        {
            using var secret = secrets.Of(id, (int)result.Integer("generation")!);
            json.WriteString("secret", WebhookSignature.WriteSecret(secret.Reveal()));
        }
        json.WriteString("public_key", WebhookSignature.WritePublicKey(ledger.Identity.WebhookKey.PublicKey));
        if (result.Text("overlap_until") is { } until)
        {
            json.WriteString("overlap_until", until);
        }
    }

    /// <summary><c>{items[]}</c></summary>
    private static async Task ListAsync(HttpContext http, SpanLedger ledger)
    {
        var rows = await ledger.Store.WebhooksAsync(http.Principal().Tenant);
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            rows.ForEach(row => Write(json, row));
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static async Task ShowAsync(HttpContext http, string id, SpanLedger ledger)
    {
        if (await ledger.Store.FindWebhookAsync(http.Principal().Tenant, id) is not { } row)
        {
            await http.NotFoundAsync("webhook of that id");
            return;
        }
        await http.WriteAsync(json => Write(json, row));
    }

    /// <summary><c>?state=waiting|delivered|dead&amp;before=&amp;limit=</c> → <c>{items[], cursor}</c>, newest first; <c>cursor</c> goes into <c>before</c>.</summary>
    private static async Task DeliveriesAsync(HttpContext http, string id, SpanLedger ledger, string? state, string? before, string? limit)
    {
        DeliveryState wanted = default;
        var (from, most) = (long.MaxValue, (long)DefaultLimit);
        if (state is not null && !(Enum.TryParse(state, ignoreCase: true, out wanted) && state == wanted.ToString().ToLowerInvariant()))
        {
            await http.RefuseAsync(Wrong("state", "must be waiting, delivered or dead"));
        }
        else if (before is not null && !long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out from))
        {
            await http.RefuseAsync(Wrong("before", "must be an integer from 0, the cursor of the answer before"));
        }
        else if (limit is not null && !(long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) && most is >= 1 and <= MaxLimit))
        {
            await http.RefuseAsync(Wrong("limit", $"must be an integer from 1 to {MaxLimit}"));
        }
        else if (await ledger.Store.FindWebhookAsync(http.Principal().Tenant, id) is null)
        {
            await http.NotFoundAsync("webhook of that id");
        }
        else
        {
            var rows = await ledger.Store.DeliveriesAsync(id, state is null ? null : wanted, from, (int)most);
            await http.WriteAsync(json => Write(json, id, rows, rows.Count == most ? rows[^1].Seq : null));
        }
    }

    private static void Write(Utf8JsonWriter json, WebhookRow row)
    {
        json.WriteStartObject();
        json.WriteString("id", row.WebhookId);
        json.WriteString("url", row.Url);
        json.WriteStartArray("events");
        foreach (var pattern in row.Events)
        {
            json.WriteStringValue(pattern);
        }
        json.WriteEndArray();
        if (row.Description is not null)
        {
            json.WriteString("description", row.Description);
        }
        json.WriteString("env", row.Env);
        json.WriteString("status", row.IsActive ? "active" : "disabled");
        json.WriteString("created_at", Timestamps.Write(row.CreatedAt));
        json.WriteNumber("cursor", row.Cursor);
        WriteTime(json, "failing_since", row.FailingSince);
        WriteTime(json, "overlap_until", row.OverlapUntil);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string webhookId, List<DeliveryRow> rows, long? cursor)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("webhook_id", WebhookMessage.IdOf(webhookId, row.Seq));
            json.WriteNumber("seq", row.Seq);
            json.WriteString("event", row.Event);
            json.WriteString("subject", row.Subject);
            json.WriteString("state", row.State.ToString().ToLowerInvariant());
            json.WriteNumber("attempts", row.Attempts);
            WriteTime(json, "first_attempt_at", row.FirstAt);
            WriteTime(json, "last_attempt_at", row.LastAt);
            WriteTime(json, "next_attempt_at", row.State == DeliveryState.Waiting ? row.NextAt : null);
            if (row.Status is { } status)
            {
                json.WriteNumber("status", status);
            }
            if (row.Error is not null)
            {
                json.WriteString("error", row.Error);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (cursor is { } next)
        {
            json.WriteNumber("cursor", next);
        }
        else
        {
            json.WriteNull("cursor");
        }
        json.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } at)
        {
            json.WriteString(name, Timestamps.Write(at));
        }
    }

    private static Rejection Wrong(string field, string message) => new(RefusalCode.SchemaInvalid, message) { Errors = [new FieldError("/" + field, "query", message)] };
}
