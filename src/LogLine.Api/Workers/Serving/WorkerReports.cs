using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers.Serving;

/// <summary>
/// Takes what workers say about their runs: spans that they have signed with their event key. A span is appended as it came, or not at all; what the run's row says follows from it, in the
/// same transaction, and only while the worker holds the run.
/// </summary>
internal sealed class WorkerReports(RunDesk desk, Catalogue catalogue, WorkerLeases leases, TimeProvider time)
{
    private const int MostSpans = 64;

    /// <summary>What is wrong, or null: the spans are on the ledger then, now or from an earlier try.</summary>
    /// <param name="caller">The worker.</param>
    /// <param name="run">The run as it stands.</param>
    /// <param name="report"><c>{spans[], result?}</c>: states that follow each other, with a primitive's result, or notes.</param>
    /// <param name="cancel">Gives up waiting.</param>
    public async Task<Rejection?> TakeAsync(WorkerCaller caller, RunRow run, JsonElement report, CancellationToken cancel)
    {
        var spans = new List<ServerSpan>();
        foreach (var (item, i) in report.Items("spans").Select((item, i) => (item, i)))
        {
            if (Problem(caller, run, item, out var span) is { } problem)
            {
                return Rejection.Inconsistent($"/spans/{i}", problem);
            }
            if (await desk.Ledger.Store.FindSpanAsync(run.Tenant, span.Span.This!) is not { } known)
            {
                spans.Add(span);
            }
            else if (!known.IsPruned && known.ReadEntry().Hash != span.Span.Hash)
            {
                return Rejection.Inconsistent($"/spans/{i}/this", "is the name of another span");
            }
        }
        var count = report.Items("spans").Count();
        if (count is 0 or > MostSpans)
        {
            return Rejection.Inconsistent("/spans", $"must hold 1 to {MostSpans} spans");
        }
        if (spans.Count == 0)
        {
            return null; // said before, and the answer was lost
        }
        if (run.LeaseOwner != caller.Id)
        {
            return LeaseLost(run);
        }
        if (spans.TrueForAll(span => RunEvents.IsNote(span.Span.Intent!)))
        {
            await desk.NoteAsync(run, spans, cancel);
            return null;
        }
        if (spans.Exists(span => RunEvents.IsNote(span.Span.Intent!)))
        {
            return Rejection.Inconsistent("/spans", "must be states alone, or notes alone");
        }
        var result = report.Member("result") is { ValueKind: JsonValueKind.Object } body ? body : (JsonElement?)null;
        if (await desk.MoveAsync(run, spans, result, new RunHolder(caller.Id, leases.Life), cancel))
        {
            return null;
        }
        return await desk.FindAsync(run.RunId) is { } now && now.LeaseOwner == caller.Id ? NoSuchStep(now, spans[0]) : LeaseLost(run);
    }

    /// <summary>The run is another worker's by now, or nobody's.</summary>
    public static Rejection LeaseLost(RunRow run) => Conflict(run, "lease_lost", $"{run.RunId} is not leased to this process of this worker (any more). Stop acting on it; it goes on with whoever has it.");

    private static Rejection NoSuchStep(RunRow run, ServerSpan span) => Conflict(run, "no_such_step", $"{run.RunId} is {RunStates.Name(run.State)}; {span.Span.Intent} and what comes behind it do not follow that.");

    private static Rejection Conflict(RunRow run, string reason, string detail) => new(RefusalCode.LifecycleConflict, detail)
    {
        Details = new Dictionary<string, object?> { ["from"] = RunStates.Name(run.State), ["operation"] = "report", ["legal"] = Array.Empty<string>(), ["reason"] = reason },
    };

    private string? Problem(WorkerCaller caller, RunRow run, JsonElement item, out ServerSpan signed)
    {
        signed = null!;
        if (item.ValueKind != JsonValueKind.Object || !CanonicalJson.TryRead(System.Text.Encoding.UTF8.GetBytes(item.GetRawText()), out var json, out _) || json.Obstacles.Count > 0)
        {
            return "must be a span in canonical JSON";
        }
        var span = SpanDocument.View(json);
        if (span.Intent is not { } intent || (RunEvents.StateOf(intent) is null && !RunEvents.IsNote(intent)) || catalogue.Find(intent) is not { } definition)
        {
            return "must say a state of the run, its progress, or what becomes of its grants";
        }
        if (span.Subject != run.Subject || span.Payload.Text("run_id") != run.RunId || span.Payload.Text("kind") != definition.Kind || span.Root.Text("entity_type") != definition.EntityType)
        {
            return $"must have the run's subject, run_id, the kind {definition.Kind} and the entity type {definition.EntityType}";
        }
        if (span.This is not { Length: 45 } name || !name.StartsWith(SpanDocument.ThisPrefix, StringComparison.Ordinal) || !Guid.TryParseExact(name[SpanDocument.ThisPrefix.Length..], "D", out _) || name != name.ToLowerInvariant())
        {
            return "needs a name of its own: this, urn:span:<lower-case uuid>";
        }
        if (!Timestamps.TryParse(span.Ts, out _) || definition.Payload.Validate(span.Payload) is { Count: > 0 })
        {
            return $"does not have the form of {intent} (GET /v1/catalog)";
        }
        if (span.Signature.Text("kid") != caller.Key.Kid || !span.VerifySignature(caller.Key.PublicKey, SignatureKind.Event))
        {
            return $"must be signed by {caller.Key.Kid}, with the kind 'event'";
        }
        signed = new ServerSpan(new LedgerEntry(run.Env, span.Hash, caller.Key.Kid, caller.Principal.TokenId, Timestamps.Write(time.GetUtcNow()), run.Tenant, name), span);
        return null;
    }
}
