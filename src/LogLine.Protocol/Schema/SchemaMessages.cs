using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>Sentences for people: the field, what is accepted, what was found.</summary>
internal static class SchemaMessages
{
    private const int ListedValues = 20;

    public static SchemaError Describe(string path, SchemaNode node, string keyword, scoped in Instance instance)
    {
        var found = Found(instance);
        var accepted = keyword switch
        {
            "const" => Values(node.Const!),
            "enum" => Values(node.Enum!),
            _ => null,
        };
        var message = $"{SchemaErrors.FieldOf(path)} {Demand(node, keyword, instance, accepted)}, found {Quantity(keyword, instance) ?? found}";
        if (node.Description is not null)
            message += $" ({node.Description})";
        return new SchemaError(path, keyword, message) { Accepted = accepted, Found = found };
    }

    public static string Unknown(string field, ObjectRules? rules)
    {
        var accepted = rules is null ? [] : rules.NameTexts.Where((_, i) => rules.Properties[i] is { IsFalse: false }).ToList();
        var listed = string.Join(", ", accepted.Take(ListedValues)) + (accepted.Count > ListedValues ? ", …" : "");
        return $"{field} is not a known member" + (accepted.Count == 0 ? "; none is accepted here" : $"; accepted are {listed}");
    }

    public static string Missing(ObjectRules rules, int position, string? trigger)
    {
        var schema = rules.Properties[position];
        var what = schema is null ? "" : Expectation(schema);
        return (trigger is null ? "is required" : $"is required when {Excerpt.OfName(trigger)} is given") + what;
    }

    public static string Name(string field, List<SchemaError> found) =>
        $"{field} is not an accepted name" + (found.Count == 0 ? "" : ": " + found[0].Message);

    public static string Surplus(string field) => $"{field} is one element too many";

    private static string Demand(SchemaNode node, string keyword, scoped in Instance instance, string? accepted) => keyword switch
    {
        "type" => $"must be {node.Type!.Names}",
        "const" => $"must be {accepted}",
        "enum" => $"must be one of {accepted}",
        "minLength" => $"must have at least {Count(node.Text!.MinLength, "character")}",
        "maxLength" => $"must have at most {Count(node.Text!.MaxLength, "character")}",
        "pattern" => $"must match {Excerpt.Cut(node.Text!.Pattern!.Source, Excerpt.NoteLength)}{Example(node)}",
        "format" => $"must be {node.Text!.Format!.Description}{Example(node)}",
        "minimum" => $"must be at least {node.Number!.Minimum!.Text}",
        "maximum" => $"must be at most {node.Number!.Maximum!.Text}",
        "exclusiveMinimum" => $"must be above {node.Number!.ExclusiveMinimum!.Text}",
        "exclusiveMaximum" => $"must be below {node.Number!.ExclusiveMaximum!.Text}",
        "multipleOf" => $"must be a multiple of {node.Number!.MultipleOf}",
        "minItems" => $"must have at least {Count(node.Array!.MinItems, "element")}",
        "maxItems" => $"must have at most {Count(node.Array!.MaxItems, "element")}",
        "uniqueItems" => "must not have an element twice",
        "contains" => "must have an element that fits",
        "minContains" => $"must have at least {Count(node.Array!.MinContains, "element")} that fit",
        "maxContains" => $"must have at most {Count(node.Array!.MaxContains, "element")} that fit",
        "minProperties" => $"must have at least {Count(node.Object!.MinProperties, "member")}",
        "maxProperties" => $"must have at most {Count(node.Object!.MaxProperties, "member")}",
        "oneOf" => "must fit exactly one alternative but fits several",
        "not" => "must not be what the schema excludes",
        _ => "is not accepted",
    };

    // For limits on size the size is what was found.
    private static string? Quantity(string keyword, scoped in Instance instance) => keyword switch
    {
        "minLength" or "maxLength" => Count(JsonText.CountCodePoints(instance.Text), "character"),
        "minItems" or "maxItems" => Count(instance.Element.GetArrayLength(), "element"),
        "minProperties" or "maxProperties" => Count(instance.Element.GetPropertyCount(), "member"),
        _ => null,
    };

    private static string Expectation(SchemaNode schema)
    {
        var parts = new List<string>();
        if (schema.Const is not null)
            parts.Add(Values(schema.Const));
        else if (schema.Enum is not null)
            parts.Add("one of " + Values(schema.Enum));
        else if (schema.Text?.Pattern is { } pattern)
            parts.Add($"{schema.Type?.Names ?? "text"} matching {Excerpt.Cut(pattern.Source, Excerpt.NoteLength)}");
        else if (schema.Text?.Format is { } format)
            parts.Add(format.Description);
        else if (schema.Type is not null)
            parts.Add(schema.Type.Names);
        var text = parts.Count == 0 && schema.Example is null ? "" : $" ({string.Concat(parts)}{Example(schema)})";
        return schema.Description is null ? text : $"{text}: {schema.Description}";
    }

    private static string Example(SchemaNode node) => node.Example is null ? "" : $" (example {node.Example})";

    private static string Values(ValueSet set)
    {
        var listed = string.Join(", ", set.Values.Take(ListedValues).Select(v => Excerpt.Cut(v.GetRawText(), SchemaLimits.MessageExcerpt)));
        return set.Values.Count > ListedValues ? $"{listed}, … ({set.Values.Count} in all)" : listed;
    }

    private static string Found(scoped in Instance instance) => instance.Kind switch
    {
        JsonValueKind.String => $"\"{Excerpt.Of(instance.Text)}\"",
        JsonValueKind.Object => $"an object of {Count(instance.Element.GetPropertyCount(), "member")}",
        JsonValueKind.Array => $"an array of {Count(instance.Element.GetArrayLength(), "element")}",
        JsonValueKind.Number => Excerpt.Of(instance.Text),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}

/// <summary>Foreign text cut to what a message may carry, without control characters.</summary>
internal static class Excerpt
{
    /// <summary>For text of the schema's author: a pattern, a description.</summary>
    public const int NoteLength = 200;

    // A field name in a message; the path has it in full.
    private const int FieldLength = 200;

    public static string Of(ReadOnlySpan<byte> utf8)
    {
        // At most four bytes to a character: enough of the beginning, whatever the length.
        var start = utf8.Length <= SchemaLimits.MessageExcerpt * 4 ? utf8 : utf8[..(SchemaLimits.MessageExcerpt * 4)];
        return Cut(Encoding.UTF8.GetString(start), SchemaLimits.MessageExcerpt, start.Length < utf8.Length);
    }

    public static string OfName(string name) => Cut(name, SchemaLimits.MessageExcerpt);

    public static string OfExample(JsonElement value) =>
        Cut(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), NoteLength);

    /// <summary>The end of a long dotted name: that is the part that tells fields apart.</summary>
    public static string Tail(string field) => Printable(field.Length <= FieldLength ? field : "…" + field[^(FieldLength - 1)..]);

    /// <summary>At most so many UTF-16 units, the last of them an ellipsis when something is left out.</summary>
    public static string Cut(string text, int length, bool more = false)
    {
        if (text.Length <= length && !more)
            return Printable(text);
        var end = Math.Min(text.Length, length - 1);
        if (end > 0 && char.IsHighSurrogate(text[end - 1]))
            end--;
        return Printable(text[..end] + "…");
    }

    private static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '�' : c)) : text;
}
