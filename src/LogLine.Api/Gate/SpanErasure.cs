using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Gate.Checks;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>
/// <c>span.erase</c>: the content of a span goes for good, its entry and hash stay. It cannot be taken back, so a token alone is not enough: the span is signed by an active
/// key of usage <c>admin</c>, and the signature stays in the log beside the reason.
/// </summary>
internal static class SpanErasure
{
    /// <summary>Row 13: signed by an admin key.</summary>
    public static Rejection? Consistency(Judgement item) => item.IsDryRun || (item.Span.IsSigned && item.KeyUsage.Contains("admin")) ? null : new Rejection(
        RefusalCode.Forbidden, "A span is erased by a span that an active key of usage 'admin' has signed itself; a token, or a signed request, is not enough for what cannot be taken back.")
    {
        Details = new Dictionary<string, object?> { ["required_key_usage"] = "admin", ["reason"] = "signature" },
    };

    /// <summary>Row 15: the span is this tenant's. Row 17 needs what it is, so it is read here.</summary>
    public static async ValueTask<Rejection?> ExistenceAsync(Judgement item)
    {
        var name = item.Payload.Text("this")!;
        item.Erased = await item.State.FindSpanAsync(item.Tenant, name);
        return item.Erased is not null ? null : ExistenceCheck.Missing("this", name, "Only a span that the ledger holds can be erased, and not in the array that brings it.");
    }

    /// <summary>Row 17: nothing that the gate judges by may be built on it. What is erased already is erased again without effect.</summary>
    public static Rejection? Lifecycle(Judgement item, Catalogue catalogue)
    {
        if (item.Erased is not { Span.Length: > 0 } stored)
        {
            return null;
        }
        var intent = CanonicalJson.Parse(stored.Span).Root.Text("intent")!;
        return catalogue.Find(intent) is { Sender: IntentSender.Client, Effect: null } && stored.RunId is null ? null : LifecycleCheck.Conflict(
            intent, "span.erase", [], $"{item.Payload.Text("this")} is {intent}, on which the gateway builds (keys, proofs, grants, manifests, runs, tokens, or its own record of them): it cannot be erased. Plain records can.", null);
    }

    /// <summary>What it changes, and what its Ack says of it.</summary>
    public static Action<Utf8JsonWriter> Admit(Judgement item, List<LedgerEffect> effects)
    {
        var (name, changed) = (item.Payload.Text("this")!, item.Erased!.Span.Length > 0);
        if (changed)
        {
            effects.Add(new LedgerEffect.SpanErased(item.Tenant, name, item.Erased.Index));
        }
        return json =>
        {
            json.WriteString("erased", name);
            json.WriteBoolean("changed", changed);
        };
    }
}
