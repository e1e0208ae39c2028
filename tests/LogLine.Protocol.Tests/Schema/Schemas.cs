using System.Text;
using System.Text.Json;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

/// <summary>Shorthand for schemas and instances written as text.</summary>
internal static class Schemas
{
    public static JsonSchema Load(string schema) => JsonSchema.Load(Encoding.UTF8.GetBytes(schema));

    public static JsonElement Parse(string instance)
    {
        using var document = JsonDocument.Parse(instance, new JsonDocumentOptions { MaxDepth = 100_000 });
        return document.RootElement.Clone();
    }

    public static bool Accepts(string schema, string instance) => Accepts(Load(schema), instance);

    /// <summary>The verdict, after making sure that both ways to ask give the same.</summary>
    public static bool Accepts(JsonSchema schema, string instance)
    {
        var element = Parse(instance);
        var valid = schema.IsValid(element);
        Assert.Equal(valid, schema.Validate(element).Count == 0);
        return valid;
    }

    public static IReadOnlyList<SchemaError> Errors(string schema, string instance, string at = "") => Load(schema).Validate(Parse(instance), at);
}
