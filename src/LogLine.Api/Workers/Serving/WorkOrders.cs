using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Workers.Serving;

/// <summary>A run as a worker gets it: its row, a permit, and what the permit names.</summary>
internal sealed record WorkOrder(RunRow Run, CanonicalJson Permit, WorkOrderParts Parts, RunRow? Successor, bool AskedToStop, string? Restart)
{
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WritePropertyName("run");
        WorkerWire.WriteRun(json, Run);
        foreach (var (name, part) in new[] { ("permit", Permit), ("span", Parts.Span), ("manifest", Parts.Manifest), ("proof", Parts.Proof), ("evidence", Parts.Evidence) })
        {
            if (part is not null)
            {
                json.WritePropertyName(name);
                json.WriteRawValue(part.Utf8.Span, skipInputValidation: true);
            }
        }
        if (Successor is not null)
        {
            json.WritePropertyName("successor");
            WorkerWire.WriteRun(json, Successor);
        }
        json.WriteBoolean("asked_to_stop", AskedToStop);
        if (Restart is not null)
        {
            json.WriteString("restart", Restart);
        }
        json.WriteEndObject();
    }
}

/// <summary>Puts together what a worker judges a run by, as the ledger has it at this moment, and signs for it.</summary>
internal sealed class WorkOrders(RunDesk desk, TimeProvider time)
{
    /// <summary>The order of a run for one worker; null when its span was erased, and nobody can judge it any more.</summary>
    public async Task<WorkOrder?> OfAsync(RunRow run, string worker)
    {
        var store = desk.Ledger.Store;
        if (await store.FindSpanAsync(run.Tenant, run.Span) is not { Span.Length: > 0 } span)
        {
            return null;
        }
        var manifest = run.Ref is null ? null : await desk.ManifestOfAsync(run);
        var evidence = manifest is null ? null : await desk.EvidenceOfAsync(run, manifest);
        var proof = await ProofAsync(store, run);
        var key = proof?.Root.Text("kid") is { } kid ? await store.FindKeyAsync(run.Tenant, kid) : null;
        var parts = new WorkOrderParts(CanonicalJson.Parse(span.Span), manifest is null ? null : CanonicalJson.Parse(manifest.Utf8), proof, CanonicalJson.Compose(json => WriteEvidence(json, evidence, key)));
        var grants = manifest is null ? [] : GrantOpener.Named(manifest).Where(id => !evidence!.Revoked.Contains(id));
        var permit = RunPermit.Sign(desk.Ledger.Identity, run, worker, parts, grants, time.GetUtcNow());
        return run.Ref is null ? new WorkOrder(run, permit, parts, null, false, null) : new WorkOrder(run, permit, parts, await desk.SuccessorOfAsync(run), await desk.WasAskedToStopAsync(run), await desk.RestartOfAsync(run));
    }

    private static async Task<CanonicalJson?> ProofAsync(ILedgerStore store, RunRow run) =>
        RunDetail.ProofOf(run.Detail) is { } name && await store.FindSpanAsync(run.Tenant, name) is { Span.Length: > 0 } span
            ? CanonicalJson.Parse(CanonicalJson.BytesOf(CanonicalJson.Parse(span.Span).Root.Member("payload").Member("proof")))
            : null;

    private static void WriteEvidence(Utf8JsonWriter json, GrantEvidence? evidence, KeyRow? proofKey)
    {
        json.WriteStartObject();
        json.WriteStartArray("keys");
        foreach (var (kid, key) in evidence?.Keys ?? new Dictionary<string, GrantKey>())
        {
            json.WriteStartObject();
            json.WriteString("kid", kid);
            WorkerWire.WriteTexts(json, "owners", key.Owners);
            json.WriteString("pub", Convert.ToHexStringLower(key.PublicKey));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (proofKey is not null)
        {
            json.WriteStartObject("proof_key");
            json.WriteString("kid", proofKey.Kid);
            json.WriteString("pub", Convert.ToHexStringLower(proofKey.PublicKey));
            json.WriteEndObject();
        }
        WorkerWire.WriteTexts(json, "revoked", evidence?.Revoked ?? (IReadOnlySet<string>)new HashSet<string>());
        json.WriteEndObject();
    }
}
