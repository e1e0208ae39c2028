using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

public sealed class ValidationTests
{
    /// <summary>About 1 KiB: patterns, enums, nested objects, an array, numbers, a reference.</summary>
    private const string Typical = """
        {"type":"object","required":["this","intent","payload"],"additionalProperties":false,"properties":{
          "this":{"$ref":"#/$defs/id"},
          "intent":{"type":"string","pattern":"^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$","maxLength":64},
          "ts":{"format":"date-time"},
          "note":{"type":"string","maxLength":40},
          "payload":{"type":"object","required":["ref","target"],"unevaluatedProperties":false,
            "properties":{"ref":{"pattern":"^mc:[a-z]+/[a-z]+@blake3:[0-9a-f]{8}$"},"replicas":{"type":"integer","minimum":1,"maximum":16,"multipleOf":1},
              "labels":{"type":"object","maxProperties":8,"propertyNames":{"pattern":"^[a-z.]+$"},"additionalProperties":{"type":"string"}},
              "ports":{"type":"array","maxItems":8,"uniqueItems":true,"items":{"type":"integer","minimum":1,"maximum":65535}}},
            "allOf":[{"properties":{"target":{"oneOf":[{"properties":{"provider":{"const":"podman"}}},{"properties":{"provider":{"const":"railway"}}}]}}}]}},
         "$defs":{"id":{"type":"string","pattern":"^urn:span:[0-9a-f-]{36}$"}}}
        """;

    private const string TypicalInstance = """
        {"this":"urn:span:5f3c2a1b-0d9e-4c8b-a7f6-e5d4c3b2a190","intent":"deploy.apply","ts":"2025-11-17T13:00:00Z","note":"l\u00edneas \"quoted\"",
         "payload":{"ref":"mc:vv/web@blake3:0123abcd","replicas":2,"labels":{"app.tier":"web","owner":"joana"},
           "ports":[80,443,8080,8081,9000,9001,9002],"target":{"provider":"railway","service":"web"}}}
        """;

    [Fact]
    public void ValidInstance_AllocatesNothing()
    {
        var schema = Schemas.Load(Typical);
        var instance = Schemas.Parse(TypicalInstance);
        Assert.Empty(schema.Validate(instance));
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var i = 0; i < 100; i++)
                schema.IsValid(instance);
        }));
    }

    [Fact]
    public void OneSchema_ServesManyThreads()
    {
        var schema = Schemas.Load(Typical);
        var (valid, wrong) = (Schemas.Parse(TypicalInstance), Schemas.Parse(TypicalInstance.Replace("railway", "heroku", StringComparison.Ordinal)));
        Parallel.For(0, 2_000, i => Assert.Equal(i % 2 == 0, schema.IsValid(i % 2 == 0 ? valid : wrong)));
    }

    [Fact]
    public void EscapedNamesAndValues_AreJudgedByTheirContent()
    {
        Assert.True(Schemas.Accepts("""{"properties":{"name":{"const":"é\"x"}},"required":["name"],"additionalProperties":false}""", """{"n\u0061me":"\u00e9\"x"}"""));
        Assert.False(Schemas.Accepts("""{"properties":{"name":{"const":"a"}}}""", """{"n\u0061me":"b"}"""));
        Assert.True(Schemas.Accepts("""{"pattern":"^[a-z]+$","enum":["abc"]}""", """ "\u0061bc" """));
        Assert.False(Schemas.Accepts("""{"pattern":"^[a-z]+$"}""", """ "a\\b" """));
        Assert.True(Schemas.Accepts("""{"pattern":"^[^/]+$","maxLength":3}""", """ "a\nb" """));
        Assert.False(Schemas.Accepts("""{"const":"a\\n"}""", """ "a\n" """));
        // A name with a backslash is not the escape that looks like it.
        Assert.False(Schemas.Accepts("""{"required":["a\\n"]}""", "{\"a\\n\":1}"));
        Assert.True(Schemas.Accepts("""{"required":["a\\n"]}""", "{\"a\\\\n\":1}"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public void RequiredNames_OfAnyNumber_AreAllAskedFor(int count)
    {
        var names = Enumerable.Range(0, count).Select(i => $"member number {i}").ToList();
        var schema = Schemas.Load(JsonSerializer.Serialize(new { required = names }));
        Assert.True(Schemas.Accepts(schema, JsonSerializer.Serialize(names.ToDictionary(n => n, _ => 1))));
        foreach (var missing in names)
        {
            var error = Assert.Single(schema.Validate(JsonSerializer.SerializeToElement(names.Where(n => n != missing).ToDictionary(n => n, _ => 1))));
            Assert.Equal(missing, error.MissingProperty);
        }
    }

    [Fact]
    public void UnevaluatedMembers_OfALargeObject_AreFound()
    {
        var schema = Schemas.Load("""{"patternProperties":{"^a":true},"anyOf":[{"patternProperties":{"^b":true}},{"patternProperties":{"^c":{"type":"string"}}}],"unevaluatedProperties":false}""");
        var members = Enumerable.Range(0, 100).Select(i => $"\"{"abc"[i % 3]}{i}\":\"x\"").ToList();
        Assert.True(Schemas.Accepts(schema, $"{{{string.Join(',', members)}}}"));
        Assert.Equal("/d", Assert.Single(schema.Validate(Schemas.Parse($"{{{string.Join(',', members)},\"d\":1}}"))).Path);
    }

    [Fact]
    public void UndefinedElement_IsNotValid()
    {
        var schema = Schemas.Load("true");
        Assert.False(schema.IsValid(default));
        Assert.Single(schema.Validate(default));
    }

    /// <summary>The law: no errors if and only if valid; and a schema and its negation never agree.</summary>
    [Fact]
    public void RandomSchemasAndInstances_HaveErrorsExactlyWhenTheyAreNotValid() =>
        Laws.Hold(2_000, random =>
        {
            var text = RandomSchema(random, 4).ToJsonString();
            var (schema, negation) = (Schemas.Load(text), Schemas.Load($$"""{"not":{{text}}}"""));
            for (var i = 0; i < 8; i++)
            {
                var instance = Schemas.Parse(RandomInstance(random, 3)?.ToJsonString() ?? "null");
                var valid = schema.IsValid(instance);
                if (schema.Validate(instance).Count == 0 != valid || negation.IsValid(instance) == valid)
                    throw new InvalidOperationException($"{text} on {instance.GetRawText()}");
            }
        });

    private static readonly string[] Names = ["a", "b", "cc"];

    private static JsonNode RandomSchema(Random random, int depth)
    {
        if (depth == 0)
            return JsonValue.Create(random.Next(3) > 0);
        var schema = new JsonObject();
        for (var i = random.Next(1, 4); i > 0; i--)
            AddKeyword(schema, random, depth - 1);
        return schema;
    }

    private static void AddKeyword(JsonObject schema, Random random, int depth)
    {
        JsonNode Sub() => RandomSchema(random, depth);
        JsonArray List() => [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Sub())];
        JsonObject Map() => new(Names.Where(_ => random.Next(2) == 0).Select(n => KeyValuePair.Create(n, (JsonNode?)Sub())));
        JsonArray Some() => [.. Names.Where(_ => random.Next(2) == 0).Select(n => (JsonNode)n)];
        var (keyword, value) = random.Next(26) switch
        {
            0 => ("type", (JsonNode)((string[])["object", "array", "string", "integer", "null"])[random.Next(5)]),
            1 => ("properties", Map()),
            2 => ("patternProperties", new JsonObject { ["^[ab]"] = Sub() }),
            3 => ("additionalProperties", Sub()),
            4 => ("required", Some()),
            5 => ("propertyNames", new JsonObject { ["maxLength"] = random.Next(3) }),
            6 => ("dependentRequired", new JsonObject { ["a"] = Some() }),
            7 => ("dependentSchemas", Map()),
            8 => ("unevaluatedProperties", Sub()),
            9 => ("prefixItems", List()),
            10 => ("items", Sub()),
            11 => ("contains", Sub()),
            12 => ("minContains", (JsonNode)random.Next(3)),
            13 => ("maxContains", (JsonNode)random.Next(3)),
            14 => ("unevaluatedItems", Sub()),
            15 => ("uniqueItems", (JsonNode)true),
            16 => ("allOf", List()),
            17 => ("anyOf", List()),
            18 => ("oneOf", List()),
            19 => ("not", Sub()),
            20 => ("if", Sub()),
            21 => ("then", Sub()),
            22 => ("else", Sub()),
            23 => ("minimum", (JsonNode)random.Next(4)),
            24 => ("enum", new JsonArray(1, "a", null)),
            _ => ("minProperties", (JsonNode)random.Next(3)),
        };
        schema[keyword] = value;
    }

    private static JsonNode? RandomInstance(Random random, int depth) => random.Next(depth == 0 ? 5 : 9) switch
    {
        0 => null,
        1 => random.Next(5),
        2 => 1.5,
        3 => Names[random.Next(Names.Length)],
        4 => true,
        5 or 6 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomInstance(random, depth - 1))]),
        _ => new JsonObject(Names.Where(_ => random.Next(2) == 0).Select(n => KeyValuePair.Create(n, RandomInstance(random, depth - 1)))),
    };
}
