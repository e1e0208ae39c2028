using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>Laws of the canonical form (contract, section 1), on documents of everything that is hard to spell alike.</summary>
public sealed class CanonicalLawTests
{
    private const int Documents = 1_000;

    [Fact]
    public void Canonical_IsAFixedPoint()
    {
        ForAll((document, _) =>
        {
            var once = CanonicalJson.Parse(document).Utf8;
            Assert.Equal(once.ToArray(), CanonicalJson.Parse(once.Span).Utf8.ToArray());
        });
    }

    [Fact]
    public void SpellingAndOrder_DoNotMatter()
    {
        ForAll((document, random) =>
        {
            Assert.Equal(CanonicalJson.Parse(document).Utf8.ToArray(), CanonicalJson.Parse(RandomDocuments.Respelled(Node(document), random)).Utf8.ToArray());
        });
    }

    [Fact]
    public void Keys_AscendByCodePoint_AndAreNfc()
    {
        ForAll((document, _) => Visit(CanonicalJson.Parse(document).Root));

        static void Visit(JsonElement element)
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.Object:
                    var keys = element.EnumerateObject().Select(member => member.Name).ToList();
                    Assert.All(keys.Zip(keys.Skip(1)), pair =>
                        Assert.True(CodePoints(pair.First).SequenceCompareTo(CodePoints(pair.Second)) < 0, $"{pair.First} before {pair.Second}"));
                    foreach (var member in element.EnumerateObject())
                    {
                        Assert.True(IsNfc(member.Name));
                        Visit(member.Value);
                    }
                    break;
                case JsonValueKind.Array:
                    Assert.All(element.EnumerateArray(), Visit);
                    break;
                case JsonValueKind.String:
                    Assert.True(IsNfc(element.GetString()!));
                    break;
            }
        }
    }

    /// <summary>The rules of the contract, word for word, by other means: slow, and easy to believe.</summary>
    [Fact]
    public void Canonical_IsWhatTheRulesSay() => ForAll((document, _) => Assert.Equal(Ruled(Node(document)), Encoding.UTF8.GetString(CanonicalJson.Parse(document).Utf8.Span)));

    [Fact]
    public void WhatIsRead_IsWhatWasWritten() => ForAll((document, _) =>
    {
        var read = CanonicalJson.Parse(document);
        Assert.True(JsonNode.DeepEquals(Composed(Node(document)), Node(Encoding.UTF8.GetString(read.Utf8.Span))), document);
        Assert.Equal(read.Utf8.ToArray(), CanonicalJson.Compose(read.Root.WriteTo).Utf8.ToArray());
    });

    [Fact]
    public void EveryPart_IsCanonicalWhereItStands_AndTheRestWithoutIt() => ForAll((document, _) => Visit(CanonicalJson.Parse(document).Root));

    [Fact]
    public void ChangedBytes_AreRefusedOrHaveOneForm() => Laws.Hold(10_000, random =>
    {
        var body = Encoding.UTF8.GetBytes(random.Of("""{"a":[1,2,{"b":"é\u0301"}],"c":-0,"d":1e5,"\ud83d\ude00":null}""", "[[[[]]]]", "\"\\ud800\\udc00\"", RandomDocuments.Next(random)));
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            body[random.Next(body.Length)] = (byte)random.Next(256);
        }
        if (CanonicalJson.TryRead(body, out var json, out var fault))
        {
            Assert.True(json.Obstacles.Count > 0 || json.Utf8.Span.SequenceEqual(CanonicalJson.Parse(json.Utf8.Span).Utf8.Span));
        }
        else
        {
            Assert.NotEmpty(fault.Message);
        }
    });

    private static void Visit(JsonElement element)
    {
        var bytes = CanonicalJson.BytesOf(element).ToArray();
        Assert.Equal(bytes, CanonicalJson.Parse(bytes).Utf8.ToArray());
        if (element.ValueKind == JsonValueKind.Array)
        {
            Assert.All(element.EnumerateArray(), Visit);
        }
        foreach (var member in element.ValueKind == JsonValueKind.Object ? [.. element.EnumerateObject()] : Array.Empty<JsonProperty>())
        {
            Visit(member.Value);
            var rest = Node(Encoding.UTF8.GetString(bytes))!.AsObject();
            rest.Remove(member.Name);
            Assert.Equal(CanonicalJson.Parse(rest.ToJsonString()).Utf8.ToArray(), CanonicalJson.BytesWithout(element, element, member.Name));
        }
    }

    /// <summary>The same document with every key and text in NFC.</summary>
    private static JsonNode? Composed(JsonNode? node) => node switch
    {
        JsonObject made => new JsonObject(made.Select(member => KeyValuePair.Create(RandomDocuments.Nfc(member.Key), Composed(member.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Composed)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(RandomDocuments.Nfc(value.GetValue<string>())),
        _ => node?.DeepClone(),
    };

    private static string Ruled(JsonNode? node) => node switch
    {
        JsonObject made => "{" + string.Join(',', made.Select(member => (Key: RandomDocuments.Nfc(member.Key), member.Value))
            .OrderBy(member => Convert.ToHexString(Encoding.UTF8.GetBytes(member.Key)), StringComparer.Ordinal).Select(member => Quoted(member.Key) + ":" + Ruled(member.Value))) + "}",
        JsonArray list => "[" + string.Join(',', list.Select(Ruled)) + "]",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Quoted(RandomDocuments.Nfc(value.GetValue<string>())),
        null => "null",
        _ => node.ToJsonString(),
    };

    private static string Quoted(string text) => "\"" + string.Concat(text.Select(unit => unit switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        < ' ' => $"\\u{(int)unit:x4}",
        _ => unit.ToString(),
    })) + "\"";

    private static void ForAll(Action<string, Random> law) => Laws.Hold(Documents, random => law(RandomDocuments.Next(random), random));

    private static JsonNode? Node(string document) => JsonNode.Parse(document, documentOptions: new JsonDocumentOptions { MaxDepth = JsonLimits.Depth });

    private static int[] CodePoints(string text) => [.. text.EnumerateRunes().Select(rune => rune.Value)];

    private static bool IsNfc(string text) => RandomDocuments.Nfc(text) == text;
}
