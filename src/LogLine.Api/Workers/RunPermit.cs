using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers;

/// <summary>
/// What a gateway lets one worker do (contract, section 7): <c>ll.permit.v1</c>, signed by the gateway's span key with the kind <c>permit</c>. It names everything that the worker
/// judges by, so that nobody between the two can put something else in its place.
/// </summary>
internal static class RunPermit
{
    /// <summary>Value of <c>type</c>.</summary>
    public const string Type = "ll.permit.v1";

    /// <summary>How long it is good for: from the lease to the container.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    /// <summary>Signs a permit.</summary>
    /// <param name="identity">The gateway.</param>
    /// <param name="run">The run.</param>
    /// <param name="worker">Kid of the worker.</param>
    /// <param name="parts">What the worker gets beside it.</param>
    /// <param name="grants">The grants of the manifest that are not revoked.</param>
    /// <param name="now">When.</param>
    public static CanonicalJson Sign(ServerIdentity identity, RunRow run, string worker, WorkOrderParts parts, IEnumerable<string> grants, DateTimeOffset now) =>
        identity.SignPermit(kid => CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteString("alg", DomainSignature.Algorithm);
            json.WriteString("evidence_hash", ContentHash.Of(parts.Evidence.Utf8.Span));
            json.WriteString("exp", Timestamps.Write(now + Life));
            WorkerWire.WriteTexts(json, "grants", grants);
            json.WriteString("kid", kid);
            json.WriteString("order_hash", OrderHash(run));
            json.WriteString("proof_hash", parts.Proof is { } proof ? ContentHash.Of(proof.Utf8.Span) : null);
            json.WriteString("ref", run.Ref);
            json.WriteString("row_hash", RowHash(run));
            json.WriteString("run_id", run.RunId);
            json.WriteString("span_hash", ContentHash.Of(parts.Span.Utf8.Span));
            json.WritePropertyName("target");
            json.WriteRawValue(run.Target);
            json.WriteString("tenant", run.Tenant);
            json.WriteString("type", Type);
            json.WriteString("worker", worker);
            json.WriteEndObject();
        }));

    /// <summary>Hash of what never changes in a run's row and is said nowhere else: <c>{created_at, env, intent, provider, service, subject}</c>.</summary>
    public static string RowHash(RunRow run) => ContentHash.Of(CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("created_at", Timestamps.Write(run.CreatedAt));
        json.WriteString("env", run.Env);
        json.WriteString("intent", run.Intent);
        json.WriteString("provider", run.Provider);
        json.WriteString("service", run.Service);
        json.WriteString("subject", run.Subject);
        json.WriteEndObject();
    }).Utf8.Span);

    /// <summary>Hash of what a primitive is asked to do, or of the course of a deploy; of an empty object where there is none.</summary>
    public static string OrderHash(RunRow run)
    {
        using var detail = JsonDocument.Parse(run.Detail);
        return detail.RootElement.Member(RunDetail.HiddenMember) is { ValueKind: JsonValueKind.Object } order
            ? ContentHash.Of(CanonicalJson.Parse(order.GetRawText()).Utf8.Span)
            : ContentHash.Of("{}"u8);
    }
}

/// <summary>What a worker gets with a run, to judge it by.</summary>
/// <param name="Span">The span that started it.</param>
/// <param name="Manifest">The manifest of its ref, or null.</param>
/// <param name="Proof">The proof that let it through, or null.</param>
/// <param name="Evidence">What the ledger says of keys and grants: <c>{keys[{kid, owners[], pub}], proof_key?, revoked[]}</c>.</param>
internal sealed record WorkOrderParts(CanonicalJson Span, CanonicalJson? Manifest, CanonicalJson? Proof, CanonicalJson Evidence);
