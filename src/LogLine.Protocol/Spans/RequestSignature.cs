using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>What a request signature covers (contract, section 3).</summary>
public sealed record SignedRequest
{
    /// <summary>HTTP method, upper case.</summary>
    public required string Method { get; init; }

    /// <summary>Path with the query string, as sent.</summary>
    public required string Path { get; init; }

    /// <summary>Tenant of the token.</summary>
    public required string Tenant { get; init; }

    /// <summary>Environment in force.</summary>
    public required string Env { get; init; }

    /// <summary><c>blake3:…</c> of the canonical body.</summary>
    public required string ContentHash { get; init; }

    /// <summary><c>X-Nonce</c>.</summary>
    public required string Nonce { get; init; }

    /// <summary><c>X-Timestamp</c>, as sent.</summary>
    public required string Timestamp { get; init; }

    /// <summary><c>Idempotency-Key</c>, unquoted, or null.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary><c>X-Signature-KeyId</c>.</summary>
    public required string Kid { get; init; }

    /// <summary>The value of <c>X-Signature</c>.</summary>
    public string Sign(SigningKey key) => Convert.ToBase64String(DomainSignature.Sign(key, SignatureKind.Request, Canonical().Utf8.Span));

    /// <summary>True when <paramref name="signature"/> is the key's over this request.</summary>
    public bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> signature) =>
        DomainSignature.Verify(publicKey, SignatureKind.Request, Canonical().Utf8.Span, signature);

    private CanonicalJson Canonical() => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("alg", DomainSignature.Algorithm);
        json.WriteString("content_hash", ContentHash);
        json.WriteString("env", Env);
        json.WriteString("idempotency_key", IdempotencyKey);
        json.WriteString("kid", Kid);
        json.WriteString("method", Method);
        json.WriteString("nonce", Nonce);
        json.WriteString("path", Path);
        json.WriteString("tenant", Tenant);
        json.WriteString("timestamp", Timestamp);
        json.WriteEndObject();
    });
}

/// <summary>What a new key signs to show that its private half is there (contract, section 6): <c>{kid, pub, tenant, usage}</c>, each as sent.</summary>
public static class Possession
{
    /// <summary>The value of <c>pop</c>.</summary>
    public static string Sign(SigningKey key, string tenant, string kid, string pub, IReadOnlyList<string> usage) =>
        Convert.ToBase64String(DomainSignature.Sign(key, SignatureKind.Key, Canonical(tenant, kid, pub, usage)));

    /// <summary>True when <paramref name="pop"/> was made by the private half of <paramref name="publicKey"/> for this tenant.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, string tenant, string kid, string pub, IReadOnlyList<string> usage, string? pop) =>
        DomainSignature.TryDecode(pop, out var signature)
        && DomainSignature.Verify(publicKey, SignatureKind.Key, Canonical(tenant, kid, pub, usage), signature);

    private static ReadOnlySpan<byte> Canonical(string tenant, string kid, string pub, IReadOnlyList<string> usage) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("kid", kid);
        json.WriteString("pub", pub);
        json.WriteString("tenant", tenant);
        json.WriteStartArray("usage");
        foreach (var use in usage)
        {
            json.WriteStringValue(use);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }).Utf8.Span;
}
