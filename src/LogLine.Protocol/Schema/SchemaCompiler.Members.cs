using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>The keywords that speak of member names, compiled together into one table of names.</summary>
internal sealed partial class SchemaCompiler
{
    private void CompileMemberRules(SchemaPlace place, SchemaNode node)
    {
        if (node.Object is not { } rules)
            return;
        var names = new NameTable(place);
        var properties = new Dictionary<int, SchemaNode>();
        foreach (var (k, member) in Members(place, "properties"))
            properties[names.PositionOf(member.Name)] = NodeAt(place.Child(k.Name, member.Name, member.Value));
        if (place.Element.TryGetProperty("required", out var required))
            rules.Required = [.. new Keyword(place, "required", required).Names().Select(names.PositionOf)];
        rules.DependentRequired = [.. Members(place, "dependentRequired")
            .Select(m => (names.PositionOf(m.Member.Name), Positions(m.Keyword with { Value = m.Member.Value }, names)))];
        rules.DependentSchemas = [.. Members(place, "dependentSchemas")
            .Select(m => (names.PositionOf(m.Member.Name), NodeAt(place.Child(m.Keyword.Name, m.Member.Name, m.Member.Value))))];

        rules.NameTexts = names.ToArray();
        rules.Names = new Utf8Names([.. rules.NameTexts.Select(Encoding.UTF8.GetBytes)]);
        rules.Properties = [.. rules.NameTexts.Select((_, i) => properties.GetValueOrDefault(i))];
        rules.RequiredBits = new ulong[(rules.NameTexts.Length + 63) / 64];
        foreach (var position in rules.Required)
            rules.RequiredBits[position >> 6] |= 1UL << position;
    }

    private static int[] Positions(Keyword k, NameTable names) => [.. k.Names().Select(names.PositionOf)];

    private static IEnumerable<(Keyword Keyword, JsonProperty Member)> Members(SchemaPlace place, string keyword)
    {
        if (!place.Element.TryGetProperty(keyword, out var value))
            return [];
        var k = new Keyword(place, keyword, value);
        return k.Object().Select(member => (k, member));
    }

    private sealed class NameTable(SchemaPlace place)
    {
        private readonly Dictionary<string, int> positions = new(StringComparer.Ordinal);

        public int PositionOf(string name)
        {
            if (positions.TryGetValue(name, out var position))
                return position;
            if (positions.Count == SchemaLimits.Names)
                throw new SchemaLoadException(place.Pointer, "properties", $"more than {SchemaLimits.Names} names");
            return positions[name] = positions.Count;
        }

        public string[] ToArray() => [.. positions.OrderBy(p => p.Value).Select(p => p.Key)];
    }

    /// <summary>A keyword where it stands; the readers refuse what it must not hold.</summary>
    private readonly record struct Keyword(SchemaPlace Place, string Name, JsonElement Value)
    {
        public SchemaLoadException Fault(string reason) => new(Place.Pointer, Excerpt.OfName(Name), reason);

        public string Text() => Is(JsonValueKind.String, "a string").GetString()!;

        public JsonElement Array() => Is(JsonValueKind.Array, "an array");

        public JsonElement Number() => Is(JsonValueKind.Number, "a number");

        public NumberBound Bound() => new(JsonMarshal.GetRawUtf8Value(Number()));

        public JsonProperty[] Object()
        {
            var members = Is(JsonValueKind.Object, "an object").EnumerateObject().ToArray();
            return members.DistinctBy(m => m.Name).Count() == members.Length ? members : throw Fault("has a member twice");
        }

        public bool Flag() =>
            Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? Value.GetBoolean() : throw Fault("must be true or false");

        // 2.0 is a count too; one above two thousand million is as good as none.
        public int Count()
        {
            var number = JsonNumber.Parse(JsonMarshal.GetRawUtf8Value(Number()));
            if (!number.IsInteger || number.CompareTo(default) < 0)
                throw Fault("must be an integer and not below zero");
            return number.CompareTo(JsonNumber.Parse("2147483647"u8)) >= 0 ? int.MaxValue : (int)Value.GetDouble();
        }

        public string[] Names()
        {
            var k = this;
            string[] names = [.. Array().EnumerateArray().Select(n => n.ValueKind == JsonValueKind.String ? n.GetString()! : throw k.Fault("must hold strings only"))];
            return names.Distinct(StringComparer.Ordinal).Count() == names.Length ? names : throw Fault("holds a name twice");
        }

        private JsonElement Is(JsonValueKind kind, string what) => Value.ValueKind == kind ? Value : throw Fault($"must be {what}");
    }
}
