using System.Text;
using System.Text.Json.Nodes;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Tests.Spans;

public sealed class ReceiptTests
{
    private const string Origin = "log.example/test";
    private static readonly SigningKey LogKey = SigningKey.FromSeed([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
    private static readonly byte[] Span = """{"intent":"a.b"}"""u8.ToArray();
    private static readonly LedgerEntry Entry = Make(3);

    [Fact]
    public void Receipt_Verifies_WithAndWithoutTheSpan()
    {
        var receipt = Read(Json());

        Assert.Null(receipt.Verify(LogKey.PublicKey));
        Assert.Null(receipt.Verify(LogKey.PublicKey, Span));
        Assert.Null(receipt.Verify(LogKey.PublicKey, Span, Origin));
        Assert.NotNull(receipt.Verify(LogKey.PublicKey, """{"intent":"a.c"}"""u8));
        Assert.NotNull(receipt.Verify(LogKey.PublicKey, Span, "log.example/other"));
        using var other = SigningKey.Generate();
        Assert.NotNull(receipt.Verify(other.PublicKey));
    }

    [Fact]
    public void Text_IsReadAsTheSameReceipt_AndNoByteOfItCanBeAnother()
    {
        var receipt = Read(Json());
        var text = TlogProof.Write(Entry.ToUtf8(), receipt.LogIndex, receipt.InclusionProof, receipt.Checkpoint);

        Assert.True(Receipt.IsText(Encoding.UTF8.GetBytes(text)));
        Assert.False(Receipt.IsText(Encoding.UTF8.GetBytes(Json())));
        Assert.Null(Receipt.TryReadText(text, out var same));
        Assert.Equal((receipt.Entry, receipt.LogIndex, receipt.TreeSize, receipt.Checkpoint), (same.Entry, same.LogIndex, same.TreeSize, same.Checkpoint));
        Assert.Equal(receipt.RootHash, same.RootHash);
        Assert.Equal(receipt.Signature, same.Signature);
        Assert.Null(same.Verify(LogKey.PublicKey, Span, Origin));
        for (var at = 0; at < text.Length; at++)
        {
            var flipped = text[..at] + (char)(text[at] ^ 1) + text[(at + 1)..];
            Assert.False(Receipt.TryReadText(flipped, out var other) is null && other.Verify(LogKey.PublicKey, Span, Origin) is null, $"{at}: {flipped[Math.Max(0, at - 10)..]}");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void TextWithAnotherExtra_IsNoReceipt(string? extra)
    {
        var receipt = Read(Json());
        var text = TlogProof.Write(extra is null ? null : Encoding.UTF8.GetBytes(extra), receipt.LogIndex, receipt.InclusionProof, receipt.Checkpoint);
        Assert.Contains("extra:", Receipt.TryReadText(text, out _));
        var respelt = Encoding.UTF8.GetString(Entry.ToUtf8()).Replace(",", ", ", StringComparison.Ordinal);
        Assert.Contains("extra:", Receipt.TryReadText(TlogProof.Write(Encoding.UTF8.GetBytes(respelt), receipt.LogIndex, receipt.InclusionProof, receipt.Checkpoint), out _));
    }

    [Fact]
    public void Ack_IsReadAsItsReceipt()
    {
        Assert.Null(Receipt.TryRead(CanonicalJson.Parse($$"""{"status":"ok","receipt":{{Json()}}}""").Root, out var receipt));
        Assert.Null(receipt.Verify(LogKey.PublicKey, Span));
    }

    /// <summary><c>kid</c> alone is no evidence: it says which key a verifier should take, and the signature holds that key or does not.</summary>
    [Fact]
    public void EveryMember_ChangedOrLeftOut_IsFound()
    {
        foreach (var path in Leaves(JsonNode.Parse(Json())!, []).Where(path => path is not ["kid"]))
        {
            Assert.NotNull(Judge(Changed(Json(), path, node => Tampered(node))));
            Assert.NotNull(Judge(Changed(Json(), path, _ => null)));
            Assert.NotNull(Judge(Changed(Json(), path, _ => JsonValue.Create(true))));
            Assert.NotNull(Judge(Changed(Json(), path, _ => new JsonObject())));
            Assert.NotNull(Judge(Changed(Json(), path, _ => JsonValue.Create(-1))));
        }
    }

    [Theory]
    [InlineData("entry")]
    [InlineData("merkle")]
    [InlineData("signature")]
    [InlineData("log_index")]
    [InlineData("hash")]
    [InlineData("ts")]
    public void MissingMember_IsFound(string member)
    {
        var json = (JsonObject)JsonNode.Parse(Json())!;
        json.Remove(member);
        Assert.NotNull(Judge(json.ToJsonString()));
    }

    [Theory]
    [InlineData("inclusion_proof")]
    [InlineData("root_hash")]
    [InlineData("checkpoint")]
    [InlineData("tree_size")]
    public void MissingPartOfTheTree_IsFound(string member)
    {
        var json = (JsonObject)JsonNode.Parse(Json())!;
        ((JsonObject)json["merkle"]!).Remove(member);
        Assert.NotNull(Judge(json.ToJsonString()));
    }

    [Fact]
    public void EveryBitOfTheCheckpoint_Counts()
    {
        var receipt = Read(Json());
        var note = receipt.Checkpoint;
        for (var i = 0; i < note.Length; i++)
        {
            if (note[i] < 128)
            {
                Assert.NotNull((receipt with { Checkpoint = note[..i] + (char)(note[i] ^ 1) + note[(i + 1)..] }).Verify(LogKey.PublicKey));
            }
        }
    }

    [Fact]
    public void AnotherEntrysProof_DoesNotFit()
    {
        var receipt = Read(Json());
        var other = Read(Json(2));

        Assert.NotNull((receipt with { InclusionProof = other.InclusionProof }).Verify(LogKey.PublicKey));
        Assert.NotNull((receipt with { LogIndex = other.LogIndex }).Verify(LogKey.PublicKey));
        Assert.NotNull((receipt with { Entry = other.Entry }).Verify(LogKey.PublicKey));
        Assert.Null((receipt with { Entry = other.Entry, LogIndex = other.LogIndex, InclusionProof = other.InclusionProof }).Verify(LogKey.PublicKey));
    }

    [Theory]
    [InlineData("kid_1")]
    [InlineData(null)]
    public void Entry_IsWrittenInCanonicalForm_AndReadBack(string? kid)
    {
        var entry = Entry with { Kid = kid };
        var bytes = entry.ToUtf8();

        Assert.Equal(bytes, CanonicalJson.Parse(bytes).Utf8.ToArray());
        Assert.True(LedgerEntry.TryParse(CanonicalJson.Parse(bytes).Root, out var read));
        Assert.Equal(entry, read);
    }

    [Theory]
    [InlineData("\"v\":1", "\"v\":2")]
    [InlineData("\"v\":1", "\"v\":\"1\"")]
    [InlineData("\"v\":1", "\"v\":1,\"x\":0")]
    [InlineData("\"kid\":\"kid_1\"", "\"kid\":7")]
    [InlineData("\"kid\":\"kid_1\"", "\"kid\":{}")]
    [InlineData("\"kid\":\"kid_1\"", "\"kid\":true")]
    [InlineData("\"kid\":\"kid_1\",", "")]
    [InlineData("\"env\":\"dev\"", "\"env\":null")]
    public void Entry_OfAnotherShape_IsNotRead(string part, string changed)
    {
        var text = Encoding.ASCII.GetString(Entry.ToUtf8()).Replace(part, changed);
        Assert.False(LedgerEntry.TryParse(CanonicalJson.Parse(text).Root, out _));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"entry":[]}""")]
    [InlineData("""{"receipt":[],"entry":7}""")]
    public void Nonsense_IsRefusedWithAReason(string text) => Assert.NotNull(Receipt.TryRead(CanonicalJson.Parse(text).Root, out _));

    private static string? Judge(string json)
    {
        if (Receipt.TryRead(CanonicalJson.Parse(json).Root, out var receipt) is { } unreadable)
        {
            return unreadable;
        }
        return receipt.Verify(LogKey.PublicKey, Span, Origin);
    }

    private static Receipt Read(string json)
    {
        Assert.Null(Receipt.TryRead(CanonicalJson.Parse(json).Root, out var receipt));
        return receipt;
    }

    private static LedgerEntry Make(int i) => new("dev", ContentHash.Of(Span), "kid_1", "tok_1", "2026-11-20T12:00:00.000Z", "dev", $"urn:span:00000000-0000-4000-8000-{i:x12}");

    private static string Json(int index = 3)
    {
        var tree = new TileTree(_ => null);
        for (var i = 0; i < 7; i++)
        {
            tree.Append(MerkleHash.Leaf(Make(i).ToUtf8()));
        }
        var root = tree.Root();
        var note = SignedNote.Sign(new Checkpoint(Origin, 7, root).Body, Origin, LogKey);
        Assert.True(SignedNote.TryVerify(note, Origin, LogKey.PublicKey, out _, out var signature));
        var receipt = new Receipt
        {
            Entry = Make(index), LogIndex = index, TreeSize = 7, RootHash = root, InclusionProof = tree.Snapshot().InclusionProof(index, 7),
            Checkpoint = note, Kid = "log_1", Signature = signature,
        };
        return Encoding.UTF8.GetString(CanonicalJson.Compose(receipt.WriteTo).Utf8.Span);
    }

    internal static IEnumerable<string[]> Leaves(JsonNode node, string[] path) => node switch
    {
        JsonObject made => made.SelectMany(member => Leaves(member.Value!, [.. path, member.Key])),
        JsonArray list => list.SelectMany((item, i) => Leaves(item!, [.. path, i.ToString()])),
        _ => [path],
    };

    internal static string Changed(string json, string[] path, Func<JsonNode, JsonNode?> change)
    {
        var root = JsonNode.Parse(json)!;
        var holder = path[..^1].Aggregate(root, (node, step) => node is JsonArray list ? list[int.Parse(step)]! : node[step]!);
        if (holder is JsonArray array)
        {
            array[int.Parse(path[^1])] = change(array[int.Parse(path[^1])]!);
        }
        else
        {
            holder[path[^1]] = change(holder[path[^1]]!);
        }
        return root.ToJsonString();
    }

    internal static JsonNode Tampered(JsonNode node) => node.GetValueKind() == System.Text.Json.JsonValueKind.Number
        ? JsonValue.Create(node.GetValue<long>() + 1)
        : JsonValue.Create(Swap(node.GetValue<string>()));

    /// <summary>The same text with one letter or digit in the middle changed to another.</summary>
    private static string Swap(string text)
    {
        var i = Enumerable.Range(0, text.Length).Select(step => (text.Length / 2 + step) % text.Length).First(at => char.IsAsciiLetterOrDigit(text[at]));
        return text[..i] + (text[i] == 'a' ? 'b' : text[i] == '1' ? '2' : char.IsAsciiDigit(text[i]) ? '1' : 'a') + text[(i + 1)..];
    }
}
