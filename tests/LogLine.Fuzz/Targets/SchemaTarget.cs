using System.Text;
using System.Text.Json;
using LogLine.Fuzz.Mutation;
using LogLine.Protocol.Schema;

namespace LogLine.Fuzz.Targets;

/// <summary>
/// The validator: an input is a schema, a line <c>---</c>, and an instance. A schema is loaded or refused, an instance is valid exactly when it has no errors.
/// </summary>
internal sealed class SchemaTarget : IFuzzTarget
{
    private static readonly byte[] Line = "\n---\n"u8.ToArray();

    private static readonly (string Schema, string Instance)[] Written =
    [
        ("""{"type":"object","properties":{"a":{"type":["string","null"],"pattern":"^(?:[a-z]+\\d{1,3}|x*)$","maxLength":9}},"required":["a"],"additionalProperties":false,"patternProperties":{"^x-":{"format":"date-time"}}}""", """{"a":"abc12","x-t":"2026-11-21T12:00:00Z"}"""),
        ("""{"$defs":{"n":{"anyOf":[{"type":"integer","multipleOf":3},{"$ref":"#/$defs/l"}]},"l":{"items":{"$ref":"#/$defs/n"},"maxItems":5}},"$ref":"#/$defs/l"}""", "[3,[6,[9]]]"),
        ("""{"oneOf":[{"const":1},{"enum":["a",{"b":[2]}]},{"not":{"type":"string"}}],"if":{"minimum":3},"then":{"maximum":5},"else":{"exclusiveMaximum":9.5}}""", """{"b":[2]}"""),
        ("""{"prefixItems":[{"type":"number"},true],"contains":{"type":"string"},"minContains":1,"maxContains":2,"unevaluatedItems":false,"uniqueItems":true}""", """[1,{},"x"]"""),
        ("""{"allOf":[{"properties":{"a":true}},{"dependentSchemas":{"a":{"required":["b"]}}}],"unevaluatedProperties":{"type":"integer"},"dependentRequired":{"b":["c"]},"propertyNames":{"maxLength":3},"minProperties":1}""", """{"a":1,"b":2,"c":3}"""),
        ("""{"pattern":"^(?=a)\\p{L}[^\\s\\u{1F600}-\\u{1F64F}]{2,40}\\b(?:x|y|z)+?$"}""", "\"abcdefxyz\""),
        ("""{"properties":{"e":{"format":"email"},"h":{"format":"hostname"},"4":{"format":"ipv4"},"6":{"format":"ipv6"},"u":{"format":"uri"},"r":{"format":"uri-reference"},"i":{"format":"uuid"},"x":{"format":"regex"},"p":{"format":"json-pointer"},"d":{"format":"date"},"t":{"format":"time"},"l":{"format":"duration"}}}""",
            """{"e":"a@b.c","h":"xn--bcher-kva.example","4":"127.0.0.1","6":"::ffff:1.2.3.4","u":"https://a/b?c#d","r":"../x","i":"01234567-89ab-cdef-0123-456789abcdef","x":"^a(b|c)*$","p":"/a~1b/0","d":"2024-02-29","t":"12:00:00.5+01:00","l":"P1DT2H"}"""),
    ];

    private readonly SchemaRegistry _registry = Registry();

    public IReadOnlyList<byte[]> Seeds { get; } = [.. Written.Select(pair => Join(Encoding.UTF8.GetBytes(pair.Schema), Encoding.UTF8.GetBytes(pair.Instance))), .. Words.Files.SelectMany(OfFile)];

    public byte[] Mutate(byte[] input, byte[] other, Random random)
    {
        var (schema, instance) = Split(input);
        var (theirSchema, theirInstance) = Split(other);
        return random.Next(3) switch
        {
            0 => Join(Mutation.Json.Change(schema, theirSchema, random), instance),
            1 => Join(schema, Mutation.Json.Change(instance, theirInstance, random)),
            _ => Join(schema, theirInstance),
        };
    }

    public void Enter(byte[] input)
    {
        var (text, value) = Split(input);
        var schema = JsonSchema.Load(text, _registry);
        if (Parse(value) is { } document)
        {
            using (document)
            {
                schema.Validate(document.RootElement);
            }
        }
    }

    public string Run(byte[] input)
    {
        var (text, value) = Split(input);
        JsonSchema schema;
        try
        {
            schema = JsonSchema.Load(text, _registry);
        }
        catch (SchemaLoadException refused)
        {
            return "refused " + refused.Keyword;
        }
        if (Parse(value) is not { } document)
        {
            return "no-instance";
        }
        using (document)
        {
            var (valid, errors) = (schema.IsValid(document.RootElement), schema.Validate(document.RootElement));
            if (valid != (errors.Count == 0))
            {
                throw new BrokenPromiseException($"IsValid says {valid}, and there are {errors.Count} errors.");
            }
            return valid ? "valid" : "invalid " + string.Join(' ', errors.Select(error => error.Keyword).Distinct().Order(StringComparer.Ordinal).Take(8));
        }
    }

    private static JsonDocument? Parse(byte[] value)
    {
        try
        {
            return JsonDocument.Parse(value, new JsonDocumentOptions { MaxDepth = 128 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static (byte[] Schema, byte[] Instance) Split(byte[] input)
    {
        var line = input.AsSpan().LastIndexOf(Line);
        return line < 0 ? (input, []) : (input[..line], input[(line + Line.Length)..]);
    }

    private static byte[] Join(byte[] schema, byte[] instance) => [.. schema, .. Line, .. instance];

    // Under a name of its own, since its own is in the registry.
    private static IEnumerable<byte[]> OfFile(string file)
    {
        var schema = Mutation.Json.Parse(File.ReadAllBytes(file))!.AsObject();
        schema.Remove("$id");
        var examples = schema["examples"]?.AsArray().Select(example => Mutation.Json.Write(example!)).ToList() ?? ["{}"u8.ToArray()];
        return examples.Select(example => Join(Mutation.Json.Write(schema), example));
    }

    private static SchemaRegistry Registry()
    {
        var registry = new SchemaRegistry();
        foreach (var file in Words.Files)
        {
            registry.Add(File.ReadAllBytes(file));
        }
        return registry;
    }

    public void Renew()
    {
    }

    public void Dispose()
    {
    }
}
