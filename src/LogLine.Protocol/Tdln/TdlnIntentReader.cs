using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Reads an intent from its schema file. Fields are the payload's own members that hold a string, boolean, integer or list of strings, by their own names; members of
/// nested objects become fields when they carry <c>x-logline</c> themselves, so that a shared schema (<c>target</c>) brings its words to every intent that refers to it.
/// </summary>
public sealed class TdlnIntentReader
{
    private const int MaxDepth = 4;
    private readonly Dictionary<string, JsonElement> _documents = new(StringComparer.Ordinal);

    /// <param name="documents">All schema documents, so that <c>$ref</c> can be followed by <c>$id</c>; those without one are left out.</param>
    public TdlnIntentReader(IEnumerable<JsonElement> documents)
    {
        foreach (var document in documents)
        {
            if (document.Text("$id") is { } id)
            {
                _documents[id] = document;
            }
        }
    }

    /// <summary>Reads one intent; null for what clients cannot send.</summary>
    /// <param name="name">The intent's name, which is the file's.</param>
    /// <param name="schema">The file's content.</param>
    /// <exception cref="TdlnGrammarException">The annotations are wrong.</exception>
    public TdlnIntent? Read(string name, JsonElement schema)
    {
        var notes = schema.Member("x-logline");
        if (notes.Text("sender") != "client")
        {
            return null;
        }
        var (fields, documents) = (new List<TdlnField>(), new Dictionary<string, string>(StringComparer.Ordinal));
        ReadMembers(schema, schema.Text("$id") ?? "", "", required: true, depth: 0, fields, documents);
        var slots = new Dictionary<string, TdlnSlot>(StringComparer.Ordinal);
        foreach (var slot in Members(notes, "slots"))
        {
            if (slot.Value.Text("from") is { } from)
            {
                slots[slot.Name] = new TdlnSlot(from, slot.Value.Text("normalize") ?? "name");
            }
            else
            {
                fields.Add(Field(slot.Name, slot.Value, slot.Value, "name") with { IsSlot = true });
            }
        }
        return new TdlnIntent(name, [.. Phrases(notes)], fields, notes.Texts("subject"), slots, documents);
    }

    private static IEnumerable<TdlnPhrase> Phrases(JsonElement notes)
    {
        foreach (var language in Members(notes, "phrases"))
        {
            var spoken = language.Name switch
            {
                "en" => TdlnLanguage.English,
                "pt" => TdlnLanguage.Portuguese,
                _ => throw new TdlnGrammarException($"x-logline.phrases.{language.Name}: the languages are en and pt"),
            };
            foreach (var text in notes.Member("phrases").Texts(language.Name))
            {
                yield return new TdlnPhrase(spoken, text);
            }
        }
    }

    private void ReadMembers(JsonElement schema, string baseUri, string prefix, bool required, int depth, List<TdlnField> fields, Dictionary<string, string> documents)
    {
        var requiredNames = schema.Texts("required");
        foreach (var member in Members(schema, "properties").Where(member => !(depth == 0 && member.Name == "kind")))
        {
            var (definition, uri) = Follow(member.Value, baseUri);
            var notes = member.Value.Member("x-logline") is { ValueKind: JsonValueKind.Object } own ? own : definition.Member("x-logline");
            var isRequired = required && requiredNames.Contains(member.Name);
            if (definition.Member("properties").Member("type").Text("const") is { } type && depth == 0)
            {
                documents[type] = member.Name;
            }
            else if (definition.Member("properties").ValueKind == JsonValueKind.Object && depth < MaxDepth)
            {
                ReadMembers(definition, uri, prefix + member.Name + ".", isRequired, depth + 1, fields, documents);
            }
            else if (NormaliserOf(definition, notes) is { } normaliser && (depth == 0 || notes.ValueKind == JsonValueKind.Object))
            {
                fields.Add(Field(prefix + member.Name, notes, definition, normaliser) with { IsRequired = isRequired });
            }
        }
    }

    private static TdlnField Field(string name, JsonElement notes, JsonElement definition, string normaliser) =>
        new(name, notes.Text("normalize") ?? normaliser, notes.Texts("en"), notes.Texts("pt"))
        {
            Example = Example(definition),
            Choices = definition.Texts("enum"),
        };

    private static string? Example(JsonElement definition)
    {
        var example = definition.Items("examples").FirstOrDefault();
        return example.ValueKind switch
        {
            JsonValueKind.String => example.GetString(),
            JsonValueKind.Number => example.GetRawText(),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => definition.Texts("enum").FirstOrDefault(),
        };
    }

    /// <summary>How a member is read when nothing names a normaliser; null for what cannot be said in a sentence.</summary>
    private static string? NormaliserOf(JsonElement definition, JsonElement notes) => notes.Text("normalize") ?? definition.Text("type") switch
    {
        "boolean" => "boolean",
        "integer" => "integer",
        "array" when definition.Member("items").Text("type") == "string" || definition.Member("items").Texts("enum").Count > 0 => "list",
        "string" or null when definition.Texts("enum").Count > 0 => "choice",
        "string" => definition.Text("format") switch
        {
            "email" => "email",
            "date" => "date",
            "date-time" => "date_time",
            "uri" => "url",
            _ => "text",
        },
        _ => null,
    };

    /// <summary>Follows <c>$ref</c> to whole documents and to <c>#/…</c> inside them; what leads nowhere is left as it is (the schema compiler refuses it).</summary>
    private (JsonElement Definition, string BaseUri) Follow(JsonElement schema, string baseUri)
    {
        for (var steps = 0; steps < MaxDepth && schema.Text("$ref") is { } reference; steps++)
        {
            var uri = SchemaUri.Resolve(baseUri, reference);
            if (!_documents.TryGetValue(uri.WithoutFragment(), out var target))
            {
                break;
            }
            foreach (var part in (uri.Fragment ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                target = target.Member(part);
            }
            (schema, baseUri) = (target, uri.WithoutFragment());
        }
        return (schema, baseUri);
    }

    private static IEnumerable<JsonProperty> Members(JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Object } members ? members.EnumerateObject() : [];
}
