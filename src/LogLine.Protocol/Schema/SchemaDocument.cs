using System.Text.Json;
using System.Text.Unicode;

namespace LogLine.Protocol.Schema;

/// <summary>A place in a schema document that is, or may be, a schema.</summary>
/// <param name="Document">The document.</param>
/// <param name="Pointer">JSON Pointer from the root of the document.</param>
/// <param name="Element">What is there.</param>
/// <param name="BaseUri">The URI that references in it are resolved against; empty when nothing has an <c>$id</c>.</param>
internal sealed record SchemaPlace(SchemaDocument Document, string Pointer, JsonElement Element, string BaseUri)
{
    public SchemaPlace Child(string keyword, JsonElement element) =>
        Document.PlaceAt(Pointer + "/" + JsonPointer.Escape(keyword), element, BaseUri);

    public SchemaPlace Child(string keyword, string member, JsonElement element) =>
        Document.PlaceAt(Pointer + "/" + JsonPointer.Escape(keyword) + "/" + JsonPointer.Escape(member), element, BaseUri);
}

/// <summary>One schema document with an index of the places that have a name (<c>$id</c>, <c>$anchor</c>).</summary>
internal sealed class SchemaDocument
{
    /// <summary>The base of a document without <c>$id</c>: no other document can name it.</summary>
    public const string Unnamed = "";

    private readonly Dictionary<string, SchemaPlace> places = new(StringComparer.Ordinal);

    public SchemaDocument(JsonElement root)
    {
        Root = Index("", root, Unnamed, 0);
        // A document can be named by nothing at all, that is by "#" inside itself.
        Resources.TryAdd(Unnamed, Root);
    }

    public SchemaPlace Root { get; }

    /// <summary>By absolute URI without fragment.</summary>
    public Dictionary<string, SchemaPlace> Resources { get; } = new(StringComparer.Ordinal);

    /// <summary>By URI, <c>#</c> and name.</summary>
    public Dictionary<string, SchemaPlace> Anchors { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a document that nobody else holds.</summary>
    public static JsonElement Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > SchemaLimits.DocumentBytes)
            throw new SchemaLoadException("", "$schema", $"longer than {SchemaLimits.DocumentBytes} bytes; put parts that several schemas share into documents of their own");
        try
        {
            RequireText(utf8);
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = SchemaLimits.Depth });
            using var document = JsonDocument.ParseValue(ref reader);
            if (reader.Read())
                throw new JsonException("more than one value");
            return document.RootElement.Clone();
        }
        catch (JsonException fault)
        {
            throw new SchemaLoadException("", "$schema", "not a JSON document: " + fault.Message);
        }
    }

    // The reader lets through what is no Unicode, and says so only when the text is asked for.
    private static void RequireText(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
            throw new JsonException("it is not UTF-8");
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = SchemaLimits.Depth });
        while (reader.Read())
        {
            if (reader is { ValueIsEscaped: true, TokenType: JsonTokenType.PropertyName or JsonTokenType.String } && !IsText(ref reader))
                throw new JsonException("a text in it has half of a surrogate pair");
        }
    }

    private static bool IsText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The indexed place, or for what the index does not know (a reference into an annotation) a place of its own.</summary>
    public SchemaPlace PlaceAt(string pointer, JsonElement element, string baseUri) =>
        places.TryGetValue(pointer, out var place) ? place : new(this, pointer, element, baseUri);

    /// <summary>Follows a JSON Pointer from a place in this document; null when nothing is there.</summary>
    public SchemaPlace? Follow(SchemaPlace from, string pointer)
    {
        var place = from;
        var (path, element) = (from.Pointer, from.Element);
        foreach (var token in pointer.Split('/').Skip(1))
        {
            if (JsonPointer.Unescape(token) is not { } name || Step(element, name) is not { } next)
                return null;
            path += "/" + token;
            element = next;
            place = places.TryGetValue(path, out var known) ? known : place with { Pointer = path, Element = element };
        }
        return place;
    }

    private static JsonElement? Step(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object => element.TryGetProperty(name, out var member) ? member : null,
        JsonValueKind.Array => int.TryParse(name, System.Globalization.NumberStyles.None, null, out var index) && index < element.GetArrayLength()
            ? element[index]
            : null,
        _ => null,
    };

    // Only what the draft says is a schema is walked: an $id inside const, enum or an annotation is data.
    private SchemaPlace Index(string pointer, JsonElement element, string baseUri, int depth)
    {
        if (depth > SchemaLimits.Depth)
            throw new SchemaLoadException(pointer, "$defs", $"nested deeper than {SchemaLimits.Depth}");
        if (places.Count >= SchemaLimits.Nodes)
            throw new SchemaLoadException(pointer, "$defs", $"more than {SchemaLimits.Nodes} subschemas");
        if (element.ValueKind != JsonValueKind.Object)
            return places[pointer] = new(this, pointer, element, baseUri);

        if (Text(element, "$id") is { } id)
            baseUri = Identify(pointer, baseUri, id);
        var place = places[pointer] = new(this, pointer, element, baseUri);
        if (baseUri.Length > 0 && element.TryGetProperty("$id", out _) && !Resources.TryAdd(baseUri, place))
            throw new SchemaLoadException(pointer, "$id", $"'{baseUri}' is already the name of another schema");
        if (Text(element, "$anchor") is { } anchor && !Anchors.TryAdd(baseUri + "#" + anchor, place))
            throw new SchemaLoadException(pointer, "$anchor", $"'{anchor}' is already the name of another schema");
        foreach (var member in element.EnumerateObject())
            IndexKeyword(pointer + "/" + JsonPointer.Escape(member.Name), member, baseUri, depth);
        return place;
    }

    private void IndexKeyword(string pointer, JsonProperty member, string baseUri, int depth)
    {
        switch (SchemaKeywords.ShapeOf(member.Name))
        {
            case KeywordShape.Schema:
                Index(pointer, member.Value, baseUri, depth + 1);
                break;
            case KeywordShape.SchemaList when member.Value.ValueKind == JsonValueKind.Array:
                var i = 0;
                foreach (var item in member.Value.EnumerateArray())
                    Index($"{pointer}/{i++}", item, baseUri, depth + 1);
                break;
            case KeywordShape.SchemaMap when member.Value.ValueKind == JsonValueKind.Object:
                foreach (var item in member.Value.EnumerateObject())
                    Index(pointer + "/" + JsonPointer.Escape(item.Name), item.Value, baseUri, depth + 1);
                break;
        }
    }

    private static string Identify(string pointer, string baseUri, string id)
    {
        var uri = SchemaUri.Resolve(baseUri, id);
        if (uri.Fragment is { Length: > 0 })
            throw new SchemaLoadException(pointer, "$id", "must not have a fragment");
        return uri.WithoutFragment();
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>Tokens of RFC 6901.</summary>
internal static class JsonPointer
{
    public static string Escape(string token) =>
        token.AsSpan().IndexOfAny('~', '/') < 0
            ? token
            : token.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>Null when a tilde is followed by neither 0 nor 1.</summary>
    public static string? Unescape(string token)
    {
        for (var i = token.IndexOf('~'); i >= 0; i = token.IndexOf('~', i + 1))
        {
            if (i + 1 >= token.Length || token[i + 1] is not ('0' or '1'))
                return null;
        }
        return token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
    }
}
