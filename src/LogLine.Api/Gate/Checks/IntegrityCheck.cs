using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 6: is the body what its sender meant, and who says so?</summary>
internal static class IntegrityCheck
{
    /// <summary>A body without a canonical form cannot be hashed, so nothing after this could be said about it.</summary>
    public static Rejection? CanonicalForm(Judgement item)
    {
        var obstacles = item.Submission.Body.Obstacles;
        return obstacles.Count == 0 ? null : new Rejection(RefusalCode.SchemaInvalid, obstacles[0].Message)
        {
            Errors = [.. obstacles.Select(obstacle => new FieldError(obstacle.Path, "canonical", obstacle.Message))],
        };
    }

    public static Rejection? PayloadHash(Judgement item)
    {
        var sent = item.Submission.PayloadHash;
        if (sent is null)
        {
            return null;
        }
        var actual = ContentHash.HeaderOf(item.Submission.ContentHash);
        return sent == actual ? null : new Rejection(RefusalCode.PayloadHashMismatch, item.Submission.BytesHash is null
            ? $"X-Payload-Hash is '{Cut(sent)}', the canonical body hashes to '{actual}'. Hash the canonical form, not the bytes as sent."
            : $"X-Payload-Hash is '{Cut(sent)}', the path says '{actual}'. Both are the hash of the bytes.")
        {
            Details = new Dictionary<string, object?> { ["expected"] = actual, ["found"] = Cut(sent) },
        };
    }

    public static async ValueTask<Rejection?> SignatureAsync(Judgement item, CancellationToken cancel)
    {
        var submission = item.Submission;
        if (submission.Signature is not { } headers)
        {
            return null;
        }
        if (headers.Algorithm != DomainSignature.Algorithm)
        {
            return Rejection.Signature("algorithm", $"X-Signature-Alg must be '{DomainSignature.Algorithm}'.", "X-Signature-Alg");
        }
        if (headers.Kid is not { } kid || !Identifiers.IsKid(kid))
        {
            return Rejection.Signature("kid", "X-Signature-KeyId is missing or malformed: up to 128 of A-Za-z0-9._:-", "X-Signature-KeyId");
        }
        if (!DomainSignature.TryDecode(headers.Value, out var signature))
        {
            return Rejection.Signature("encoding", "X-Signature must be the padded base64 of 64 bytes.", "X-Signature");
        }
        if (submission.Nonce is null || submission.Timestamp is null || submission.PayloadHash is null)
        {
            return Rejection.Signature("incomplete", "A signed request needs X-Nonce, X-Timestamp and X-Payload-Hash: they are part of what is signed.");
        }
        var (key, untrusted) = await TrustedKeys.ActiveAsync(item, kid, "X-Signature-KeyId");
        if (untrusted is not null)
        {
            return untrusted;
        }
        var request = new SignedRequest
        {
            Method = submission.Method,
            Path = submission.Path,
            Tenant = submission.Tenant,
            Env = submission.Env,
            ContentHash = submission.ContentHash,
            Nonce = submission.Nonce,
            Timestamp = submission.Timestamp,
            IdempotencyKey = submission.IdempotencyKey,
            Kid = kid,
        };
        if (!request.Verify(key.PublicKey, signature))
        {
            return Rejection.Signature("mismatch", $"X-Signature is not a signature of the key '{kid}' over this request (kind 'request').", "X-Signature");
        }
        (item.Kid, item.KeyUsage) = (kid, key.Usage);
        return null;
    }

    private static string Cut(string text) => text.Length <= 96 ? text : text[..93] + "…";
}

/// <summary>Keys of the tenant's registry, as the checks trust them.</summary>
internal static class TrustedKeys
{
    /// <summary>The active key of that kid, or why there is none. What a document says about its own key counts for nothing.</summary>
    public static async ValueTask<(KeyRow Key, Rejection? Untrusted)> ActiveAsync(Judgement item, string kid, string path)
    {
        var key = await item.State.FindKeyAsync(item.Tenant, kid);
        if (!item.TrustedKids.Contains(kid))
        {
            item.TrustedKids.Add(kid);
        }
        return (key!, key switch
        {
            null => Rejection.Signature("unknown_kid", $"The key '{kid}' is not registered for tenant '{item.Tenant}'. Register it with 'wallet.key.register' ('logline init').", path),
            { Status: KeyStatus.Revoked } => Rejection.Signature("revoked_kid", $"The key '{kid}' was revoked. Sign with an active key.", path),
            { Status: KeyStatus.Retired } => Rejection.Signature("retired_kid", $"The key '{kid}' was rotated away. Sign with its successor.", path),
            _ when !MaySign(item, key) => Rejection.Signature("usage", $"The key '{kid}' is registered for {string.Join(", ", key.Usage)}, not for 'sign'; alone, 'admin' signs changes of keys only.", path),
            _ => null,
        });
    }

    /// <summary>A key of usage <c>admin</c> alone can lie in a safe: it changes keys (<c>wallet.key.*</c>) and signs nothing else.</summary>
    private static bool MaySign(Judgement item, KeyRow key) =>
        key.Usage.Contains("sign") || (key.Usage.Contains("admin") && item.Definition?.Name.StartsWith("wallet.key.", StringComparison.Ordinal) == true);
}
