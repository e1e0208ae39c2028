using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>Every rule of the contract's section 1, one by one.</summary>
public sealed class CanonicalFormTests
{
    [Theory]
    [InlineData(" { \"b\" : 1 ,\n\t\"a\" : [ 1 , 2 ] } ", """{"a":[1,2],"b":1}""")]
    [InlineData("""{"b":{"z":1,"y":2},"a":{}}""", """{"a":{},"b":{"y":2,"z":1}}""")]
    [InlineData("""[3,1,2]""", "[3,1,2]")]
    [InlineData("""[true,false,null]""", "[true,false,null]")]
    [InlineData("""{"a":1,"":2,"A":3,"aa":4}""", """{"":2,"A":3,"a":1,"aa":4}""")]
    public void WhiteSpaceAndOrder_AreOne(string text, string canonical) => Assert.Equal(canonical, Canonical(text));

    [Fact]
    public void KeysAboveTheBasicPlane_SortByCodePoint_NotByUtf16()
    {
        // U+FFFD < U+10000 by code point, but the surrogate D800 of the latter is below FFFD in UTF-16.
        Assert.Equal("{\"\uFFFD\":2,\"\U00010000\":1}", Canonical("{\"\U00010000\":1,\"\uFFFD\":2}"));
        Assert.Equal("{\"\uE000\":2,\"\U0001F600\":1}", Canonical("""{"\ud83d\ude00":1,"\ue000":2}"""));
    }

    [Fact]
    public void KeysWithEscapes_InAnyOrderAndNumber_SortAsTheirBytesDo() => Laws.Hold(100, random =>
    {
        string[] pieces = ["\u0000", "\u0001", "\u001f", "\b", "\f", "\n", "\r", "\t", "\"", "\\", "/", "u0001", "b", "n", "a", "é", "\uffff", "😀", ""];
        var keys = Enumerable.Range(0, random.Of(2, 5, 16, 17, 300)).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Of(pieces)))).Distinct().ToArray();
        var json = CanonicalJson.Parse(JsonSerializer.SerializeToUtf8Bytes(keys.ToDictionary(key => key, _ => 1)));

        Assert.Equal(
            keys.Select(key => Convert.ToHexString(Encoding.UTF8.GetBytes(key))).Order(StringComparer.Ordinal),
            json.Root.EnumerateObject().Select(member => Convert.ToHexString(Encoding.UTF8.GetBytes(member.Name))));
    });

    [Fact]
    public void KeysWithEscapes_SortByWhatTheyMean()
    {
        // The escape begins with a backslash (U+005C), the character that it stands for is a tab (U+0009).
        Assert.Equal("{\"\\t\":2,\" \":3,\"A\":1}", Canonical("{\"A\":1,\"\\t\":2,\" \":3}"));
        Assert.Equal("""{"\"":1,"#":2}""", Canonical("""{"#":2,"\u0022":1}"""));
    }

    [Fact]
    public void KeysAndValues_AreNfc_BeforeTheyAreSorted()
    {
        // As sent, e + U+0301 sorts before f; as NFC, é (U+00E9) sorts behind it.
        Assert.Equal("{\"f\":1,\"\u00e9\":\"\u00e9\"}", Canonical("{\"e\u0301\":\"e\\u0301\",\"f\":1}"));
    }

    [Theory]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"a\":1,\"\\u0061\":2}")]
    [InlineData("{\"\u00e9\":1,\"e\u0301\":2}")]
    [InlineData("{\"\u212b\":1,\"b\":0,\"\u00c5\":2}")]
    [InlineData("""{"x":[{"a":1,"b":2,"a":3}]}""")]
    public void KeyTwice_EvenOnlyAfterNfc_IsRefused(string text) => Assert.Contains("stands twice", Fault(text));

    [Theory]
    [InlineData("\"\\u0022\\u005c\\u002f\\u0008\\u000c\\u000a\\u000d\\u0009\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"")]
    [InlineData("\"\\u0000\\u001F\\u000b\"", "\"\\u0000\\u001f\\u000b\"")]
    [InlineData("\"\\u007f\\u2028\\u00a0<>&'+\"", "\"\u007f\u2028\u00a0<>&'+\"")]
    [InlineData("\"\\ud83d\\ude00\"", "\"\U0001F600\"")]
    [InlineData("\"\\/\"", "\"/\"")]
    public void Strings_HaveOneSpelling(string text, string canonical) => Assert.Equal(canonical, Canonical(text));

    [Theory]
    [InlineData("\uFFFE")]
    [InlineData("\uFFFF")]
    [InlineData("\uFDD0")]
    [InlineData("\U0010FFFF")]
    public void Noncharacters_AreCharactersLikeOthers(string character)
    {
        Assert.Equal($"\"a{character}b\"", Canonical($"\"a{character}b\""));
        Assert.Equal($"\"\u00e9{character}\u00e9\"", Canonical($"\"e\u0301{character}e\u0301\""));
        Assert.Equal($"{{\"{character}\u00e9\":1}}", Canonical($"{{\"{character}e\u0301\":1}}"));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("9007199254740991")]
    [InlineData("-9007199254740991")]
    public void Integers_AreKept(string text) => Assert.Equal(text, Canonical(text));

    [Theory]
    [InlineData("9007199254740992")]
    [InlineData("-9007199254740992")]
    [InlineData("99999999999999999999999")]
    [InlineData("1.0")]
    [InlineData("1e2")]
    [InlineData("1E2")]
    [InlineData("0.5")]
    [InlineData("-0")]
    [InlineData("-0.0")]
    public void OtherNumbers_AreReadButHaveNoCanonicalForm(string text)
    {
        Assert.True(CanonicalJson.TryRead(Encoding.UTF8.GetBytes("{\"b\":1,\"a\":[0,{\"x/y~z\":" + text + "}]}"), out var json, out _));

        var obstacle = Assert.Single(json.Obstacles);
        Assert.Equal("/a/1/x~1y~0z", obstacle.Path);
        Assert.Equal(text, obstacle.Found);
        Assert.Throws<FormatException>(() => CanonicalJson.Parse(text));
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\udc00\"")]
    [InlineData("\"\\ud800\\ud800\"")]
    [InlineData("{\"\\ud800\":1}")]
    [InlineData("[\"\\ude00\\ud83d\"]")]
    public void LoneSurrogate_IsRefused(string text) => Assert.Contains("surrogate", Fault(text));

    [Fact]
    public void LoneSurrogate_IsNamedByItsPlace() => Assert.Contains("/list/1", Fault("{\"list\":[\"\",\"\\ud800\"]}"));

    [Fact]
    public void ByteOrderMark_IsRefused() => Assert.Contains("byte order mark", Fault("\uFEFF{}"));

    [Theory]
    [InlineData(new byte[] { (byte)'"', 0xC0, 0x80, (byte)'"' })] // overlong
    [InlineData(new byte[] { (byte)'"', 0xED, 0xA0, 0x80, (byte)'"' })] // a surrogate, encoded
    [InlineData(new byte[] { (byte)'"', 0xFF, (byte)'"' })]
    [InlineData(new byte[] { (byte)'"', 0xF4, 0x90, 0x80, 0x80, (byte)'"' })] // beyond U+10FFFF
    public void InvalidUtf8_IsRefused(byte[] body)
    {
        Assert.False(CanonicalJson.TryRead(body, out _, out var fault));
        Assert.Contains("UTF-8", fault.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("{} {}")]
    [InlineData("{},")]
    [InlineData("[1,]")]
    [InlineData("{\"a\":1,}")]
    [InlineData("// note\n{}")]
    [InlineData("{'a':1}")]
    [InlineData("NaN")]
    [InlineData("+1")]
    [InlineData("01")]
    [InlineData("\"tab\tin string\"")]
    public void NotJson_IsRefused(string text) => Assert.Contains("not JSON", Fault(text));

    [Fact]
    public void BytesOf_IsTheCanonicalFormOfThePart()
    {
        var json = CanonicalJson.Parse("""{"z":1,"a":{"y":[ 1, "é" ],"b":{}}}""");

        Assert.Equal("""{"b":{},"y":[1,"é"]}""", Encoding.UTF8.GetString(CanonicalJson.BytesOf(json.Root.GetProperty("a"))));
        Assert.Equal("\"é\"", Encoding.UTF8.GetString(CanonicalJson.BytesOf(json.Root.GetProperty("a").GetProperty("y")[1])));
    }

    [Theory]
    [InlineData("""{"sig":1}""", "{}")]
    [InlineData("""{"a":1,"sig":2}""", """{"a":1}""")]
    [InlineData("""{"sig":2,"z":1}""", """{"z":1}""")]
    [InlineData("""{"a":[1,{"sig":0}],"sig":"\"}","z":1}""", """{"a":[1,{"sig":0}],"z":1}""")]
    [InlineData("""{"a":1}""", """{"a":1}""")]
    public void BytesWithout_LeavesTheRestAsItIs(string text, string rest)
    {
        var root = CanonicalJson.Parse(text).Root;

        Assert.Equal(rest, Encoding.UTF8.GetString(CanonicalJson.BytesWithout(root, root, "sig")));
    }

    [Theory]
    [InlineData("""{"a":1,"signature":{"alg":"x","kid":"k","sig":"s"},"z":1}""", """{"a":1,"signature":{"alg":"x","kid":"k"},"z":1}""")]
    [InlineData("""{"signature":{"sig":"s"}}""", """{"signature":{}}""")]
    [InlineData("""{"sig":9,"signature":{"kid":"k","sig":"s"}}""", """{"sig":9,"signature":{"kid":"k"}}""")]
    public void BytesWithout_ReachesIntoAnInnerObject(string text, string rest)
    {
        var root = CanonicalJson.Parse(text).Root;

        Assert.Equal(rest, Encoding.UTF8.GetString(CanonicalJson.BytesWithout(root, root.GetProperty("signature"), "sig")));
    }

    [Fact]
    public void Hash_IsOfTheCanonicalBytes() =>
        Assert.Equal(ContentHash.Of("""{"a":1,"b":2}"""u8), ContentHash.Of(CanonicalJson.Parse("""{ "b":2, "a":1 }""").Utf8.Span));

    private static string Canonical(string text) => Encoding.UTF8.GetString(CanonicalJson.Parse(text).Utf8.Span);

    private static string Fault(string text)
    {
        Assert.False(CanonicalJson.TryRead(Encoding.UTF8.GetBytes(text), out _, out var fault));
        return fault.Message;
    }
}
