using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>Laws, on documents from seeded generators: the seed is in the message of a failure.</summary>
public sealed class CanonicalLawTests
{
    private const int Documents = 2000;

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
            Assert.Equal(CanonicalJson.Parse(document).Utf8.ToArray(), CanonicalJson.Parse(RandomDocuments.Respelled(node, random)).Utf8.ToArray());
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
            var document = RandomDocuments.Next(random);
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

    private static int[] CodePoints(string text) => [.. text.EnumerateRunes().Select(rune => rune.Value)];

    private static bool IsNfc(string text) => RandomDocuments.Nfc(text) == text;
}
