using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Tests.Spans;

public sealed class SigningTests
{
    private static readonly SigningKey Key = SigningKey.FromSeed([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly SpanDocument Span = new SpanDraft
    {
        Intent = "registry.person.create",
        Subject = "urn:registry:person/joana",
        EntityType = "contract",
        Actor = "usr_1",
        Ts = Now,
        Payload = json => json.WriteString("name", "Joana é \"J\""),
    }.Sign("kid_1", Key);

    [Fact]
    public void SignedSpan_Verifies_AndCoversKidAndAlg()
    {
        Assert.True(Verifies(Span));
        Assert.Contains("\"kid\":\"kid_1\"", System.Text.Encoding.UTF8.GetString(Span.SignedBytes()));
        Assert.Contains("\"alg\":\"ed25519-blake3\"", System.Text.Encoding.UTF8.GetString(Span.SignedBytes()));
        Assert.DoesNotContain("\"sig\":", System.Text.Encoding.UTF8.GetString(Span.SignedBytes()));
    }

    [Fact]
    public void OneFlippedBit_AnywhereInASpan_IsFound()
    {
        var bytes = Span.Utf8.ToArray();
        var tried = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            if (CanonicalJson.TryRead(bytes, out var json, out _) && json.Obstacles.Count == 0 && json.Root.ValueKind == System.Text.Json.JsonValueKind.Object)
            {
                Assert.False(Verifies(SpanDocument.View(json)), $"bit {bit}");
                tried++;
            }
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.True(tried > 1000, $"only {tried} of {bytes.Length * 8} flips were still JSON");
    }

    [Fact]
    public void OneFlippedBit_AnywhereInAManifest_IsFound()
    {
        var bytes = Manifest().Utf8.ToArray();
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            if (CanonicalJson.TryRead(bytes, out var json, out _) && json.Obstacles.Count == 0)
            {
                Assert.False(SignedManifest.View(json.Root).VerifyProvenance(Key.PublicKey), $"bit {bit}");
            }
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void SignatureOfOneKind_NeverVerifiesAsAnother()
    {
        var content = """{"a":1}"""u8.ToArray();
        var kinds = Enum.GetValues<SignatureKind>();

        Assert.Equal(8, kinds.Length);
        foreach (var made in kinds)
        {
            var signature = DomainSignature.Sign(Key, made, content);
            Assert.All(kinds, kind => Assert.Equal(kind == made, DomainSignature.Verify(Key.PublicKey, kind, content, signature)));
        }
    }

    [Theory]
    [InlineData(SignatureKind.Request, "request")]
    [InlineData(SignatureKind.Span, "span")]
    [InlineData(SignatureKind.Manifest, "manifest")]
    [InlineData(SignatureKind.Proof, "proof")]
    [InlineData(SignatureKind.Grant, "grant")]
    [InlineData(SignatureKind.Key, "key")]
    [InlineData(SignatureKind.Permit, "permit")]
    [InlineData(SignatureKind.Event, "event")]
    public void Message_IsTheOneOfTheContract(SignatureKind kind, string name)
    {
        var content = """{"a":1}"""u8.ToArray();
        byte[] message = [.. System.Text.Encoding.ASCII.GetBytes($"logline:{name}:v1"), 0, .. Blake3.Hash(content)];

        Assert.Equal(Key.Sign(message), DomainSignature.Sign(Key, kind, content));
    }

    [Fact]
    public void SpanSignedAsEvent_IsNoClientSpan()
    {
        var bare = new SpanDraft { Intent = "a.b", Subject = "urn:x:y", EntityType = "test", Actor = "w", Ts = Now, Payload = _ => { } };

        Assert.False(Verifies(bare.Sign("kid_1", Key, SignatureKind.Event)));
    }

    [Fact]
    public void SignatureValue_HasOneSpelling()
    {
        var text = Convert.ToBase64String(DomainSignature.Sign(Key, SignatureKind.Span, "{}"u8));

        Assert.True(DomainSignature.TryDecode(text, out _));
        var last = text[85];
        foreach (var other in new[]
        {
            text.TrimEnd('='), text[..^1], text + "=", " " + text, text + "\n", text.Replace("==", "=\n"), text.Insert(40, "\n"), text.Replace('+', '-').Replace('/', '_') + " ",
            "ed25519:" + text, Convert.ToHexString(Convert.FromBase64String(text)), "", text[..44],
        })
        {
            Assert.False(DomainSignature.TryDecode(other, out _), other);
        }
        // The last character before the padding carries four spare bits: only zeros are the one spelling.
        foreach (var spare in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".Where(letter => letter != last))
        {
            var changed = text[..85] + spare + "==";
            if (DomainSignature.TryDecode(changed, out var other))
            {
                Assert.NotEqual(Convert.FromBase64String(text), other);
            }
        }
        Assert.False(DomainSignature.TryDecode(null, out _));
    }

    [Fact]
    public void Signature_OfAnotherKey_DoesNotVerify()
    {
        using var other = SigningKey.Generate();
        Assert.False(DomainSignature.TryDecode(Span.Signature.Text("sig"), out var signature) && DomainSignature.Verify(other.PublicKey, SignatureKind.Span, Span.SignedBytes(), signature));
    }

    [Fact]
    public void Request_CoversEveryMember()
    {
        var request = new SignedRequest
        {
            Method = "POST", Path = "/v1/spans?x=1", Tenant = "dev", Env = "dev", ContentHash = ContentHash.Of("{}"u8), Nonce = new string('n', 16),
            Timestamp = "2026-11-20T12:00:00Z", IdempotencyKey = null, Kid = "kid_1",
        };
        var signature = Convert.FromBase64String(request.Sign(Key));

        Assert.True(request.Verify(Key.PublicKey, signature));
        Assert.All(
            new[]
            {
                request with { Method = "PUT" }, request with { Path = "/v1/spans" }, request with { Tenant = "prod" }, request with { Env = "prd" },
                request with { ContentHash = ContentHash.Of("[]"u8) }, request with { Nonce = new string('m', 16) }, request with { Timestamp = "2026-11-20T12:00:00.0Z" },
                request with { IdempotencyKey = "" }, request with { IdempotencyKey = "null" }, request with { Kid = "kid_2" },
            },
            changed => Assert.False(changed.Verify(Key.PublicKey, signature)));
    }

    [Fact]
    public void Possession_CoversKidPubTenantAndUsage_AsSent()
    {
        var pub = Key.PublicKeyHex;
        var pop = Possession.Sign(Key, "dev", "kid_1", pub, ["sign", "admin"]);

        Assert.True(Possession.Verify(Key.PublicKey, "dev", "kid_1", pub, ["sign", "admin"], pop));
        Assert.False(Possession.Verify(Key.PublicKey, "prod", "kid_1", pub, ["sign", "admin"], pop));
        Assert.False(Possession.Verify(Key.PublicKey, "dev", "kid_2", pub, ["sign", "admin"], pop));
        Assert.False(Possession.Verify(Key.PublicKey, "dev", "kid_1", pub.ToUpperInvariant(), ["sign", "admin"], pop));
        Assert.False(Possession.Verify(Key.PublicKey, "dev", "kid_1", pub, ["admin", "sign"], pop));
        Assert.False(Possession.Verify(Key.PublicKey, "dev", "kid_1", pub, ["sign"], pop));
        Assert.False(Possession.Verify(Key.PublicKey, "dev", "kid_1", pub, ["sign", "admin"], null));
    }

    [Fact]
    public void Proof_CoversEveryMember()
    {
        var draft = new ProofDraft
        {
            Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ts = Now, Exp = Now.AddMinutes(5), Env = "dev",
            Ref = "mc:dev/web@blake3:" + new string('a', 64), PlanDigest = "blake3:" + new string('b', 64), Target = CanonicalJson.Parse("""{"provider":"podman","service":"web"}"""),
        };
        var proof = draft.Sign("kid_1", Key);

        Assert.True(SignedObject.Verify(proof.Root, proof.Root, SignatureKind.Proof, Key.PublicKey));
        foreach (var member in proof.Root.EnumerateObject())
        {
            var changed = CanonicalJson.Compose(json =>
            {
                json.WriteStartObject();
                foreach (var other in proof.Root.EnumerateObject().Where(other => other.Name != member.Name))
                {
                    other.WriteTo(json);
                }
                json.WriteEndObject();
            });
            Assert.False(SignedObject.Verify(changed.Root, changed.Root, SignatureKind.Proof, Key.PublicKey), member.Name);
        }
    }

    [Fact]
    public void PrefixOfAGrant_IsPartOfItsOneSpelling()
    {
        var grant = SignedObject.Sign(CanonicalJson.Parse("""{"alg":"ed25519-blake3","id":"g","kid":"kid_1"}"""), SignatureKind.Grant, Key, "ed25519:");

        Assert.True(SignedObject.Verify(grant.Root, grant.Root, SignatureKind.Grant, Key.PublicKey, "ed25519:"u8));
        Assert.False(SignedObject.Verify(grant.Root, grant.Root, SignatureKind.Grant, Key.PublicKey));
    }

    [Theory]
    [InlineData("2025-11-17T13:00:00Z", true)]
    [InlineData("2025-11-17T13:00:00.123Z", true)]
    [InlineData("2025-11-17T13:00:00.1234567+02:00", true)]
    [InlineData("2025-11-17T13:00:00-00:00", true)]
    [InlineData("2025-11-17T13:00:00", false)]
    [InlineData("2025-11-17 13:00:00Z", false)]
    [InlineData("2025-11-17T13:00:00+0200", false)]
    [InlineData("2025-11-17", false)]
    [InlineData("2025-02-30T13:00:00Z", false)]
    [InlineData("2025-11-17T24:00:00Z", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Timestamp_IsRfc3339_WithAnOffset(string? text, bool accepted) => Assert.Equal(accepted, Timestamps.TryParse(text, out _));

    private static CanonicalJson Manifest() =>
        SignedManifest.Sign(CanonicalJson.Parse("""{"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"u","tenant":"dev"},"ts":"2026-11-20T12:00:00Z"}"""), "kid_1", Key);

    private static bool Verifies(SpanDocument span) =>
        DomainSignature.TryDecode(span.Signature.Text("sig"), out var signature) && DomainSignature.Verify(Key.PublicKey, SignatureKind.Span, span.SignedBytes(), signature);
}
