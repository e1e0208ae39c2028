using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>What a span that has passed changes, what the gateway says about it, and what its Ack will say.</summary>
internal static class Admission
{
    public static async ValueTask<AdmittedSpan> AdmitAsync(Judgement item)
    {
        var span = item.Span;
        var entry = new LedgerEntry(item.Submission.Env, span.Hash, item.Kid, item.Submission.Principal.TokenId, Timestamps.Write(item.Now), item.Tenant, span.This!);
        var effects = new List<LedgerEffect>(2);
        var followers = new List<Func<ServerIdentity, ServerSpan>>(1);
        RunRow? run = null;
        Action<Utf8JsonWriter>? result = null;
        switch (item.Effect)
        {
            case "minicontainer.apply":
                result = await ApplyManifestAsync(item, effects, followers);
                break;
            case "wallet.key.register":
                result = await RegisterKeyAsync(item, effects);
                break;
            case "wallet.key.revoke":
                effects.Add(new LedgerEffect.KeyRevoked(item.Tenant, item.Payload.Text("kid")!));
                break;
            case "wallet.key.rotate":
                result = RotateKey(item, effects);
                break;
            case "wallet.grant.create":
                result = await CreateGrantAsync(item, effects);
                break;
            case "wallet.grant.revoke":
                effects.Add(new LedgerEffect.GrantRevoked(item.Tenant, item.Payload.Text("grant_id")!));
                break;
            case "quota.set":
                var rate = (int)item.Payload.Integer("rate_per_minute")!;
                effects.Add(new LedgerEffect.QuotaSet(new QuotaRow(
                    item.Tenant, item.Payload.Text("intent_pattern")!, rate, (int)(item.Payload.Integer("burst") ?? Math.Max(1, rate / 6)))));
                break;
            case "tenant.policy.set":
                effects.Add(new LedgerEffect.PolicySet(item.Tenant, Encoding.UTF8.GetString(CanonicalJson.BytesOf(item.Payload))));
                break;
            case "tenant.create":
                result = CreateTenant(item, effects);
                break;
            case "token.create":
                result = CreateToken(item, effects);
                break;
            case "token.revoke":
                effects.Add(new LedgerEffect.TokenRevoked(item.Tenant, item.Payload.Text("token_id")!, item.Now));
                break;
            case "artifact.put":
                result = PutArtifact(item, followers);
                break;
            case "artifact.remove":
                followers.Add(OfArtifact(item, "artifact.removed", item.Artifact!));
                break;
            case "webhook.create" or "webhook.delete" or "webhook.rotate" or "webhook.replay":
                result = WebhookActs.Admit(item, effects);
                break;
            case "span.erase":
                result = SpanErasure.Admit(item, effects);
                break;
            case "minicontainer.verify":
                result = await VerifyManifestAsync(item);
                break;
            case "wallet.proof.submit":
                SubmitProof(item, effects, followers);
                break;
            case "deploy.plan":
                result = item.Plan!.WriteTo;
                break;
            case "deploy.apply" or "deploy.rollback":
                run = Deploy(item, effects, followers);
                result = json => WriteDeploy(json, item);
                break;
            case "run.cancel":
                run = item.Run;
                effects.Add(new LedgerEffect.RunCancelRequested(run!.RunId));
                break;
            case not null when item.Definition!.Family is not null:
                run = Primitive(item, effects, followers);
                break;
        }
        return AdmittedSpan.Admit(entry, span, item.Fingerprint, Answers.Compose(item.Submission.TraceId, item.Repaired, run, result), effects, followers, run?.RunId, item.TrustedKids);
    }

    private static async ValueTask<Action<Utf8JsonWriter>> ApplyManifestAsync(Judgement item, List<LedgerEffect> effects, List<Func<ServerIdentity, ServerSpan>> followers)
    {
        Identifiers.TryParseSubject(item.Span.Subject, out _, out _, out var name);
        var manifest = item.Manifest!;
        var reference = MiniContainerRef.Of(item.Tenant, name, manifest.Root);
        var changed = await item.State.FindManifestAsync(reference) is null;
        if (changed)
        {
            effects.Add(new LedgerEffect.ManifestStored(new ManifestRow(item.Tenant, name, reference.Hash, manifest.Utf8.ToArray())));
            // Known by id from now on, so that each can be revoked.
            foreach (var grant in manifest.Root.Items("grants"))
            {
                if (await item.State.FindGrantAsync(item.Tenant, grant.Text("id")!) is null)
                {
                    effects.Add(new LedgerEffect.GrantStored(new GrantRow(item.Tenant, grant.Text("id")!, Encoding.UTF8.GetString(CanonicalJson.BytesOf(grant)), false)));
                }
            }
        }
        followers.Add(identity => identity.Sign(item.Tenant, item.Submission.Env, "minicontainer.applied", "contract", item.Span.Subject!, item.Now, json =>
        {
            json.WriteString("ref", reference.ToString());
            json.WriteBoolean("changed", changed);
            json.WriteString("span", item.Span.This);
        }));
        return json =>
        {
            json.WriteString("ref", reference.ToString());
            json.WriteBoolean("changed", changed);
        };
    }

    private static async ValueTask<Action<Utf8JsonWriter>> RegisterKeyAsync(Judgement item, List<LedgerEffect> effects)
    {
        var kid = item.Payload.Text("kid")!;
        DomainSignature.TryDecodePublicKey(item.Payload.Text("pub"), out var publicKey);
        var changed = await item.State.FindKeyAsync(item.Tenant, kid) is null;
        if (changed)
        {
            effects.Add(new LedgerEffect.KeyRegistered(new KeyRow(item.Tenant, kid, publicKey, item.Payload.Texts("usage"), KeyStatus.Active)));
        }
        return json =>
        {
            json.WriteString("kid", kid);
            json.WriteString("pub", Convert.ToHexStringLower(publicKey));
            json.WriteBoolean("changed", changed);
        };
    }

    private static Action<Utf8JsonWriter> RotateKey(Judgement item, List<LedgerEffect> effects)
    {
        var kid = item.Payload.Text("new_kid")!;
        DomainSignature.TryDecodePublicKey(item.Payload.Text("new_pub"), out var publicKey);
        effects.Add(new LedgerEffect.KeyRegistered(new KeyRow(item.Tenant, kid, publicKey, item.KeyUsage, KeyStatus.Active)));
        effects.Add(new LedgerEffect.KeyRetired(item.Tenant, item.Payload.Text("old_kid")!));
        return json =>
        {
            json.WriteString("kid", kid);
            json.WriteString("pub", Convert.ToHexStringLower(publicKey));
        };
    }

    private static async ValueTask<Action<Utf8JsonWriter>> CreateGrantAsync(Judgement item, List<LedgerEffect> effects)
    {
        var grant = item.Payload.Member("grant");
        var id = grant.Text("id")!;
        var changed = await item.State.FindGrantAsync(item.Tenant, id) is null;
        if (changed)
        {
            effects.Add(new LedgerEffect.GrantStored(new GrantRow(item.Tenant, id, Encoding.UTF8.GetString(CanonicalJson.BytesOf(grant)), false)));
        }
        return json =>
        {
            json.WriteString("grant_id", id);
            json.WriteBoolean("changed", changed);
        };
    }

    private static Action<Utf8JsonWriter> CreateTenant(Judgement item, List<LedgerEffect> effects)
    {
        var tenant = item.Payload.Text("tenant")!;
        var token = item.NewToken = ApiToken.Create(item.Payload.Text("token_id")!, tenant, ["*"], "dev");
        effects.Add(new LedgerEffect.TenantCreated(new TenantRow(tenant, item.Now)));
        effects.Add(new LedgerEffect.TokenCreated(token.Row));
        return json => json.WriteString("tenant", tenant);
    }

    private static Action<Utf8JsonWriter> CreateToken(Judgement item, List<LedgerEffect> effects)
    {
        var expires = Timestamps.TryParse(item.Payload.Text("expires_at"), out var at) ? at : (DateTimeOffset?)null;
        var token = item.NewToken = ApiToken.Create(
            item.Payload.Text("token_id")!, item.Tenant, item.Payload.Texts("scopes"), item.Payload.Text("env") ?? item.Submission.Principal.Env, expires);
        effects.Add(new LedgerEffect.TokenCreated(token.Row));
        return json => json.WriteString("token_id", token.Row.TokenId);
    }

    private static Action<Utf8JsonWriter> PutArtifact(Judgement item, List<Func<ServerIdentity, ServerSpan>> followers)
    {
        ArtifactHash.TryParse(item.Payload.Text("hash"), out var hash);
        var stored = new StoredArtifact(hash!, item.Payload.Integer("bytes")!.Value, item.Now);
        followers.Add(OfArtifact(item, "artifact.stored", stored));
        return json =>
        {
            json.WriteString("hash", stored.Hash.ToString());
            json.WriteNumber("bytes", stored.Bytes);
        };
    }

    private static Func<ServerIdentity, ServerSpan> OfArtifact(Judgement item, string intent, StoredArtifact artifact) => identity =>
        identity.Sign(item.Tenant, item.Submission.Env, intent, "file", item.Span.Subject!, item.Now, json => artifact.WriteTo(json, item.Submission.Principal.TokenId, item.Span.This));

    /// <summary>What holds of a known manifest today: its key may have been rotated away or revoked since it was applied.</summary>
    private static async ValueTask<Action<Utf8JsonWriter>> VerifyManifestAsync(Judgement item)
    {
        var manifest = item.Manifest!;
        var key = await item.State.FindKeyAsync(item.Tenant, manifest.Kid!);
        return json =>
        {
            json.WriteString("ref", item.Ref!.ToString());
            json.WriteString("kid", manifest.Kid);
            json.WriteString("key_status", key?.Status.ToString().ToLowerInvariant());
            json.WriteBoolean("valid", key is { Status: not KeyStatus.Revoked } && manifest.VerifyProvenance(key.PublicKey));
        };
    }

    private static void SubmitProof(Judgement item, List<LedgerEffect> effects, List<Func<ServerIdentity, ServerSpan>> followers)
    {
        var proof = item.Payload.Member("proof");
        Timestamps.TryParse(proof.Text("exp"), out var expires);
        var row = new ProofRow
        {
            This = item.Span.This!,
            Tenant = item.Tenant,
            Intent = proof.Text("intent")!,
            Allow = proof.Text("result") == "allow",
            Subject = proof.Text("subject")!,
            Hash = ContentHash.Of(CanonicalJson.BytesOf(proof)),
            Env = proof.Text("env"),
            Ref = proof.Text("ref"),
            Target = proof.Member("target") is { ValueKind: JsonValueKind.Object } target ? Encoding.UTF8.GetString(CanonicalJson.BytesOf(target)) : null,
            PlanDigest = proof.Text("plan_digest"),
            Exp = expires,
        };
        effects.Add(new LedgerEffect.ProofStored(row));
        followers.Add(identity => identity.Sign(item.Tenant, item.Submission.Env, "wallet.proof.verified", "decision", item.Span.Subject!, item.Now, json =>
        {
            json.WriteString("proof_intent", row.Intent);
            json.WriteString("result", row.Allow ? "allow" : "deny");
            json.WriteString("proof_subject", row.Subject);
            if (row.Ref is not null)
            {
                json.WriteString("ref", row.Ref);
            }
            json.WriteString("exp", Timestamps.Write(row.Exp));
            json.WriteString("span", row.This);
        }));
    }

    private static RunRow Deploy(Judgement item, List<LedgerEffect> effects, List<Func<ServerIdentity, ServerSpan>> followers)
    {
        effects.Add(new LedgerEffect.ProofConsumed(item.Tenant, item.Proof!.This));
        UseCapabilityProof(item, effects);
        if (item.Plan!.Strategy == DeployStrategy.Unchanged)
        {
            return item.Plan.Live!; // what is wanted runs already, or is about to
        }
        var target = item.Target;
        var run = NewRun(item, item.Service, item.Ref!.ToString(), item.Plan.Course.ToDetail());
        followers.Add(identity => identity.Sign(item.Tenant, item.Submission.Env, "deploy.planned", "function", item.Span.Subject!, item.Now, json =>
        {
            json.WriteString("run_id", run.RunId);
            json.WriteString("ref", run.Ref);
            json.WritePropertyName("target");
            target.WriteTo(json);
            WriteChoice(json, item);
            json.WriteString("span", item.Span.This);
        }) with { RunId = run.RunId });
        Start(item, run, effects, followers);
        return run;
    }

    private static void WriteDeploy(Utf8JsonWriter json, Judgement item)
    {
        json.WriteString("ref", item.Plan!.Wish.Ref);
        json.WriteBoolean("changed", item.Plan.Strategy != DeployStrategy.Unchanged);
        json.WriteString("strategy", DeployCourse.Name(item.Plan.Strategy));
        if (item.Plan.Course.OldRun is { } replaced)
        {
            json.WriteString("replaces", replaced);
        }
        WriteChoice(json, item);
    }

    /// <summary>What <c>auto</c> came to mean, and why.</summary>
    private static void WriteChoice(Utf8JsonWriter json, Judgement item)
    {
        if (item.Choice is { } choice)
        {
            json.WriteString("chosen_provider", choice.Provider);
            json.WriteString("chosen_because", choice.Why);
        }
    }

    private static string Chosen(Judgement item, string detail) => item.Choice is null ? detail : RunDetail.With(detail, json => WriteChoice(json, item));

    private static RunRow Primitive(Judgement item, List<LedgerEffect> effects, List<Func<ServerIdentity, ServerSpan>> followers)
    {
        var (name, operation) = item.Definition!.Work(item.Payload);
        var run = NewRun(item, name, null, RunDetail.OfOrder(new PrimitiveOrder(item.Effect!, operation, item.Payload)));
        if (item.Proof is not null)
        {
            effects.Add(new LedgerEffect.ProofConsumed(item.Tenant, item.Proof.This));
        }
        UseCapabilityProof(item, effects);
        Start(item, run, effects, followers);
        return run;
    }

    /// <summary>Puts a run into the outbox, or straight into the hands of this process's own worker.</summary>
    private static void Start(Judgement item, RunRow run, List<LedgerEffect> effects, List<Func<ServerIdentity, ServerSpan>> followers)
    {
        if (item.State.Taker is not { } taker || !taker.Takes(run.Provider))
        {
            effects.Add(new LedgerEffect.RunCreated(run));
            return;
        }
        var taken = item.Taken = new TakenRun(run, taker, item.Now, item.State.Timestamp, item.Seen);
        effects.Add(taken.Created);
        followers.Add(taken.Pending);
    }

    private static void UseCapabilityProof(Judgement item, List<LedgerEffect> effects)
    {
        if (item.CapabilityProof is { } used)
        {
            effects.Add(new LedgerEffect.ProofConsumed(item.Tenant, used.This));
        }
    }

    /// <summary>A run is named after the span that starts it: judged again, it is the same run.</summary>
    private static RunRow NewRun(Judgement item, string service, string? reference, string detail) => new()
    {
        RunId = item.RunId,
        Tenant = item.Tenant,
        Env = item.Submission.Env,
        Intent = item.Span.Intent!,
        Subject = item.Span.Subject!,
        Provider = item.Provider,
        Service = service,
        Ref = reference,
        Target = Encoding.UTF8.GetString(CanonicalJson.BytesOf(item.Target)),
        Span = item.Span.This!,
        CreatedAt = item.Now,
        Detail = Chosen(item, RunDetail.Traced(RunDetail.Proven(detail, item.Proof?.This), Activity.Current)),
    };
}
