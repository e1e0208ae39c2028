using LogLine.Api.Errors;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 12: does every signature in the span verify, by a key that the tenant's registry has?</summary>
internal static class TrustCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel) =>
        await SpanAsync(item) ?? item.Effect switch
        {
            "minicontainer.apply" => await ProvenanceAsync(item),
            "wallet.proof.submit" => await ProofAsync(item),
            "wallet.key.register" => NewKey(item),
            "wallet.key.rotate" => Rotation(item),
            "wallet.grant.create" => await GrantOfAsync(item, item.Payload.Member("grant"), null, "/payload/grant"),
            _ => null,
        };

    private static async ValueTask<Rejection?> SpanAsync(Judgement item)
    {
        if (!item.Span.IsSigned)
        {
            return null;
        }
        var kid = item.Span.Signature.Text("kid")!;
        var (key, untrusted) = await TrustedKeys.ActiveAsync(item, kid, "/signature/kid");
        if (untrusted is not null)
        {
            return untrusted;
        }
        if (!item.Span.VerifySignature(key.PublicKey))
        {
            return Rejection.Signature("mismatch", $"signature.sig is not a signature of the key '{kid}' over this span (kind 'span').", "/signature/sig");
        }
        (item.Kid, item.KeyUsage) = (kid, key.Usage);
        return null;
    }

    private static async ValueTask<Rejection?> ProvenanceAsync(Judgement item)
    {
        if (item.Payload.Member("manifest") is not { ValueKind: System.Text.Json.JsonValueKind.Object } root)
        {
            return null; // by ref: it was verified when it was applied
        }
        var manifest = item.Manifest = SignedManifest.View(root);
        var (key, untrusted) = await TrustedKeys.ActiveAsync(item, manifest.Kid!, "/payload/manifest/provenance/kid");
        if (untrusted is not null)
        {
            return untrusted;
        }
        if (!manifest.VerifyProvenance(key.PublicKey))
        {
            return Rejection.Signature(
                "mismatch", $"provenance.sig is not a signature of the key '{manifest.Kid}' over this manifest (kind 'manifest'): it was changed after it was signed, or signed as something else.",
                "/payload/manifest/provenance/sig");
        }
        var index = 0;
        foreach (var grant in root.Items("grants"))
        {
            if (await GrantOfAsync(item, grant, manifest.Kid, $"/payload/manifest/grants/{index++}") is { } badGrant)
            {
                return badGrant;
            }
        }
        return null;
    }

    /// <summary>A grant is signed by its own key, which in a manifest is the provenance's when it names none (contract, section 6).</summary>
    private static async ValueTask<Rejection?> GrantOfAsync(Judgement item, System.Text.Json.JsonElement grant, string? provenanceKid, string path)
    {
        var kid = grant.Text("kid") ?? provenanceKid!;
        var (key, untrusted) = await TrustedKeys.ActiveAsync(item, kid, path + "/kid");
        if (untrusted is not null)
        {
            return untrusted;
        }
        return SignedObject.Verify(grant, grant, SignatureKind.Grant, key.PublicKey, "ed25519:"u8) ? null : Rejection.Signature(
            "mismatch", $"grant.sig is not a signature of the key '{kid}' over this grant (kind 'grant').", path + "/sig");
    }

    /// <summary>A rotation is signed by the key that goes; the new key shows that its private half is there, for the same usage.</summary>
    private static Rejection? Rotation(Judgement item)
    {
        var (oldKid, newKid, pub) = (item.Payload.Text("old_kid")!, item.Payload.Text("new_kid")!, item.Payload.Text("new_pub")!);
        if (item.Kid != oldKid)
        {
            return Rejection.Signature("rotation", $"A rotation is signed by the old key '{oldKid}' (span or request signature); this one is {(item.Kid is null ? "not signed" : $"signed by '{item.Kid}'")}.", "/payload/old_kid");
        }
        if (!DomainSignature.TryDecodePublicKey(pub, out var publicKey))
        {
            return Rejection.Signature("encoding", "new_pub is not a public key: 64 hex characters, or the base64 of 32 bytes.", "/payload/new_pub");
        }
        return Possession.Verify(publicKey, item.Tenant, newKid, pub, item.KeyUsage, item.Payload.Text("pop")) ? null : Rejection.Signature(
            "possession", $"pop is not the new key's own signature over {{kid: \"{newKid}\", pub, tenant: \"{item.Tenant}\", usage: [{string.Join(", ", item.KeyUsage)}]}} (kind 'key').", "/payload/pop");
    }

    private static async ValueTask<Rejection?> ProofAsync(Judgement item)
    {
        var proof = item.Payload.Member("proof");
        var kid = proof.Text("kid")!;
        var (key, untrusted) = await TrustedKeys.ActiveAsync(item, kid, "/payload/proof/kid");
        if (untrusted is not null)
        {
            return untrusted;
        }
        if (!SignedObject.Verify(proof, proof, SignatureKind.Proof, key.PublicKey))
        {
            return Rejection.Signature("mismatch", $"proof.sig is not a signature of the key '{kid}' over this proof (kind 'proof').", "/payload/proof/sig");
        }
        _ = Timestamps.TryParse(proof.Text("ts"), out var made);
        _ = Timestamps.TryParse(proof.Text("exp"), out var expires);
        return (expires <= item.Now, expires - made > ProofDraft.MaxLife, expires <= made, made - item.Now > FreshnessCheck.MaxSkew) switch
        {
            (true, _, _, _) => Rejection.Signature("expired", $"The proof expired at {Timestamps.Write(expires)}; it is {Timestamps.Write(item.Now)} now. Make a new one ('logline wallet prove').", "/payload/proof/exp"),
            (_, true, _, _) => Rejection.Signature("life_too_long", $"The proof lives {(expires - made).TotalMinutes:0.#} minutes; at most {ProofDraft.MaxLife.TotalMinutes:0} are accepted.", "/payload/proof/exp"),
            (_, _, true, _) => Rejection.Signature("life_too_short", "The proof expires before it begins.", "/payload/proof/exp"),
            (_, _, _, true) => Rejection.Signature("not_yet_valid", $"The proof begins at {Timestamps.Write(made)}, in the future. Check the signer's clock.", "/payload/proof/ts"),
            _ => null,
        };
    }

    private static Rejection? NewKey(Judgement item)
    {
        var payload = item.Payload;
        var (kid, pub, usage) = (payload.Text("kid")!, payload.Text("pub")!, payload.Texts("usage"));
        if (!DomainSignature.TryDecodePublicKey(pub, out var publicKey))
        {
            return Rejection.Signature("encoding", "pub is not a public key: 64 hex characters, or the base64 of 32 bytes.", "/payload/pub");
        }
        return Possession.Verify(publicKey, item.Tenant, kid, pub, usage, payload.Text("pop")) ? null : Rejection.Signature(
            "possession", $"pop is not the new key's own signature over {{kid, pub, tenant: \"{item.Tenant}\", usage}} (kind 'key').", "/payload/pop");
    }
}
