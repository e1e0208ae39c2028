using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

/// <summary>Schemas and instances made to hang, overflow or flood. "In time" is generous: what these stand against takes minutes or for ever.</summary>
public sealed class HostileTests
{
    // Not a speed: what grows beyond its bound takes hours, what does not takes a second, on a busy machine some.
    private static readonly TimeSpan InTime = TimeSpan.FromMinutes(2);

    [Fact]
    public void InstanceNestedDeeply_IsRefusedWithoutOverflow()
    {
        var schema = Schemas.Load("""{"properties":{"a":{"$ref":"#"}},"items":{"$ref":"#"}}""");
        Assert.True(Schemas.Accepts(schema, Nested(SchemaLimits.Depth - 1)));
        Assert.Equal("limit", Assert.Single(schema.Validate(Schemas.Parse(Nested(5_000)))).Keyword);
    }

    [Fact]
    public void LimitInsideNot_IsNotTakenForSuccess() =>
        Assert.False(Schemas.Accepts("""{"not":{"$ref":"#/$defs/deep"},"$defs":{"deep":{"items":{"$ref":"#/$defs/deep"}}}}""", Nested(1_000)));

    [Fact]
    public void DeepValuesInUniqueItems_DoNotOverflow() =>
        InTimeAssert(() => Schemas.Load("""{"uniqueItems":true}""").IsValid(Schemas.Parse($"[{Nested(5_000)},{Nested(5_000)}]")));

    [Fact]
    public void SchemaThatDoublesAtEveryStep_EndsAtTheLimitOfSteps()
    {
        var defs = string.Join(',', Enumerable.Range(15, 25).Select(i => $$"""
            "d{{i}}":{"allOf":[{"$ref":"#/$defs/d{{i + 1}}"},{"$ref":"#/$defs/d{{i + 1}}"}]}
            """));
        var chain = Schemas.Load($$"""{"$ref":"#/$defs/d15","$defs":{ {{defs}}, "d40":{} } }""");
        InTimeAssert(() => Assert.False(chain.IsValid(Schemas.Parse("1"))));

        var tree = Schemas.Load("""{"items":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}""");
        InTimeAssert(() => Assert.False(tree.IsValid(Schemas.Parse(Nested(60)))));
        Assert.Equal("limit", tree.Validate(Schemas.Parse(Nested(60)))[^1].Keyword);
    }

    [Fact]
    public void LongChainOfReferences_IsRefusedAtLoad()
    {
        var defs = string.Join(',', Enumerable.Range(0, 5_000).Select(i => $$""" "d{{i}}":{"$ref":"#/$defs/d{{i + 1}}"} """));
        Assert.Throws<SchemaLoadException>(() => Schemas.Load($$"""{"$ref":"#/$defs/d0","$defs":{ {{defs}}, "d5000":true } }"""));
    }

    [Fact]
    public void SchemaNestedDeeply_IsRefusedAtLoad()
    {
        var text = string.Concat(Enumerable.Repeat("{\"not\":", 200)) + "true" + new string('}', 200);
        Assert.Throws<SchemaLoadException>(() => Schemas.Load(text));
        Assert.Throws<SchemaLoadException>(() => JsonSchema.Load(Schemas.Parse(text)));
    }

    [Theory]
    [InlineData("1e1000000000")]
    [InlineData("-1e-1000000000")]
    [InlineData("1E99999999999999999999999999999999")]
    public void HugeExponent_IsJudgedAtOnce(string number)
    {
        var schema = Schemas.Load("""{"multipleOf":0.01,"minimum":-5,"maximum":1e400,"exclusiveMinimum":-1e999,"enum":[1,2.5],"type":"integer"}""");
        InTimeAssert(() => Assert.False(Schemas.Accepts(schema, number)));
    }

    [Fact]
    public void MillionDigits_AreJudgedInLinearTimeWithoutAllocation()
    {
        var schema = Schemas.Load("""{"type":"integer","multipleOf":7,"minimum":3,"exclusiveMaximum":1e2000000}""");
        var number = Schemas.Parse(string.Concat(Enumerable.Repeat("7", 1_000_000)));
        Assert.InRange(Allocations.Of(() => InTimeAssert(() => Assert.True(schema.IsValid(number)))), 0, 2_000);
        Assert.All(Schemas.Load("""{"maximum":3}""").Validate(number), e => Assert.InRange(e.Message.Length, 1, 200));
    }

    [Fact]
    public void TenThousandElements_AreUniqueWithoutComparingAllPairs()
    {
        var schema = Schemas.Load("""{"uniqueItems":true}""");
        var items = string.Join(',', Enumerable.Range(0, 10_000).Select(i => $$"""{"name":"n{{i}}","value":[{{i}},1.0]}"""));
        InTimeAssert(() => Assert.True(Schemas.Accepts(schema, $"[{items}]")));
        Assert.False(Schemas.Accepts(schema, $$"""[{{items}},{"value":[9e0,1],"name":"n9"}]"""));
    }

    [Fact]
    public void LargeObjects_AreComparedWithoutLookingEachMemberUpAmongAll()
    {
        var members = Enumerable.Range(0, 4_000).Select(i => $"\"m{i}\":{i}").ToList();
        var (forward, backward) = (string.Join(',', members), string.Join(',', members.AsEnumerable().Reverse()));
        InTimeAssert(() => Assert.True(Schemas.Accepts($$"""{"const":{ {{forward}} } }""", $"{{{backward}}}")));
    }

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("^(a|aa)+$")]
    [InlineData("^(a|a?)+$")]
    [InlineData("(.*)*x")]
    [InlineData("(a|b)*a(a|b){12}$")]
    public void PatternThatBacktracksElsewhere_RunsInLinearTime(string pattern)
    {
        var schema = Schemas.Load(JsonSerializer.Serialize(new { pattern }));
        InTimeAssert(() => Schemas.Accepts(schema, $"\"{new string('a', 60_000)}!\""));
    }

    [Theory]
    [InlineData("(a{1000}){1000}")]
    [InlineData("((((a|b){0,90}c){0,90}d){0,90}e)*")]
    [InlineData("a{100000000}b")]
    public void PatternTooLargeForAnAutomaton_IsRefusedAtLoad(string pattern) =>
        Assert.Throws<SchemaLoadException>(() => Schemas.Load(JsonSerializer.Serialize(new { pattern })));

    [Fact]
    public void PatternLongOrNestedWithoutEnd_IsRefused()
    {
        Assert.Throws<SchemaLoadException>(() => Schemas.Load(JsonSerializer.Serialize(new { pattern = new string('a', 5_000) })));
        Assert.Throws<SchemaLoadException>(() => Schemas.Load(JsonSerializer.Serialize(new { pattern = new string('(', 2_000) + new string(')', 2_000) })));
        Assert.False(Schemas.Accepts("""{"format":"regex"}""", $"\"{new string('(', 100_000)}\""));
    }

    [Fact]
    public void ManyUnicodeProperties_CostOneWalkOverTheCodePoints()
    {
        InTimeAssert(() => Schemas.Load(JsonSerializer.Serialize(new { pattern = string.Concat(Enumerable.Repeat(@"\p{L}", 5)) })));
        InTimeAssert(() => Assert.True(Schemas.Accepts("""{"format":"regex"}""", JsonSerializer.Serialize(string.Concat(Enumerable.Repeat(@"[\p{L}\P{N}]", 300))))));
    }

    [Fact]
    public void SchemaBeyondItsLength_IsRefused()
    {
        static string Of(int length) => $$"""{"description":"{{new string('a', length - 18)}}"}""";
        Schemas.Load(Of(SchemaLimits.DocumentBytes));
        var refusal = Assert.Throws<SchemaLoadException>(() => Schemas.Load(Of(SchemaLimits.DocumentBytes + 1)));
        Assert.Contains("65536 bytes", refusal.Message);
    }

    [Fact]
    public void MoreErrorsThanTheLimit_AreCutAndSaidToBe()
    {
        var errors = Schemas.Errors("""{"items":{"type":"string"}}""", $"[{string.Join(',', Enumerable.Range(0, 5_000))}]");
        Assert.Equal(SchemaLimits.Errors + 1, errors.Count);
        Assert.Equal("limit", errors[^1].Keyword);
    }

    [Fact]
    public void FloodOfFailingAlternativesAndNames_IsNotWorkedThroughOneByOne()
    {
        var items = Schemas.Parse($"[{string.Join(',', Enumerable.Repeat("{}", 200_000))}]");
        InTimeAssert(() => Assert.Equal(SchemaLimits.Errors + 1, Schemas.Load(
            """{"items":{"oneOf":[{"required":["a"]},{"required":["b"]},{"type":"string"}]}}""").Validate(items).Count));
        var members = Schemas.Parse($"{{{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"m{i}\":1"))}}}");
        InTimeAssert(() => Assert.Equal(SchemaLimits.Errors + 1, Schemas.Load("""{"propertyNames":{"maxLength":1}}""").Validate(members).Count));
    }

    [Fact]
    public void LongNamesAndValues_DoNotMakeLongMessages()
    {
        var name = new string('n', 200_000);
        var errors = Schemas.Errors("""{"additionalProperties":{"const":"short"}}""", $$"""{"{{name}}":"{{name}}"}""");
        var error = Assert.Single(errors);
        Assert.InRange(error.Path.Length, 1, 300);
        Assert.InRange(error.Message.Length, 1, 500);
    }

    [Fact]
    public void ManyNames_AreRefusedAtLoad()
    {
        var names = string.Join(',', Enumerable.Range(0, SchemaLimits.Names + 1).Select(i => $"\"n{i}\":true"));
        Assert.Throws<SchemaLoadException>(() => Schemas.Load($$"""{"properties":{ {{names}} } }"""));
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\udc00\\ud800\"")]
    public void LoneSurrogate_IsOneCharacterAndNothingBreaks(string text)
    {
        Assert.True(Schemas.Accepts("""{"maxLength":2,"minLength":1}""", text));
        Schemas.Accepts("""{"pattern":"x","format":"email","enum":["a"]}""", text);
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static void InTimeAssert(Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        Assert.True(Stopwatch.GetElapsedTime(start) < InTime, $"took {Stopwatch.GetElapsedTime(start)}");
    }
}
