using System.Collections.Frozen;
using System.Text.Json;
using LogLine.Api.Gate;
using LogLine.Protocol.Json;

namespace LogLine.Api.Delivery.State;

/// <summary>How a span changes the present state of its subject.</summary>
internal enum StateFold
{
    /// <summary>Members of the payload replace the fields of the same name.</summary>
    Fields,
    /// <summary>The payload as a whole is the value of one name.</summary>
    Value,
    /// <summary>Members of the payload are, or change, an item of a list.</summary>
    Item,
    /// <summary>An item of a list goes.</summary>
    Drop,
    /// <summary>The subject is no longer there: what was folded until now is forgotten.</summary>
    Delete,
}

/// <summary>One rule of an intent's <c>x-logline.state</c> (docs/adding-an-intent.md).</summary>
/// <param name="Fold">What it does.</param>
/// <param name="Name">Name of the list or value; empty for fields.</param>
/// <param name="Key">Members of the item that tell it from others in its list.</param>
/// <param name="Of">The member of the payload that holds the members, or null for the payload itself.</param>
/// <param name="Pick">Which members, by the name that they get; null for all but <c>kind</c>.</param>
/// <param name="Set">Members that are not in the payload.</param>
/// <param name="Hex">Members that are public keys, shown as hex however they were sent.</param>
/// <param name="Like">The member of the payload that names the item which a new one begins as a copy of.</param>
/// <param name="Where">What members of the payload have to be one of, by name: each a list, with null for one that is left out.</param>
/// <param name="AfterRun">True when it holds only once the run that the span started has exited with 0.</param>
internal sealed record StateRule(
    StateFold Fold, string Name, IReadOnlyList<string> Key, string? Of, IReadOnlyDictionary<string, string>? Pick, IReadOnlyDictionary<string, JsonElement> Set,
    IReadOnlyList<string> Hex, string? Like, IReadOnlyDictionary<string, IReadOnlyList<JsonElement>> Where, bool AfterRun)
{
    private static readonly JsonElement True = JsonSerializer.SerializeToElement(true);
    private static readonly string[] Known = ["fold", "name", "list", "key", "of", "pick", "set", "hex", "like", "where", "after"];

    /// <summary>Reads a rule.</summary>
    /// <exception cref="CatalogueException">It is none.</exception>
    public static StateRule Read(JsonElement rule)
    {
        foreach (var member in rule.EnumerateObject().Where(member => !Known.Contains(member.Name)))
        {
            throw new CatalogueException($"x-logline.state has '{member.Name}'; there are {string.Join(", ", Known)}");
        }
        var fold = rule.Text("fold") is { } word && Enum.TryParse<StateFold>(word, ignoreCase: true, out var known) && word == known.ToString().ToLowerInvariant()
            ? known
            : throw new CatalogueException($"x-logline.state.fold is '{rule.Text("fold")}'; there are fields, value, item, drop and delete");
        var read = new StateRule(
            fold, rule.Text("list") ?? rule.Text("name") ?? "", rule.Texts("key"), rule.Text("of"), Picked(rule.Member("pick")),
            rule.Member("set") is { ValueKind: JsonValueKind.Object } set ? set.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.Clone()) : [],
            rule.Texts("hex"), rule.Text("like"), Demanded(rule.Member("where")), rule.Text("after") == "run");
        return (fold is StateFold.Item or StateFold.Drop && (read.Name.Length == 0 || read.Key.Count == 0)) || (fold is StateFold.Value && read.Name.Length == 0)
            ? throw new CatalogueException($"x-logline.state: {word} needs {(fold is StateFold.Value ? "name" : "list and key")}")
            : read;
    }

    /// <summary>True for a span with that payload.</summary>
    public bool Holds(JsonElement payload) => Where.All(demanded => demanded.Value.Any(value => payload.Member(demanded.Key) is { ValueKind: not JsonValueKind.Undefined } member
        ? JsonElement.DeepEquals(value, member)
        : value.ValueKind == JsonValueKind.Null));

    /// <summary>The name of a flag, which has to be true; or lists of values, by name.</summary>
    private static Dictionary<string, IReadOnlyList<JsonElement>> Demanded(JsonElement where) => where.ValueKind switch
    {
        JsonValueKind.String => new() { [where.GetString()!] = [True] },
        JsonValueKind.Object => where.EnumerateObject().ToDictionary(member => member.Name, member => (IReadOnlyList<JsonElement>)[.. member.Value.EnumerateArray().Select(value => value.Clone())]),
        JsonValueKind.Undefined => [],
        _ => throw new CatalogueException("x-logline.state.where is neither the name of a flag nor an object of lists"),
    };

    private static Dictionary<string, string>? Picked(JsonElement pick) => pick.ValueKind switch
    {
        JsonValueKind.Array => pick.EnumerateArray().ToDictionary(name => name.GetString()!, name => name.GetString()!),
        JsonValueKind.Object => pick.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString()!),
        _ => null,
    };
}

/// <summary>The rules of every intent, read once from the catalogue: what an intent means for its subject's state is data, as its schema is.</summary>
internal sealed class StateRules
{
    private readonly FrozenDictionary<string, IReadOnlyList<StateRule>> _rules;
    private readonly FrozenSet<string> _starters;

    public StateRules(Catalogue catalogue)
    {
        _rules = catalogue.All.Select(intent => (intent.Name, Rules: (IReadOnlyList<StateRule>)Read(intent))).Where(intent => intent.Rules.Count > 0).ToFrozenDictionary(intent => intent.Name, intent => intent.Rules);
        _starters = catalogue.All.Where(intent => intent.Family is not null || intent.Effect is "deploy.apply" or "deploy.rollback").Select(intent => intent.Name).ToFrozenSet();
    }

    /// <summary>The rules of an intent; none for most.</summary>
    public IReadOnlyList<StateRule> Of(string intent) => _rules.GetValueOrDefault(intent) ?? [];

    /// <summary>True when spans of the intent start runs.</summary>
    public bool Starts(string intent) => _starters.Contains(intent);

    private static List<StateRule> Read(IntentDefinition intent)
    {
        try
        {
            return [.. intent.Document.Member("x-logline").Items("state").Select(StateRule.Read)];
        }
        catch (Exception defect) when (defect is CatalogueException or InvalidOperationException or ArgumentException)
        {
            throw new CatalogueException($"intents/{intent.Name}: {defect.Message}", defect);
        }
    }
}
