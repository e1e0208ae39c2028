using System.Collections.Frozen;

namespace LogLine.Protocol.Schema;

/// <summary>What the value of a keyword holds.</summary>
internal enum KeywordShape
{
    /// <summary>A keyword that is not known.</summary>
    Unknown,

    /// <summary>Data of the keyword's own.</summary>
    Data,

    /// <summary>Notes for readers; any value.</summary>
    Annotation,

    /// <summary>One schema.</summary>
    Schema,

    /// <summary>An array of schemas.</summary>
    SchemaList,

    /// <summary>An object whose members are schemas.</summary>
    SchemaMap,

    /// <summary>Known to the draft and refused here.</summary>
    Refused,
}

/// <summary>The vocabulary of draft 2020-12, as one table.</summary>
internal static class SchemaKeywords
{
    public const string Dialect = "https://json-schema.org/draft/2020-12/schema";

    private static readonly FrozenDictionary<string, KeywordShape> Shapes = Table();

    public static KeywordShape ShapeOf(string keyword) =>
        keyword.StartsWith("x-", StringComparison.Ordinal) ? KeywordShape.Annotation : Shapes.GetValueOrDefault(keyword);

    private static FrozenDictionary<string, KeywordShape> Table()
    {
        var table = new Dictionary<string, KeywordShape>(StringComparer.Ordinal);
        Put(KeywordShape.Schema, "items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else",
            "unevaluatedItems", "unevaluatedProperties");
        Put(KeywordShape.SchemaList, "prefixItems", "allOf", "anyOf", "oneOf");
        Put(KeywordShape.SchemaMap, "$defs", "properties", "patternProperties", "dependentSchemas");
        Put(KeywordShape.Data, "$id", "$schema", "$ref", "$anchor", "type", "const", "enum", "format", "pattern", "minLength", "maxLength",
            "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems",
            "minContains", "maxContains", "minProperties", "maxProperties", "required", "dependentRequired");
        Put(KeywordShape.Annotation, "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
            "contentEncoding", "contentMediaType", "contentSchema");
        Put(KeywordShape.Refused, "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary");
        return table.ToFrozenDictionary(StringComparer.Ordinal);

        void Put(KeywordShape shape, params ReadOnlySpan<string> keywords)
        {
            foreach (var keyword in keywords)
                table.Add(keyword, shape);
        }
    }
}
