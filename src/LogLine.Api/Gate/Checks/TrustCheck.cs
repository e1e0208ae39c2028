using LogLine.Api.Errors;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 12: does every signature in the span verify, by a key that the tenant's registry has?</summary>
internal static class TrustCheck
{
    public static Rejection? Judge(Judgement item) =>
        Span(item) ?? item.Effect switch
        {
            "minicontainer.apply" => Provenance(item),
            "wallet.proof.submit" => Proof(item),
            "wallet.key.register" => NewKey(item),
            _ => null,
        };

    private static Rejection? Span(Judgement item)
    {
        if (!item.Span.IsSigned)
        {
            return null;
        }
        var kid = item.Span.Signature.Text("kid")!;
        if (TrustedKeys.Active(item, kid, "/signature/kid", out var key) is { } untrusted)
        {
            return untrusted;
        }
        if (!DomainSignature.TryDecode(item.Span.Signature.Text("sig"), out var signature)
            || !DomainSignature.Verify(key.PublicKey, SignatureKind.Span, item.Span.SignedBytes(), signature))
        {
            return Rejection.Signature("mismatch", $"signature.sig is not a signature of the key '{kid}' over this span (kind 'span').", "/signature/sig");
        }
        (item.Kid, item.KeyUsage) = (kid, key.Usage);
        return null;
    }

    private static Rejection? Provenance(Judgement item)
    {
        if (item.Payload.Member("manifest") is not { ValueKind: System.Text.Json.JsonValueKind.Object } root)
        {
            return null; // by ref: it was verified when it was applied
        }
        var manifest = item.Manifest = SignedManifest.View(root);
        if (TrustedKeys.Active(item, manifest.Kid!, "/payload/manifest/provenance/kid", out var key) is { } untrusted)
        {
            return untrusted;
        }
        return manifest.VerifyProvenance(key.PublicKey) ? null : Rejection.Signature(
            "mismatch", $"provenance.sig is not a signature of the key '{manifest.Kid}' over this manifest (kind 'manifest'): it was changed after it was signed, or signed as something else.",
            "/payload/manifest/provenance/sig");
    }

    private static Rejection? Proof(Judgement item)
    {
        var proof = item.Payload.Member("proof");
        var kid = proof.Text("kid")!;
        if (TrustedKeys.Active(item, kid, "/payload/proof/kid", out var key) is { } untrusted)
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
