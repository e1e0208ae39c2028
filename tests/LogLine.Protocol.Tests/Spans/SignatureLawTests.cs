using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Tests.Json;

namespace LogLine.Protocol.Tests.Spans;

/// <summary>Laws of signatures and receipts: what was signed verifies, however it is spelt; with one bit changed anywhere it does not.</summary>
public sealed class SignatureLawTests
{
    [Fact]
    public void AnyBytes_VerifyWithTheirSignature_AndNotWithOneBitChanged() => Laws.Hold(500, random =>
    {
        using var key = Key(random);
        var (publicKey, message) = (key.PublicKey.ToArray(), Bytes(random, random.Next(1, 300)));
        var signature = key.Sign(message);

        Assert.True(Ed25519.Verify(publicKey, message, signature));
        foreach (var part in (byte[][])[publicKey, message, signature])
        {
            var flip = Flip(part, random);
            Assert.False(Ed25519.Verify(publicKey, message, signature));
            flip();
        }
        Assert.True(Ed25519.Verify(publicKey, message, signature));
    });

    [Fact]
    public void AnySpan_VerifiesHoweverItIsSpelt_AndNotWithOneBitChanged() => Laws.Hold(500, random =>
    {
        using var key = Key(random);
        var span = SpanDocument.Sign(CanonicalJson.Parse($$"""{"intent":"a.b","payload":{{RandomDocuments.Next(random)}},"subject":"urn:x:y"}"""), "kid_1", key);
        var publicKey = key.PublicKey.ToArray();

        Assert.True(Verifies(CanonicalJson.Parse(RandomDocuments.Respelled(JsonNode.Parse(span.Utf8), random)), publicKey));
        var bytes = span.Utf8.ToArray();
        Flip(bytes, random);
        // What is no JSON any more is no span; what is another spelling of the same (U+0340 is U+0300 in NFC, \u001F is \u001f) is the same span.
        if (CanonicalJson.TryRead(bytes, out var flipped, out _) && flipped.Obstacles.Count == 0 && flipped.Root.ValueKind == JsonValueKind.Object)
        {
            Assert.Equal(flipped.Utf8.Span.SequenceEqual(span.Utf8), Verifies(flipped, publicKey));
        }
        Flip(publicKey, random);
        Assert.False(Verifies(CanonicalJson.Parse(span.Utf8), publicKey));
    });

    [Fact]
    public void AnyRequest_VerifiesAsItWasSigned_AndWithNoOtherMember() => Laws.Hold(300, random =>
    {
        using var key = Key(random);
        var request = Request(random);
        var other = Request(random) with { Method = request.Method + "X" };
        var signature = Convert.FromBase64String(request.Sign(key));
        SignedRequest[] changed =
        [
            request with { Method = other.Method }, request with { Path = other.Path + "/" }, request with { Tenant = other.Tenant + "2" }, request with { Env = request.Env + "2" }, request with { ContentHash = other.ContentHash },
            request with { Nonce = other.Nonce }, request with { Timestamp = other.Timestamp + "Z" }, request with { IdempotencyKey = request.IdempotencyKey is null ? "" : null }, request with { Kid = other.Kid + "2" },
        ];

        Assert.True(request.Verify(key.PublicKey, signature));
        Assert.All(changed, one => Assert.False(one.Verify(key.PublicKey, signature), one.ToString()));
        Flip(signature, random);
        Assert.False(request.Verify(key.PublicKey, signature));
    });

    [Fact]
    public void AnyReceipt_HoldsForItsSpanKeyAndPlaceAlone() => Laws.Hold(150, random =>
    {
        using var key = Key(random);
        using var stranger = Key(random);
        var span = Bytes(random, random.Next(1, 200));
        var size = random.Next(1, 70);
        var (receipt, json) = ReceiptOf(span, random.Next(size), size, key);

        Assert.Null(receipt.Verify(key.PublicKey, span, Origin));
        Assert.NotNull(receipt.Verify(stranger.PublicKey, span, Origin));
        var flip = Flip(span, random);
        Assert.NotNull(receipt.Verify(key.PublicKey, span, Origin));
        flip();
        // Any other value anywhere: what is no receipt any more is refused with a reason, and so is one that holds something else.
        var leaf = random.Of([.. ReceiptTests.Leaves(JsonNode.Parse(json)!, []).Where(path => path is not ["kid"])]);
        var changed = ReceiptTests.Changed(json, leaf, ReceiptTests.Tampered);
        Assert.True(Receipt.TryRead(CanonicalJson.Parse(changed).Root, out var other) is not null || other.Verify(key.PublicKey, span, Origin) is not null, changed);
    });

    [Fact]
    public void AnyCosignature_HoldsForItsCheckpointTimeAndWitnessAlone() => Laws.Hold(300, random =>
    {
        const string witnessName = "witness.example/w1";
        using var log = Key(random);
        using var witness = Key(random);
        var body = new Checkpoint(Origin, random.Next(1, int.MaxValue), Bytes(random, 32)).Body;
        var time = random.NextInt64(1L << 40);
        var note = SignedNote.Sign(body, Origin, log);
        Assert.True(SignedNote.TryAddLine(note, Cosignature.Line(body, witnessName, witness, time), out var cosigned));

        Assert.True(Cosignature.TryVerify(cosigned, witnessName, witness.PublicKey, out var said) && said == time);
        Assert.True(SignedNote.TryVerify(cosigned, Origin, log.PublicKey, out var read, out _) && read == body);
        Assert.False(Cosignature.TryVerify(note, witnessName, witness.PublicKey, out _));
        Assert.False(Cosignature.TryVerify(cosigned, witnessName, log.PublicKey, out _));

        // One bit of body, time or signature: each is under both signatures, or under its own.
        var text = Encoding.UTF8.GetBytes(cosigned);
        var at = random.Next(text.Length);
        text[at] ^= (byte)(1 << random.Next(7));
        var changed = Encoding.UTF8.GetString(text);
        Assert.False(Cosignature.TryVerify(changed, witnessName, witness.PublicKey, out said) && SignedNote.TryVerify(changed, Origin, log.PublicKey, out read, out _) && (said != time || read != body));
        if (at < Encoding.UTF8.GetByteCount(body))
        {
            Assert.False(Cosignature.TryVerify(changed, witnessName, witness.PublicKey, out _));
            Assert.False(SignedNote.TryVerify(changed, Origin, log.PublicKey, out _, out _));
        }
    });

    private const string Origin = "log.example/test";

    private static (Receipt Receipt, string Json) ReceiptOf(byte[] span, int index, int size, SigningKey key)
    {
        LedgerEntry Entry(int i) => new("dev", ContentHash.Of(span), "kid_1", "tok_1", "2026-11-20T12:00:00.000Z", "dev", $"urn:span:00000000-0000-4000-8000-{i:x12}");
        var tree = new TileTree(_ => null);
        for (var i = 0; i < size; i++)
        {
            tree.Append(MerkleHash.Leaf(Entry(i).ToUtf8()));
        }
        var root = tree.Root();
        var note = SignedNote.Sign(new Checkpoint(Origin, size, root).Body, Origin, key);
        Assert.True(SignedNote.TryVerify(note, Origin, key.PublicKey, out _, out var signature));
        var receipt = new Receipt
        {
            Entry = Entry(index), LogIndex = index, TreeSize = size, RootHash = root, InclusionProof = tree.Snapshot().InclusionProof(index, size), Checkpoint = note, Kid = "log_1", Signature = signature,
        };
        return (receipt, Encoding.UTF8.GetString(CanonicalJson.Compose(receipt.WriteTo).Utf8.Span));
    }

    private static SignedRequest Request(Random random) => new()
    {
        Method = random.Of("POST", "PUT", "DELETE"), Path = "/v1/" + Text(random), Tenant = Text(random), Env = random.Of("dev", "stg", "prd"), ContentHash = ContentHash.Of(Bytes(random, 8)), Nonce = Text(random) + random.Next(),
        Timestamp = Text(random), IdempotencyKey = random.Of<string?>(null, "", Text(random)), Kid = Text(random),
    };

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Of("a", "Z", "0", "-", "\"", "é", "😀", " ")));

    private static bool Verifies(CanonicalJson json, byte[] publicKey) =>
        SpanDocument.View(json) is var span && DomainSignature.TryDecode(span.Signature.Text("sig"), out var signature) && DomainSignature.Verify(publicKey, SignatureKind.Span, span.SignedBytes(), signature);

    private static SigningKey Key(Random random) => SigningKey.FromSeed(Bytes(random, Ed25519.SeedSize));

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Changes one bit; what it answers with changes it back.</summary>
    private static Action Flip(byte[] bytes, Random random)
    {
        var (at, bit) = (random.Next(bytes.Length), (byte)(1 << random.Next(8)));
        bytes[at] ^= bit;
        return () => bytes[at] ^= bit;
    }
}
