using System.Buffers;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Tests;

/// <summary>A log of two entries with a key of its own: enough to make receipts that hold.</summary>
internal static class TestLog
{
    private const string Origin = "log.example/test";
    private static readonly SigningKey Key = SigningKey.FromSeed(new byte[32]);

    public static string PublicKey => Key.PublicKeyHex;

    /// <summary>A signed span.</summary>
    public static SpanDocument Span(string intent = "registry.person.create") => new SpanDraft
    {
        Intent = intent,
        Subject = "urn:registry:person/ana",
        EntityType = "contract",
        Actor = "usr_1",
        Ts = DateTimeOffset.UnixEpoch,
        Payload = json => json.WriteString("kind", "registry/person.v1"),
    }.Sign("kid_test", Key);

    public static Receipt Receipt(SpanDocument span)
    {
        var entry = new LedgerEntry("dev", span.Hash, "kid_test", "tok_1", "2025-11-17T13:37:00.000Z", "dev", span.This!);
        var sibling = MerkleHash.Leaf("another entry"u8);
        var root = MerkleHash.Node(sibling, MerkleHash.Leaf(entry.ToUtf8()));
        var note = SignedNote.Sign(new Checkpoint(Origin, 2, root).Body, Origin, Key);
        SignedNote.TryVerify(note, Origin, Key.PublicKey, out _, out var signature);
        return new Receipt { Entry = entry, LogIndex = 1, TreeSize = 2, RootHash = root, InclusionProof = [sibling], Checkpoint = note, Kid = "log_1", Signature = signature };
    }

    /// <summary>The Ack that a gateway with this log would give.</summary>
    public static string Ack(SpanDocument span, Action<Utf8JsonWriter>? more = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("status", "ok");
            json.WriteString("this", span.This);
            json.WriteString("trace_id", "trace-1");
            more?.Invoke(json);
            json.WritePropertyName("receipt");
            Receipt(span).WriteTo(json);
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static string Text(Receipt receipt)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            receipt.WriteTo(json);
        }
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
