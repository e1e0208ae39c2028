using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>What changes webhooks: what it must agree with, and what it changes.</summary>
internal static class WebhookActs
{
    private const int UsualOverlapSeconds = 86_400;

    /// <summary>Row 13: the subject is the webhook's own, and the payload says one thing.</summary>
    public static Rejection? Consistency(Judgement item)
    {
        var expected = Identifiers.WebhookSubject(item.Tenant, item.Payload.Text("webhook_id")!);
        if (item.Span.Subject != expected)
        {
            return Rejection.Inconsistent("/payload/webhook_id", $"names {expected}, but the span's subject is {item.Span.Subject}");
        }
        if (item.Effect == "webhook.replay" && item.Payload.Integer("seq") is not null && item.Payload.Integer("after") is not null)
        {
            return Rejection.Inconsistent("/payload/after", "cannot be given together with seq: one event, or all behind a place");
        }
        if (item.Effect != "webhook.create")
        {
            return null;
        }
        // Whoever has events sent somewhere reads them.
        if (!item.Submission.Principal.Has("read"))
        {
            return new Rejection(RefusalCode.Forbidden, "A webhook gets what its maker may read, and the token has no scope 'read'.")
            {
                Details = new Dictionary<string, object?> { ["required_permission"] = "read", ["reason"] = "scope" },
            };
        }
        return WebhookPolicy.Malformed(item.Payload.Text("url")!) is { } detail ? Rejection.Inconsistent("/payload/url", detail) : null;
    }

    /// <summary>Row 14: what the operator allows.</summary>
    public static async ValueTask<(string Rule, string Detail)?> ViolationAsync(Judgement item, WebhookPolicy policy)
    {
        if (policy.Violation(item.Payload.Text("url")!) is var (rule, detail))
        {
            return (rule, detail);
        }
        return (await item.State.WebhooksAsync(item.Tenant)).Count >= policy.MaxPerTenant
            ? ("webhooks.limit", $"The tenant has {policy.MaxPerTenant} webhooks, as many as the operator allows (LogLine:Webhooks:MaxPerTenant).")
            : null;
    }

    /// <summary>Row 15: the webhook is this tenant's, and so is the event that is to be delivered again.</summary>
    public static async ValueTask<Rejection?> ExistenceAsync(Judgement item)
    {
        var id = item.Payload.Text("webhook_id")!;
        item.Webhook = await item.State.FindWebhookAsync(item.Tenant, id);
        if (item.Webhook is null)
        {
            return Missing("webhook_id", id, "GET /v1/webhooks lists the tenant's webhooks.");
        }
        if (item.Payload.Integer("seq") is not { } seq)
        {
            return null;
        }
        if (await item.State.FindEntryAsync(seq - 1) is { Span.Length: > 0 } stored && LedgerEntry.TryRead(stored.Entry, out var entry) && entry.Tenant == item.Tenant)
        {
            var span = SpanDocument.View(CanonicalJson.Parse(stored.Span));
            item.Again = new DeliveryRow(seq, span.Intent!, span.Subject!, DeliveryState.Waiting, 0, null, item.Now, null, null, null);
            return null;
        }
        return Missing("seq", seq.ToString(System.Globalization.CultureInfo.InvariantCulture), "A seq is the id of an event of /v1/stream.");
    }

    /// <summary>What it changes, and what its Ack says of it.</summary>
    public static Action<Utf8JsonWriter> Admit(Judgement item, List<LedgerEffect> effects)
    {
        var (tenant, id, payload) = (item.Tenant, item.Payload.Text("webhook_id")!, item.Payload);
        switch (item.Effect)
        {
            case "webhook.create":
                effects.Add(new LedgerEffect.WebhookCreated(new WebhookRow
                {
                    WebhookId = id,
                    Tenant = tenant,
                    Env = item.Submission.Env,
                    Url = payload.Text("url")!,
                    Events = payload.Texts("events"),
                    Description = payload.Text("description"),
                    CreatedAt = item.Now,
                }));
                return json => Write(json, id, 1);
            case "webhook.rotate":
                var from = item.Webhook!.Generation;
                var until = item.Now.AddSeconds(payload.Integer("overlap_seconds") ?? UsualOverlapSeconds);
                effects.Add(new LedgerEffect.WebhookRotated(tenant, id, from, until));
                return json =>
                {
                    Write(json, id, from + 1);
                    json.WriteString("overlap_until", Timestamps.Write(until));
                };
            case "webhook.replay":
                effects.Add(new LedgerEffect.WebhookReplayed(tenant, id, item.Again, payload.Integer("after")));
                return json => json.WriteString("webhook_id", id);
            default:
                effects.Add(new LedgerEffect.WebhookDeleted(tenant, id));
                return json => json.WriteString("webhook_id", id);
        }
    }

    private static void Write(Utf8JsonWriter json, string webhookId, int generation)
    {
        json.WriteString("webhook_id", webhookId);
        json.WriteNumber("generation", generation);
    }

    private static Rejection Missing(string field, string value, string way) => new(RefusalCode.NotFound, $"This tenant has no {field} '{value}'. {way}")
    {
        Details = new Dictionary<string, object?> { [field] = value },
    };
}
