using System.Collections.Frozen;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Schema;
using LogLine.Protocol.Tdln;

namespace LogLine.Api.Gate;

/// <summary>
/// All intents, read once from <c>schemas/</c>. A new file under <c>schemas/intents/</c> is a new intent, without a line of C#
/// (docs/adding-an-intent.md).
/// </summary>
public sealed class Catalogue
{
    private readonly FrozenDictionary<string, IntentDefinition> _intents;

    private Catalogue(FrozenDictionary<string, IntentDefinition> intents, JsonSchema span, TdlnGrammar grammar) => (_intents, Span, Grammar) = (intents, span, grammar);

    /// <summary>What sentences mean, from the phrases of the same files.</summary>
    public TdlnGrammar Grammar { get; }

    /// <summary>Schema of a span's envelope.</summary>
    public JsonSchema Span { get; }

    /// <summary>All intents, by name.</summary>
    public IEnumerable<IntentDefinition> All => _intents.Values.OrderBy(intent => intent.Name, StringComparer.Ordinal);

    /// <summary>The intent of that name, or null.</summary>
    public IntentDefinition? Find(string? intent) => intent is not null && _intents.TryGetValue(intent, out var definition) ? definition : null;

    /// <summary>Intents whose names are near to a mistyped one, for messages.</summary>
    public IReadOnlyList<string> Near(string intent)
    {
        var family = intent.Split('.')[0];
        var near = All.Where(known => known.Sender == IntentSender.Client && known.Name.StartsWith(family + ".", StringComparison.Ordinal)).Select(known => known.Name).Take(8).ToList();
        return near.Count > 0 ? near : [.. All.Where(known => known.Sender == IntentSender.Client).Select(known => known.Name).Take(8)];
    }

    /// <summary>Reads every schema below <paramref name="folder"/>.</summary>
    /// <exception cref="CatalogueException">A file is missing or not a usable schema; the message names the file and the keyword.</exception>
    public static Catalogue Load(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new CatalogueException($"The schemas are missing: {folder}. They are published beside the program; set LogLine:Schemas to where they lie.");
        }
        var registry = new SchemaRegistry();
        var files = Directory.EnumerateFiles(folder, "*.schema.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        foreach (var file in files)
        {
            Reading(file, () => registry.Add(Root(file)));
        }
        var intents = files
            .Where(file => Path.GetFileName(Path.GetDirectoryName(file)) == "intents")
            .Select(file => Reading(file, () => Define(file, registry)))
            .ToFrozenDictionary(intent => intent.Name);
        var span = Path.Combine(folder, "span.schema.json");
        return new Catalogue(intents, Reading(span, () => JsonSchema.Load(Root(span), registry)), Speak(files, intents.Values));
    }

    private static TdlnGrammar Speak(IReadOnlyList<string> files, IEnumerable<IntentDefinition> intents)
    {
        var reader = new TdlnIntentReader(files.Select(Root));
        return TdlnGrammar.Load(intents.Select(intent => Reading($"intents/{intent.Name}", () => reader.Read(intent.Name, intent.Document))).OfType<TdlnIntent>());
    }

    private static IntentDefinition Define(string file, SchemaRegistry registry)
    {
        var root = Root(file);
        var notes = root.Member("x-logline");
        string Need(string name) => notes.Text(name) ?? throw new CatalogueException($"x-logline.{name} is missing");
        return new IntentDefinition(
            Path.GetFileName(file)[..^".schema.json".Length],
            root.Text("title") ?? throw new CatalogueException("title is missing"),
            Need("entity_type"),
            Need("kind"),
            notes.Texts("subject") is { Count: > 0 } subjects ? subjects : throw new CatalogueException("x-logline.subject must list at least one form"),
            Sender(Need("sender")),
            notes.Text("effect"),
            notes.Text("family"),
            notes.Text("operation"),
            notes.Text("right"),
            notes.Text("proof"),
            JsonSchema.Load(root, registry),
            root);
    }

    private static IntentSender Sender(string word) => word switch
    {
        "client" => IntentSender.Client,
        "route" => IntentSender.Route,
        "gateway" => IntentSender.Gateway,
        _ => throw new CatalogueException($"x-logline.sender is '{word}'; it must be client, route or gateway"),
    };

    private static JsonElement Root(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.Clone();
    }

    private static void Reading(string file, Action read) => Reading(file, () =>
    {
        read();
        return true;
    });

    private static T Reading<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception defect) when (defect is JsonException or SchemaLoadException or TdlnGrammarException or CatalogueException or IOException)
        {
            throw new CatalogueException($"{file}: {defect.Message}", defect);
        }
    }
}

/// <summary>The catalogue cannot be loaded; the message names the file and what is wrong in it.</summary>
public sealed class CatalogueException(string message, Exception? inner = null) : Exception(message, inner);
