using System.Runtime.InteropServices;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Schema documents that may <c>$ref</c> one another by <c>$id</c>. What is not here does not exist: nothing is ever fetched.
/// Fill it first, then load; filling and loading at the same time is not safe.
/// </summary>
public sealed class SchemaRegistry
{
    private readonly List<SchemaDocument> documents = [];

    /// <summary>Adds a document under its <c>$id</c>, and each embedded one under its own.</summary>
    /// <param name="utf8">The document; it is copied. It is compiled, and so judged, only when a loaded schema refers to it.</param>
    /// <exception cref="SchemaLoadException">Not JSON, no <c>$id</c>, or one that another document has.</exception>
    public void Add(ReadOnlySpan<byte> utf8)
    {
        var document = new SchemaDocument(SchemaDocument.Parse(utf8));
        if (document.Root.BaseUri == SchemaDocument.Unnamed)
            throw new SchemaLoadException("", "$id", "a document without $id cannot be referred to");
        foreach (var uri in document.Resources.Keys)
        {
            if (uri != SchemaDocument.Unnamed && FindResource(uri) is not null)
                throw new SchemaLoadException("", "$id", $"'{uri}' is already the name of another schema");
        }
        documents.Add(document);
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{byte})"/>
    /// <param name="schema">The document; it is copied.</param>
    public void Add(JsonElement schema) => Add(JsonMarshal.GetRawUtf8Value(schema));

    internal SchemaPlace? FindResource(string uri)
    {
        foreach (var document in documents)
        {
            if (uri != SchemaDocument.Unnamed && document.Resources.TryGetValue(uri, out var place))
                return place;
        }
        return null;
    }
}
