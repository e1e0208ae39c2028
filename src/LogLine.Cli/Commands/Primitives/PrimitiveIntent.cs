using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Primitives;

/// <summary>An intent of the catalogue that is about something on an engine, as its file says (<c>schemas/intents</c>, carried along).</summary>
/// <param name="Name">For example <c>container.copy_to</c>.</param>
/// <param name="Schema">The file.</param>
internal sealed record PrimitiveIntent(string Name, JsonElement Schema)
{
    private const string Folder = "intents/";
    private const string Suffix = ".schema.json";

    private JsonElement Notes => Schema.Member("x-logline");

    /// <summary>One line for people.</summary>
    public string Title => Schema.Text("title")!;

    /// <summary>What its spans are.</summary>
    public Client.SpanForm Form => new(Name, Notes.Text("entity_type")!, Notes.Text("kind")!);

    /// <summary>The words of its command: <c>container copy-to</c>.</summary>
    public string[] Words => Name.Replace('_', '-').Split('.');

    /// <summary>True when its subject names one thing.</summary>
    public bool IsAboutOne => Notes.Texts("subject")[0].Contains("{name}", StringComparison.Ordinal);

    /// <summary>True when a worker carries it out on an engine, and has a result.</summary>
    public bool HasTarget => Has("target");

    /// <summary>True when its result names an artifact that can be fetched.</summary>
    public bool YieldsArtifact => Notes.Text("yields") == "artifact";

    /// <summary>The payload's members but those that every primitive has.</summary>
    public IEnumerable<JsonProperty> Members => Schema.Member("properties").EnumerateObject().Where(member => member.Name is not ("kind" or "target" or "name"));

    /// <summary>True when the payload has the member.</summary>
    public bool Has(string member) => Schema.Member("properties").Member(member).ValueKind != JsonValueKind.Undefined;

    /// <summary>True when the payload must have the member.</summary>
    public bool Requires(string member) => Schema.Texts("required").Contains(member);

    /// <summary>The subject about a thing of a tenant.</summary>
    public string Subject(string tenant, string? name) => Notes.Texts("subject")[0].Replace("{tenant}", tenant, StringComparison.Ordinal).Replace("{name}", name, StringComparison.Ordinal);

    /// <summary>All that clients send and that is about an engine, by name. A new file is a new command.</summary>
    public static IReadOnlyList<PrimitiveIntent> All()
    {
        var assembly = typeof(PrimitiveIntent).Assembly;
        var intents = assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(name => new PrimitiveIntent(name[Folder.Length..^Suffix.Length], Read(assembly.GetManifestResourceStream(name)!)))
            .Where(intent => intent.Notes.Text("sender") == "client").ToList();
        var families = intents.Where(intent => intent.Notes.Text("family") is not null).Select(intent => intent.Words[0]).ToHashSet();
        return [.. intents.Where(intent => families.Contains(intent.Words[0]))];
    }

    private static JsonElement Read(Stream stream)
    {
        using (stream)
        using (var document = JsonDocument.Parse(stream))
        {
            return document.RootElement.Clone();
        }
    }
}
