using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Api.Errors;

namespace LogLine.Api.OpenApi;

/// <summary>
/// The schemas under <c>schemas/</c> as components of the document: the very files that the gate judges by, with their references turned to components.
/// <c>schemas/http/span-query.schema.json</c> is <c>SpanQuery</c>, <c>schemas/intents/deploy.apply.schema.json</c> is <c>DeployApplyPayload</c>.
/// </summary>
internal sealed class ComponentSchemas
{
    private const string Suffix = ".schema.json";
    private readonly SortedDictionary<string, JsonObject> _schemas = new(StringComparer.Ordinal);

    private ComponentSchemas()
    {
    }

    /// <summary>Reads every schema below <paramref name="folder"/>.</summary>
    public static ComponentSchemas Load(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*" + Suffix, SearchOption.AllDirectories).ToDictionary(NameOf, file => JsonNode.Parse(File.ReadAllBytes(file))!.AsObject());
        var names = files.ToDictionary(file => file.Value["$id"]!.GetValue<string>(), file => file.Key);
        var components = new ComponentSchemas();
        foreach (var (name, schema) in files)
        {
            var id = new Uri(schema["$id"]!.GetValue<string>());
            components._schemas.Add(name, (JsonObject)Component(schema, reference => "#/components/schemas/" + names[new Uri(id, reference).ToString()])!);
        }
        components.Refine();
        return components;
    }

    /// <summary>The components by name.</summary>
    public IEnumerable<KeyValuePair<string, JsonObject>> All => _schemas;

    /// <summary>The component's first example.</summary>
    public JsonNode? Example(string file) => _schemas[Pascal(file)]["examples"]?[0]?.DeepClone();

    /// <summary>Name of the component that a file under <c>schemas/</c> becomes: <c>span-query</c> → <c>SpanQuery</c>.</summary>
    public static string Pascal(string file) => string.Concat(file.Split('-', '.', '_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    private static string NameOf(string file)
    {
        var name = Pascal(Path.GetFileName(file)[..^Suffix.Length]);
        return Path.GetFileName(Path.GetDirectoryName(file)) == "intents" ? name + "Payload" : name;
    }

    /// <summary>What only this gateway knows: its intents as payloads of a span, and its codes.</summary>
    private void Refine()
    {
        var payload = _schemas["Span"]["properties"]!["payload"]!.AsObject();
        payload["description"] = "What the intent needs. Each intent has a schema; an incomplete payload is answered with need_more.";
        payload["anyOf"] = new JsonArray([.. _schemas.Keys.Where(name => name.EndsWith("Payload", StringComparison.Ordinal)).Select(name => (JsonNode)new JsonObject { ["$ref"] = "#/components/schemas/" + name })]);
        _schemas["Problem"]["properties"]!["code"]!["enum"] = new JsonArray([.. Enum.GetValues<RefusalCode>().Select(code => (JsonNode)code.Meaning().Wire)]);
    }

    /// <summary>
    /// A copy without what means nothing outside of the repository (dialect, id, the words of the grammar) and without conditions, which generators of
    /// clients do not know: they are judged by the gate, and <c>/v1/catalog</c> has the schemas whole.
    /// </summary>
    private static JsonNode? Component(JsonNode? node, Func<string, string> resolve) => node switch
    {
        JsonObject schema => WithItems(new JsonObject(schema
            .Where(member => !IsLeftOut(member.Key, member.Value))
            .Select(member => KeyValuePair.Create(member.Key, member.Key == "$ref" && member.Value?.GetValueKind() == JsonValueKind.String
                ? JsonValue.Create(resolve(member.Value.GetValue<string>()))
                : Component(member.Value, resolve))))),
        JsonArray items => new JsonArray([.. items.Select(item => Component(item, resolve))]),
        _ => node?.DeepClone(),
    };

    private static bool IsLeftOut(string keyword, JsonNode? value) =>
        keyword is "$schema" or "$id" or "x-logline" || (keyword is "if" or "then" or "else" && value is JsonObject)
        || (keyword == "allOf" && value is JsonArray all && all.All(part => part is JsonObject schema && schema.All(member => IsLeftOut(member.Key, member.Value))));

    /// <summary>OpenAPI asks every array for its items, even where anything goes.</summary>
    private static JsonObject WithItems(JsonObject schema)
    {
        if (schema["type"] is JsonValue type && type.GetValueKind() == JsonValueKind.String && type.GetValue<string>() == "array")
        {
            schema.TryAdd("items", new JsonObject());
        }
        return schema;
    }
}
