using System.Text.Json;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers.Working;

/// <summary>A run and what it is judged by, as a worker has verified it.</summary>
/// <param name="Run">Its row.</param>
/// <param name="Manifest">The manifest of its ref, or null.</param>
/// <param name="Evidence">What the gateway's permit says of keys and grants.</param>
/// <param name="Successor">The live run that takes its place, or null.</param>
/// <param name="AskedToStop">Whether a client stopped its container.</param>
/// <param name="Restart">The run of a client's restart that is at work on its container, or null.</param>
internal sealed record VerifiedOrder(RunRow Run, SignedManifest? Manifest, GrantEvidence Evidence, RunRow? Successor, bool AskedToStop, string? Restart);

/// <summary>
/// Judges what a worker was given, before it acts on it: is it the gateway's word, for this worker and now; is the run what its span wanted, and its work what the worker's own catalogue says of the span's intent; is
/// the manifest its ref's, and signed by a key that the ledger trusted; did a proof authorise exactly this?
/// </summary>
internal sealed class OrderCheck(WorkerIdentity identity, ServerPin pin, Catalogue catalogue, TimeProvider time)
{
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(120);

    /// <summary>The order; or, when it does not hold, why. <c>IsLeft</c> when nothing but its time is wrong, or the intent is not known here: it may hold once the clocks agree, or at another worker.</summary>
    public (VerifiedOrder? Order, string? Problem, bool IsLeft) Verify(JsonElement order)
    {
        var (permit, span, evidence) = (Part(order, "permit"), Part(order, "span"), Part(order, "evidence"));
        if (permit is null || span is null || evidence is null)
        {
            return (null, "the order has no permit, span or evidence", false);
        }
        var (manifest, proof, run) = (Part(order, "manifest"), Part(order, "proof"), WorkerWire.ReadRun(order.Member("run")));
        var problem = OfPermit(permit.Root, run) ?? OfParts(permit.Root, run, span, proof, evidence) ?? OfSpan(span.Root, run) ?? OfIntent(span.Root.Member("payload"), run) ?? OfManifest(manifest, evidence.Root, run) ?? OfProof(proof, evidence.Root, span.Root, run);
        if ((problem ?? OfCatalogue(run) ?? OfTime(permit.Root)) is { } wrong)
        {
            return (null, wrong, problem is null);
        }
        return (new VerifiedOrder(run, manifest is null ? null : SignedManifest.View(manifest.Root), Evidence(permit.Root, evidence.Root, manifest),
            order.Member("successor") is { ValueKind: JsonValueKind.Object } successor ? WorkerWire.ReadRun(successor) : null, order.Flag("asked_to_stop") ?? false, order.Text("restart")), null, false);
    }

    /// <summary>True when a permit names another key of the gateway than the known one: the key was replaced, or it is another gateway.</summary>
    public bool IsOfAnotherKey(JsonElement order) =>
        pin.PublicKey is { } key && order.Member("permit").Text("kid") is { } kid && kid != ServerIdentity.SpanKidOf(key);

    private string? OfPermit(JsonElement permit, RunRow run)
    {
        if (pin.PublicKey is not { } key || permit.Text("type") != RunPermit.Type || permit.Text("alg") != DomainSignature.Algorithm || !SignedObject.Verify(permit, permit, SignatureKind.Permit, key))
        {
            return "the permit is not signed by the gateway's key";
        }
        if (!Identifiers.IsRunId(run.RunId))
        {
            return "its run_id is none"; // names of files and addresses are made of it
        }
        return permit.Text("worker") != identity.Kid || permit.Text("run_id") != run.RunId || permit.Text("tenant") != run.Tenant ? "the permit is for another worker or run" : null;
    }

    private string? OfTime(JsonElement permit)
    {
        var now = time.GetUtcNow();
        return Timestamps.TryParse(permit.Text("exp"), out var expires) && now < expires + Skew ? null
            : $"the permit has expired ({permit.Text("exp")}; here it is {Timestamps.Write(now)}): if it is new, the clocks of gateway and worker differ";
    }

    /// <summary>Gateways that were upgraded before this worker send what a newer one knows.</summary>
    private string? OfCatalogue(RunRow run) => catalogue.Find(run.Intent) is null ? $"the worker's own catalogue (LogLine:Schemas) has no intent '{run.Intent}'" : null;

    private static string? OfParts(JsonElement permit, RunRow run, CanonicalJson span, CanonicalJson? proof, CanonicalJson evidence)
    {
        foreach (var (name, expected) in new (string, string?)[]
        {
            ("span_hash", Hash(span)), ("evidence_hash", Hash(evidence)), ("proof_hash", proof is null ? null : Hash(proof)), ("order_hash", RunPermit.OrderHash(run)), ("row_hash", RunPermit.RowHash(run)), ("ref", run.Ref),
        })
        {
            if (permit.Text(name) != expected)
            {
                return $"{name} of the permit is not that of what came with it";
            }
        }
        return Same(permit.Member("target"), CanonicalJson.Parse(run.Target).Root) ? null : "target of the permit is not the run's";
    }

    private static string? OfSpan(JsonElement span, RunRow run)
    {
        var payload = span.Member("payload");
        if (span.Text("this") != run.Span || span.Text("intent") != run.Intent || span.Text("subject") != run.Subject)
        {
            return "the run is not what its span wanted";
        }
        if (run.Intent == "deploy.rollback")
        {
            return null; // where it goes back to is the gate's decision; ref and target are in the permit
        }
        var target = payload.Member("target");
        var chosen = target.Text("provider") == RunTargets.Auto ? ProviderChoice.At(target, EngineName.ProviderOf(run.Provider)) : target; // which one it came to be is in the permit
        if (!Same(chosen, CanonicalJson.Parse(run.Target).Root) || (run.Ref is not null && payload.Text("ref") != run.Ref))
        {
            return "ref and target of the run are not those of its span";
        }
        return run.Ref is not null || Same(payload, CanonicalJson.Parse(RunDetail.Order(run.Detail).Arguments.GetRawText()).Root) ? null : "the arguments of the run are not those of its span";
    }

    /// <summary>What is carried out follows from the intent, here as at the gate: another effect than its own would do something else with the same arguments, and one without its step would neither wait for its turn nor be judged by where the container stands.</summary>
    private string? OfIntent(JsonElement payload, RunRow run)
    {
        if (catalogue.Find(run.Intent) is not { } intent)
        {
            return null; // which is no fault of the order
        }
        if (run.Ref is not null != intent.IsDeploy || (run.Ref is null && intent.Family is null))
        {
            return "the run is not of the kind that its intent starts";
        }
        var target = CanonicalJson.Parse(run.Target).Root;
        var (name, operation) = intent.Work(payload);
        if ((run.Provider, run.Service) != (EngineName.Of(target), run.Ref is null ? name : target.Text("service") ?? ""))
        {
            return "engine and name of the run are not those of its target and span";
        }
        return run.Ref is not null || (RunDetail.Order(run.Detail) is var order && (order.Effect, order.Operation) == (intent.Effect, operation)) ? null : "effect and operation of the run are not those of its intent";
    }

    private static string? OfManifest(CanonicalJson? manifest, JsonElement evidence, RunRow run)
    {
        if (run.Ref is null)
        {
            return null;
        }
        if (manifest is null || !MiniContainerRef.TryParse(run.Ref, out var reference) || reference.Hash != Hash(manifest) || reference.Tenant != run.Tenant)
        {
            return "the manifest is not that of the run's ref";
        }
        var view = SignedManifest.View(manifest.Root);
        return view.OwnerTenant == run.Tenant && Key(evidence.Items("keys").FirstOrDefault(key => key.Text("kid") == view.Kid)) is { } signer && view.VerifyProvenance(signer) ? null
            : "the manifest is not signed by a key that the ledger trusted when it took it in";
    }

    private static string? OfProof(CanonicalJson? document, JsonElement evidence, JsonElement span, RunRow run)
    {
        if (document is null)
        {
            return run.Ref is null && RunDetail.ProofOf(run.Detail) is null ? null : "the run came without its proof";
        }
        var proof = document.Root;
        if (evidence.Member("proof_key") is not { ValueKind: JsonValueKind.Object } signer || signer.Text("kid") != proof.Text("kid") || Key(signer) is not { } key || !SignedObject.Verify(proof, proof, SignatureKind.Proof, key))
        {
            return "the proof is not signed by a key of the tenant";
        }
        var intent = run.Ref is not null ? "deploy.allow" : SecretAccess.IsBy(RunDetail.Order(run.Detail).Effect) ? SecretAccess.ProofIntent : null;
        var names = proof.Text("result") == "allow" && proof.Text("tenant") == run.Tenant && proof.Text("subject") == span.Text("subject") && (intent is null || proof.Text("intent") == intent)
            && (proof.Text("env") is not { } env || env == run.Env) && (proof.Text("ref") is not { } named || named == run.Ref)
            && (proof.Text("plan_digest") is not { } digest || span.Member("payload").Is("plan_digest", digest))
            && (proof.Member("target") is not { ValueKind: JsonValueKind.Object } target || Same(target, CanonicalJson.Parse(run.Target).Root) || Same(target, span.Member("payload").Member("target")));
        var alive = Timestamps.TryParse(proof.Text("ts"), out var from) && Timestamps.TryParse(proof.Text("exp"), out var until)
            && until - from <= ProofDraft.MaxLife && from <= run.CreatedAt + Skew && run.CreatedAt < until;
        return !names ? "the proof authorises something else" : alive ? null : "the proof was not alive when the run was admitted";
    }

    /// <summary>What the permit does not name is treated as revoked.</summary>
    private static GrantEvidence Evidence(JsonElement permit, JsonElement evidence, CanonicalJson? manifest)
    {
        var alive = permit.Texts("grants").ToHashSet();
        var revoked = evidence.Texts("revoked").ToHashSet();
        revoked.UnionWith(manifest is null ? [] : GrantOpener.Named(SignedManifest.View(manifest.Root)).Where(id => !alive.Contains(id)));
        return new GrantEvidence(
            evidence.Items("keys").Where(key => Key(key) is not null).ToDictionary(key => key.Text("kid")!, key => new GrantKey(Key(key)!, key.Texts("owners"))), revoked);
    }

    private static byte[]? Key(JsonElement holder) => DomainSignature.TryDecodePublicKey(holder.Text("pub"), out var key) ? key : null;

    private static CanonicalJson? Part(JsonElement order, string name) =>
        order.Member(name) is { ValueKind: JsonValueKind.Object } part && CanonicalJson.TryRead(System.Text.Encoding.UTF8.GetBytes(part.GetRawText()), out var json, out _) ? json : null;

    private static string Hash(CanonicalJson json) => ContentHash.Of(json.Utf8.Span);

    private static bool Same(JsonElement one, JsonElement other) =>
        one.ValueKind == JsonValueKind.Object && other.ValueKind == JsonValueKind.Object && CanonicalJson.BytesOf(one).SequenceEqual(CanonicalJson.BytesOf(other));
}
