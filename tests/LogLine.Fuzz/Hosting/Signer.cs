using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LogLine.Fuzz.Mutation;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Fuzz.Hosting;

/// <summary>Signs what was changed, so that a change gets past the signatures that would refuse it. The key is the same in every run.</summary>
internal static class Signer
{
    /// <summary>The registered key's id.</summary>
    public const string Kid = "kid_sign_1";

    /// <summary>The tenant of all requests.</summary>
    public const string Tenant = "dev";

    /// <summary>The key.</summary>
    public static SigningKey Key { get; } = SigningKey.FromSeed(SHA256.HashData("logline fuzz"u8));

    /// <summary>The span with fresh signatures on what in it is signed, as far as it has a canonical form and room for them.</summary>
    public static JsonNode SignAll(JsonNode span, Random random)
    {
        try
        {
            return SignEach(span, random);
        }
        catch (FormatException)
        {
            return span;
        }
    }

    private static JsonNode SignEach(JsonNode span, Random random)
    {
        if (span is not JsonObject members)
        {
            return span;
        }
        if (members["payload"] is JsonObject payload)
        {
            Replace(payload, "manifest", manifest => Without(manifest, "provenance") is { } bare ? SignedManifest.Sign(bare, Kid, Key) : null);
            Replace(payload, "proof", proof => Without(proof, "sig") is { } bare ? SignedObject.Sign(bare, SignatureKind.Proof, Key) : null);
            Replace(payload, "grant", grant => Without(grant, "sig") is { } bare ? SignedObject.Sign(bare, SignatureKind.Grant, Key, "ed25519:") : null);
            Possess(payload);
        }
        return random.Next(3) == 0 ? span : SignSpan(members, random);
    }

    /// <summary>The request, signed over what it is.</summary>
    public static FuzzRequest SignRequest(FuzzRequest request)
    {
        if (!CanonicalJson.TryRead(request.Body, out var body, out _) || request.Header("X-Nonce") is not { } nonce || request.Header("X-Timestamp") is not { } timestamp)
        {
            return request;
        }
        var signed = new SignedRequest
        {
            Method = request.Method, Path = request.Target, Tenant = Tenant, Env = request.Header("X-Env") ?? "dev", ContentHash = ContentHash.Of(body.Utf8.Span),
            Nonce = nonce, Timestamp = timestamp, IdempotencyKey = request.Header("Idempotency-Key"), Kid = Kid,
        };
        return request.With("X-Payload-Hash", ContentHash.HeaderOf(body.Utf8.Span)).With("X-Signature-Alg", DomainSignature.Algorithm).With("X-Signature-KeyId", Kid).With("X-Signature", signed.Sign(Key));
    }

    private static JsonNode SignSpan(JsonObject span, Random random)
    {
        var complete = (JsonObject)span.DeepClone();
        var intent = FuzzGateway.Catalogue.Find(Text(complete["intent"]));
        foreach (var (name, value) in new (string, JsonNode)[] { ("schema_version", SpanDocument.SchemaVersion), ("entity_type", intent?.EntityType ?? "function"), ("ts", "2026-11-21T12:00:00.000Z"), ("did", new JsonObject { ["actor"] = "usr_fuzz", ["action"] = "append" }) })
        {
            complete.TryAdd(name, value);
        }
        if (intent is not null && complete["payload"] is JsonObject payload)
        {
            payload.TryAdd("kind", intent.Kind);
        }
        complete["this"] = SpanDocument.ThisPrefix + NewGuid(random).ToString("D");
        return Without(complete, "signature") is { } bare ? Json.Parse(SpanDocument.Sign(bare, Kid, Key).Utf8)! : span;
    }

    /// <summary>A name that this run has not used.</summary>
    public static Guid NewGuid(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private static void Replace(JsonObject payload, string name, Func<JsonObject, CanonicalJson?> sign)
    {
        if (payload[name] is JsonObject document && sign(document) is { } signed)
        {
            payload[name] = Json.Parse(signed.Utf8.Span);
        }
    }

    private static void Possess(JsonObject payload)
    {
        if (payload["pop"] is not null && Text(payload["kid"] ?? payload["new_kid"]) is { } kid && payload["usage"] is JsonArray usage)
        {
            var pub = Key.PublicKeyHex;
            payload[payload["kid"] is null ? "new_pub" : "pub"] = pub;
            payload["pop"] = Possession.Sign(Key, Tenant, kid, pub, [.. usage.Select(Text).OfType<string>()]);
        }
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static CanonicalJson? Without(JsonObject document, string name)
    {
        var copy = (JsonObject)document.DeepClone();
        copy.Remove(name);
        return CanonicalJson.TryRead(Json.Write(copy), out var json, out _) && json.Obstacles.Count == 0 && json.Root.ValueKind == System.Text.Json.JsonValueKind.Object ? json : null;
    }
}
