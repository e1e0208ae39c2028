using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>Laws, on documents from seeded generators: the seed is in the message of a failure.</summary>
public sealed class CanonicalLawTests
{
    private const int Documents = 2000;

    private static readonly string[] Alphabet =
    [
        "a", "b", "Z", "0", " ", "\"", "\\", "/", "\b", "\n", "\t", "\u0000", "\u001f", "\u007f", "\u00e9", "e\u0301", "\u212b", "A\u030a", "\u1e9b\u0323", "\u0323\u0307",
        "\uac00", "\u1100\u1161", "\u2028", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0001d15e", "\U0001f600", "\U0010ffff",
    ];

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
            var node = JsonNode.Parse(document, documentOptions: new JsonDocumentOptions { MaxDepth = 32 });
            Assert.Equal(CanonicalJson.Parse(document).Utf8.ToArray(), CanonicalJson.Parse(Respelled(node, random)).Utf8.ToArray());
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

    [Fact]
    public void RandomBytes_NeverThrow()
    {
        var random = new Random(20261120);
        var seeds = new[] { """{"a":[1,2,{"b":"é\u0301"}],"c":-0,"d":1e5,"\ud83d\ude00":null}""", "[[[[]]]]", "\"\\ud800\\udc00\"" };
        for (var i = 0; i < 20_000; i++)
        {
            var body = Encoding.UTF8.GetBytes(seeds[i % seeds.Length]);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                body[random.Next(body.Length)] = (byte)random.Next(256);
            }
            if (CanonicalJson.TryRead(body, out var json, out _) && json.Obstacles.Count == 0)
            {
                Assert.Equal(json.Utf8.ToArray(), CanonicalJson.Parse(json.Utf8.Span).Utf8.ToArray());
            }
        }
    }

    private static void ForAll(Action<string, Random> law)
    {
        for (var seed = 0; seed < Documents; seed++)
        {
            var random = new Random(seed);
            var document = Document(random, 4)?.ToJsonString() ?? "null";
            try
            {
                law(document, random);
            }
            catch (Exception defect) when (defect is not Xunit.Sdk.SkipException)
            {
                throw new InvalidOperationException($"seed {seed}: {document}", defect);
            }
        }
    }

    private static JsonNode? Document(Random random, int depth) => random.Next(depth > 0 ? 7 : 5) switch
    {
        0 => null,
        1 => JsonValue.Create(random.Next(2) == 0),
        2 => JsonValue.Create(random.NextInt64(-JsonLimits.Integer, JsonLimits.Integer + 1)),
        3 or 4 => JsonValue.Create(Text(random)),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(5)).Select(_ => Document(random, depth - 1))]),
        _ => Object(random, depth),
    };

    private static JsonObject Object(Random random, int depth)
    {
        var made = new JsonObject();
        var taken = new HashSet<string>();
        for (var i = random.Next(8); i > 0; i--)
        {
            var key = Text(random);
            if (taken.Add(Nfc(key)))
            {
                made[key] = Document(random, depth - 1);
            }
        }
        return made;
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));

    /// <summary>The same document with members shuffled, white space strewn in and any character escaped.</summary>
    private static string Respelled(JsonNode? node, Random random)
    {
        var text = new StringBuilder();
        Write(node);
        return text.ToString();

        void Write(JsonNode? part)
        {
            Space();
            switch (part)
            {
                case JsonObject made:
                    text.Append('{');
                    var members = made.ToArray();
                    random.Shuffle(members);
                    for (var i = 0; i < members.Length; i++)
                    {
                        text.Append(i > 0 ? "," : "");
                        Space();
                        Quote(members[i].Key);
                        Space();
                        text.Append(':');
                        Write(members[i].Value);
                    }
                    text.Append('}');
                    break;
                case JsonArray list:
                    text.Append('[');
                    for (var i = 0; i < list.Count; i++)
                    {
                        text.Append(i > 0 ? "," : "");
                        Write(list[i]);
                    }
                    text.Append(']');
                    break;
                case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                    Quote(value.GetValue<string>());
                    break;
                default:
                    text.Append(part?.ToJsonString() ?? "null");
                    break;
            }
            Space();
        }

        void Space() => text.Append(" \n\t\r"[random.Next(4)], random.Next(2));

        void Quote(string value)
        {
            text.Append('"');
            foreach (var unit in value)
            {
                // Surrogates stay escaped, both or none: half a pair must not stand raw beside half an escape.
                _ = unit < 0x20 || unit is '"' or '\\' || char.IsSurrogate(unit) || random.Next(3) == 0
                    ? text.Append($"\\u{(random.Next(2) == 0 ? ((int)unit).ToString("x4") : ((int)unit).ToString("X4"))}")
                    : text.Append(unit);
            }
            text.Append('"');
        }
    }

    private static int[] CodePoints(string text) => [.. text.EnumerateRunes().Select(rune => rune.Value)];

    // U+FFFE is inert in NFC; the runtime refuses to normalise a string that holds it.
    private static string Nfc(string text) => string.Join('\uFFFE', text.Split('\uFFFE').Select(part => part.Normalize(NormalizationForm.FormC)));

    private static bool IsNfc(string text) => Nfc(text) == text;
}
