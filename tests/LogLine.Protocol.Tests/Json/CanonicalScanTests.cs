using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>What is canonical as it stands is recognised without being written; the writer is the judge of it.</summary>
public sealed class CanonicalScanTests
{
    private static readonly string[] Recognised =
    [
        "{}", "[]", "null", "true", "0", "-1", "999999999999999", "\"\"", "\" ~\u007f/\"", """{"":0,"a":{},"ab":[],"b":[1,-2,[null,false],{"x":"y"}]}""",
        """{"did":{"action":"append","actor":"usr_1"},"intent":"registry.person.create","signature":{"alg":"ed25519-blake3","kid":"k","sig":"+/=="},"this":"urn:span:1"}""",
    ];

    [Fact]
    public void PlainCanonicalText_IsRecognised() => Assert.All(Recognised, text => Assert.True(CanonicalScan.Recognises(Encoding.UTF8.GetBytes(text)), text));

    [Theory]
    [InlineData("")]
    [InlineData(" {}")]
    [InlineData("{} ")]
    [InlineData("{}{}")]
    [InlineData("""{"b":1,"a":2}""")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":1,}""")]
    [InlineData("""{"a" :1}""")]
    [InlineData("""{"a":}""")]
    [InlineData("""{"a"}""")]
    [InlineData("""{"a":1""")]
    [InlineData("""{a:1}""")]
    [InlineData("[1,]")]
    [InlineData("[1 ]")]
    [InlineData("[1")]
    [InlineData("nul")]
    [InlineData("truex")]
    [InlineData("-")]
    [InlineData("-0")]
    [InlineData("01")]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("+1")]
    [InlineData("9007199254740993")]
    [InlineData("\"")]
    [InlineData("\"a")]
    [InlineData("\"\\u0041\"")]
    [InlineData("\"\n\"")]
    [InlineData("\"e\u0301\"")]
    public void AnythingElse_IsNot(string text) => Assert.False(CanonicalScan.Recognises(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void TheLimits_AreTheWriters()
    {
        Assert.True(Holds(Nested(32)));
        Assert.False(Holds(Nested(33)));
        Assert.False(Holds(new string('[', 100_000)));
        Assert.True(Holds(Numbers(10_000)));
        Assert.False(Holds(Numbers(10_001)));
        Assert.True(Holds(Members(1_000)));
        Assert.False(Holds(Members(1_001)));

        static bool Holds(string text) => CanonicalScan.Recognises(Encoding.UTF8.GetBytes(text));
        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
        static string Numbers(int count) => "[" + string.Join(',', Enumerable.Repeat("7", count)) + "]";
        static string Members(int count) => "{" + string.Join(',', Enumerable.Range(0, count).Select(number => $"\"{number:D4}\":0")) + "}";
    }

    [Fact]
    public void WhatIsRecognised_IsLeftAsItIsByTheWriter()
    {
        var recognised = 0;
        Laws.Hold(20_000, random =>
        {
            var text = Changed(Encoding.UTF8.GetBytes(random.Of([.. Recognised, Encoding.UTF8.GetString(CanonicalJson.Parse(RandomDocuments.Next(random)).Utf8.Span)])), random);
            if (CanonicalScan.Recognises(text))
            {
                recognised++;
                Assert.Equal(text, Written(text));
            }
        });
        Assert.InRange(recognised, 2_000, 20_000);
    }

    [Fact]
    public void AView_IsOfCanonicalBytesAlone_HoweverTheyAreRecognised() => Laws.Hold(2_000, random =>
    {
        var canonical = CanonicalJson.Parse(RandomDocuments.Next(random)).Utf8.ToArray();
        Assert.True(CanonicalJson.TryView(canonical, out var json));
        Assert.True(json.Utf8.Span == canonical);
        var changed = Changed(canonical, random);
        Assert.Equal(Written(changed) is { } written && written.AsSpan().SequenceEqual(changed), CanonicalJson.TryView(changed, out _));
    });

    [Fact]
    public void Members_AreThoseOfTheTree() => Laws.Hold(2_000, random =>
    {
        var json = CanonicalJson.Parse($$"""{"x":{{RandomDocuments.Next(random)}},"y":{{RandomDocuments.Next(random)}},"z":[{{RandomDocuments.Next(random)}}]}""");
        Compare(json.Root);

        static void Compare(JsonElement element)
        {
            var members = new CanonicalMembers(CanonicalJson.BytesOf(element));
            foreach (var member in element.EnumerateObject())
            {
                Assert.True(members.MoveNext());
                Assert.True(members.Is(Encoding.UTF8.GetBytes(member.Name)));
                Assert.False(members.Is(Encoding.UTF8.GetBytes(member.Name + "x")));
                Assert.Equal(CanonicalJson.BytesOf(member.Value).ToArray(), members.Value.ToArray());
                Assert.Equal(member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString() : null, members.Text);
                Assert.Equal(member.Value.ValueKind == JsonValueKind.Object, members.IsObject);
                if (members.IsObject)
                {
                    Compare(member.Value);
                }
            }
            Assert.False(members.MoveNext());
        }
    });

    private static byte[] Changed(byte[] text, Random random)
    {
        var changed = text.ToList();
        for (var change = random.Next(3); change > 0; change--)
        {
            var at = random.Next(changed.Count);
            switch (random.Next(3))
            {
                case 0:
                    changed[at] = (byte)random.Of('"', '\\', ',', ':', '0', '1', '-', ' ', 'a', '{', '}', '[', ']', '\u007f', '\u00c3');
                    break;
                case 1 when changed.Count > 1:
                    changed.RemoveAt(at);
                    break;
                default:
                    changed.Insert(at, changed[random.Next(changed.Count)]);
                    break;
            }
        }
        return [.. changed];
    }

    /// <summary>The canonical form as the writer makes it, which has not seen that it might be canonical already; null when there is none.</summary>
    private static byte[]? Written(byte[] text) => CanonicalJson.TryRead([(byte)' ', .. text], out var json, out _) && json.Obstacles.Count == 0 ? json.Utf8.ToArray() : null;
}
