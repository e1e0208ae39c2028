using System.Security.Cryptography;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Client;

/// <summary>The headers that a write is judged by (contract, section 3).</summary>
/// <param name="Hash"><c>blake3:…</c> of the canonical body, or of the bytes.</param>
/// <param name="Nonce">16 to 128 characters.</param>
/// <param name="MadeAt">When it was made.</param>
/// <param name="IdempotencyKey">Null for what is its own key.</param>
internal sealed record RequestHead(string Hash, string Nonce, DateTimeOffset MadeAt, string? IdempotencyKey = null)
{
    /// <summary>A nonce that nobody has used.</summary>
    public static string NewNonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Adds them; the signature too when there is a key and the environment in force is known.</summary>
    public void WriteTo(HttpRequestMessage request, Profile profile, ProfileSigner? signer)
    {
        var timestamp = Timestamps.Write(MadeAt);
        request.Headers.Add("X-Nonce", Nonce);
        request.Headers.Add("X-Timestamp", timestamp);
        request.Headers.Add("X-Payload-Hash", ContentHash.HeaderOf(Hash));
        if (IdempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", IdempotencyKey);
        }
        if (signer is not null && profile is { Env: { } env, Tenant: { } tenant })
        {
            request.Headers.Add("X-Signature-Alg", DomainSignature.Algorithm);
            request.Headers.Add("X-Signature-KeyId", signer.Kid);
            request.Headers.Add("X-Signature", new SignedRequest
            {
                Method = request.Method.Method,
                Path = request.RequestUri!.PathAndQuery,
                Tenant = tenant,
                Env = env,
                ContentHash = Hash,
                Nonce = Nonce,
                Timestamp = timestamp,
                IdempotencyKey = IdempotencyKey,
                Kid = signer.Kid,
            }.Sign(signer.Key));
        }
    }
}
