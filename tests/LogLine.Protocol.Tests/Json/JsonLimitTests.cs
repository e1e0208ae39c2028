using System.Text;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

public sealed class JsonLimitTests
{
    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void DepthOf32_IsRead_33IsRefused(char open, char close)
    {
        Assert.Null(Fault(Nested(32, open, close)));
        Assert.Contains("deeper than 32", Fault(Nested(33, open, close)));
        Assert.Contains("deeper than 32", Fault(Nested(5000, open, close)));
    }

    [Fact]
    public void UnclosedDepth_IsRefusedAsWell() => Assert.NotNull(Fault(new string('[', 100_000)));

    [Fact]
    public void Array_Of10000Elements_IsRead_OneMoreIsRefused()
    {
        Assert.Null(Fault(Numbers(10_000)));
        Assert.Contains("10,000 elements", Fault(Numbers(10_001)));
        Assert.Contains("/a/b", Fault("{\"a\":{\"b\":" + Numbers(10_001) + "}}"));
    }

    [Fact]
    public void Arrays_AreCountedEachForItself() => Assert.Null(Fault($"[{Numbers(10_000)},{Numbers(10_000)}]"));

    [Fact]
    public void Object_Of1000Members_IsRead_OneMoreIsRefused()
    {
        Assert.Null(Fault(Members(1000)));
        Assert.Contains("1,000 members", Fault(Members(1001)));
        Assert.Contains("/list/1", Fault("{\"list\":[0," + Members(1001) + "]}"));
    }

    [Fact]
    public void ObjectsInsideAnObject_AreCountedEachForItself() => Assert.Null(Fault($"{{\"a\":{Members(1000)},\"b\":{Members(1000)}}}"));

    [Theory]
    [InlineData("""{"a":[[],[{"k":1,"k":2}]]}""", "/a/1/0")]
    [InlineData("""{"a":{"b":{"k":1,"k":2}}}""", "/a/b")]
    [InlineData("""[[1,2],{"x~/":{"k":1,"k":2}}]""", "/1/x~0~1")]
    public void Fault_NamesThePlace(string text, string pointer)
    {
        Assert.EndsWith($"at {pointer}.", Fault(text));
    }

    [Fact]
    public void SyntaxFault_NamesLineAndByte() => Assert.Contains("line 2, byte 4", Fault("{\n\"a\"x}"));

    [Fact]
    public void ObstaclesAreListed_NoMoreThanTwenty()
    {
        Assert.True(CanonicalJson.TryRead(Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Repeat("0.5", 500)) + "]"), out var json, out _));

        Assert.Equal(20, json.Obstacles.Count);
        Assert.Equal("/19", json.Obstacles[19].Path);
    }

    [Fact]
    public void LongSpellings_AreCutInMessages()
    {
        Assert.True(CanonicalJson.TryRead(Encoding.UTF8.GetBytes(new string('9', 100_000)), out var json, out _));

        Assert.True(json.Obstacles[0].Message.Length < 300);
        Assert.True(Fault("{\"" + new string('k', 5000) + "\":1,\"" + new string('k', 5000) + "\":2}")!.Length < 300);
    }

    /// <summary>Put in order one by one, as the runtime does it, these marks would take a quarter of an hour.</summary>
    [Theory]
    [InlineData("\u0307\u0323", "\u0323", "\u0307")]
    [InlineData("\u0323\u0307", "\u0323", "\u0307")]
    [InlineData("\u0344\u0327", "\u0327", "\u0308\u0301")]
    public void LongRowOfCombiningMarks_IsPutInOrderAtOnce(string marks, string first, string then)
    {
        var count = JsonLimits.BodyBytes / 2 / marks.Length / 2;
        var body = Encoding.UTF8.GetBytes($$"""{"{{Repeated(marks, count)}}":"{{Repeated(marks, count)}}"}""");

        var json = CanonicalJson.Parse(body);

        var ordered = Repeated(first, count) + Repeated(then, count);
        Assert.Equal($$"""{"{{ordered}}":"{{ordered}}"}""", Encoding.UTF8.GetString(json.Utf8.Span));
        Assert.Equal(json.Utf8.ToArray(), CanonicalJson.Parse(json.Utf8.Span).Utf8.ToArray());

        static string Repeated(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
    }

    private static string Nested(int depth, char open, char close)
    {
        var text = new StringBuilder();
        for (var i = 0; i < depth; i++)
        {
            text.Append(open);
            if (open == '{' && i < depth - 1)
            {
                text.Append("\"k\":");
            }
        }
        return text.Append(close, depth).ToString();
    }

    private static string Numbers(int count) => "[" + string.Join(',', Enumerable.Range(0, count)) + "]";

    private static string Members(int count) => "{" + string.Join(',', Enumerable.Range(0, count).Select(i => $"\"m{i}\":{i}")) + "}";

    private static string? Fault(string text) => CanonicalJson.TryRead(Encoding.UTF8.GetBytes(text), out _, out var fault) ? null : fault.Message;

    /// <summary>Keys with escapes are compared as they stand: unescaping both for each comparison cost 170 ms for a body of 940 KiB.</summary>
    [Fact]
    public void ManyKeysWithEscapes_AreSortedWithoutACopyForEachComparison()
    {
        var keys = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"\\u0001{999 - i:x3}é\":1"));
        var body = Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Repeat("{" + keys + "}", 40)) + "]");

        Assert.InRange(Allocations.Of(() => Assert.True(CanonicalJson.TryRead(body, out _, out _))), 0, 30L * body.Length);
    }
}
