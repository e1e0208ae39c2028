using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Turns a schema document into nodes. Nested and referenced schemas are queued, never recursed into, so neither depth nor cycles of
/// the document matter here; cycles that would not consume the instance are refused by <see cref="SchemaCycles"/> at the end.
/// </summary>
internal sealed partial class SchemaCompiler
{
    private readonly SchemaDocument document;
    private readonly SchemaRegistry? registry;
    private readonly FormatUse formats;
    private readonly Dictionary<(SchemaDocument Document, string Pointer), SchemaNode> nodes = [];
    private readonly Queue<(SchemaPlace Place, SchemaNode Node)> queue = [];
    private readonly Dictionary<string, Pattern> patterns = new(StringComparer.Ordinal);

    private SchemaCompiler(SchemaDocument document, SchemaRegistry? registry, FormatUse formats) =>
        (this.document, this.registry, this.formats) = (document, registry, formats);

    public static SchemaNode Compile(JsonElement schema, SchemaRegistry? registry, FormatUse formats)
    {
        var compiler = new SchemaCompiler(new SchemaDocument(schema), registry, formats);
        var root = compiler.NodeAt(compiler.document.Root);
        // All of the document is compiled, reached or not: a fault in an unused $defs is still a fault.
        while (compiler.queue.TryDequeue(out var next))
        {
            compiler.CompileNode(next.Place, next.Node);
            next.Node.Seal();
        }
        SchemaCycles.Refuse(compiler.nodes.Values);
        foreach (var node in compiler.nodes.Values)
        {
            if (node.InPlace?.If?.Object is { } condition)
                condition.IsCondition = true;
        }
        foreach (var node in compiler.nodes.Values)
        {
            node.SealObject();
            node.Array?.Seal();
        }
        return root;
    }

    private SchemaNode NodeAt(SchemaPlace place)
    {
        if (nodes.TryGetValue((place.Document, place.Pointer), out var node))
            return node;
        if (nodes.Count >= SchemaLimits.Nodes)
            throw new SchemaLoadException(place.Pointer, "$ref", $"more than {SchemaLimits.Nodes} subschemas");
        node = new SchemaNode { Pointer = place.Pointer };
        nodes.Add((place.Document, place.Pointer), node);
        queue.Enqueue((place, node));
        return node;
    }

    private void CompileNode(SchemaPlace place, SchemaNode node)
    {
        switch (place.Element.ValueKind)
        {
            case JsonValueKind.True:
                return;
            case JsonValueKind.False:
                node.IsFalse = true;
                return;
            case JsonValueKind.Object:
                var seen = new HashSet<string>(StringComparer.Ordinal);
                foreach (var member in place.Element.EnumerateObject())
                {
                    if (!seen.Add(member.Name))
                        throw new SchemaLoadException(place.Pointer, Excerpt.OfName(member.Name), "is there twice");
                    CompileKeyword(new Keyword(place, member.Name, member.Value), node);
                }
                CompileMemberRules(place, node);
                return;
            default:
                throw new SchemaLoadException(place.Pointer, "", $"a schema is an object, true or false, not {place.Element.ValueKind}");
        }
    }

    private void CompileKeyword(Keyword k, SchemaNode node)
    {
        switch (SchemaKeywords.ShapeOf(k.Name))
        {
            case KeywordShape.Unknown:
                throw k.Fault("is not a keyword of draft 2020-12; names of your own begin with x-");
            case KeywordShape.Refused:
                throw k.Fault("is not supported");
            case KeywordShape.Annotation:
                CompileAnnotation(k, node);
                return;
        }
        if (!CompileCore(k, node) && !CompileInPlace(k, node) && !CompileText(k, node) && !CompileNumber(k, node) && !CompileArray(k, node))
            CompileObject(k, node);
    }

    private static void CompileAnnotation(Keyword k, SchemaNode node)
    {
        if (k.Name == "description" && k.Value.ValueKind == JsonValueKind.String)
            node.Description = Excerpt.Cut(k.Value.GetString()!, Excerpt.NoteLength);
        if (k.Name == "examples" && k.Value.ValueKind == JsonValueKind.Array && k.Value.GetArrayLength() > 0)
            node.Example = Excerpt.OfExample(k.Value[0]);
    }

    private bool CompileCore(Keyword k, SchemaNode node)
    {
        switch (k.Name)
        {
            case "$schema":
                if (k.Text().TrimEnd('#') != SchemaKeywords.Dialect)
                    throw k.Fault($"only {SchemaKeywords.Dialect} is supported");
                return true;
            case "$id" or "$anchor":
                k.Text();
                return true;
            case "$defs":
                foreach (var member in k.Object())
                    NodeAt(k.Place.Child(k.Name, member.Name, member.Value));
                return true;
            case "$ref":
                InPlace(node).All.Insert(0, NodeAt(Resolve(k)));
                return true;
            case "type":
                node.Type = TypeRuleOf(k);
                return true;
            case "const":
                node.Const = new ValueSet([k.Value]);
                return true;
            case "enum":
                node.Enum = new ValueSet([.. k.Array().EnumerateArray()]);
                return true;
            default:
                return false;
        }
    }

    private bool CompileInPlace(Keyword k, SchemaNode node)
    {
        switch (k.Name)
        {
            case "allOf":
                InPlace(node).All.AddRange(SchemaList(k));
                return true;
            case "anyOf":
                InPlace(node).AnyOf = SchemaList(k);
                return true;
            case "oneOf":
                InPlace(node).OneOf = SchemaList(k);
                return true;
            case "not":
                InPlace(node).Not = Schema(k);
                return true;
            case "if":
                InPlace(node).If = Schema(k);
                return true;
            case "then":
                InPlace(node).Then = Schema(k);
                return true;
            case "else":
                InPlace(node).Else = Schema(k);
                return true;
            default:
                return false;
        }
    }

    private bool CompileText(Keyword k, SchemaNode node)
    {
        switch (k.Name)
        {
            case "minLength":
                (node.Text ??= new()).MinLength = k.Count();
                return true;
            case "maxLength":
                (node.Text ??= new()).MaxLength = k.Count();
                return true;
            case "pattern":
                (node.Text ??= new()).Pattern = PatternOf(k, k.Text());
                return true;
            case "format":
                if (formats == FormatUse.Assert)
                    (node.Text ??= new()).Format = TextFormat.Find(k.Text()) ?? throw k.Fault($"format '{k.Text()}' is not one that is checked here");
                return true;
            default:
                return false;
        }
    }

    private static bool CompileNumber(Keyword k, SchemaNode node)
    {
        switch (k.Name)
        {
            case "minimum":
                (node.Number ??= new()).Minimum = k.Bound();
                return true;
            case "maximum":
                (node.Number ??= new()).Maximum = k.Bound();
                return true;
            case "exclusiveMinimum":
                (node.Number ??= new()).ExclusiveMinimum = k.Bound();
                return true;
            case "exclusiveMaximum":
                (node.Number ??= new()).ExclusiveMaximum = k.Bound();
                return true;
            case "multipleOf":
                if (!JsonNumber.Parse(JsonMarshal.GetRawUtf8Value(k.Number())).TryAsDivisor(out var divisor))
                    throw k.Fault("must be a number above zero with at most 18 significant digits");
                node.Number ??= new();
                (node.Number.MultipleOf, node.Number.Divisor) = (k.Value.GetRawText(), divisor);
                return true;
            default:
                return false;
        }
    }

    private bool CompileArray(Keyword k, SchemaNode node)
    {
        switch (k.Name)
        {
            case "minItems":
                (node.Array ??= new()).MinItems = k.Count();
                return true;
            case "maxItems":
                (node.Array ??= new()).MaxItems = k.Count();
                return true;
            case "uniqueItems":
                (node.Array ??= new()).UniqueItems = k.Flag();
                return true;
            case "prefixItems":
                (node.Array ??= new()).PrefixItems = SchemaList(k);
                return true;
            case "items":
                (node.Array ??= new()).Items = Schema(k);
                return true;
            case "contains":
                (node.Array ??= new()).Contains = Schema(k);
                return true;
            case "minContains":
                (node.Array ??= new()).MinContains = k.Count();
                return true;
            case "maxContains":
                (node.Array ??= new()).MaxContains = k.Count();
                return true;
            case "unevaluatedItems":
                (node.Array ??= new()).Unevaluated = Schema(k);
                return true;
            default:
                return false;
        }
    }

    private void CompileObject(Keyword k, SchemaNode node)
    {
        var rules = node.Object ??= new();
        switch (k.Name)
        {
            case "minProperties":
                rules.MinProperties = k.Count();
                break;
            case "maxProperties":
                rules.MaxProperties = k.Count();
                break;
            case "additionalProperties":
                rules.Additional = Schema(k);
                break;
            case "propertyNames":
                rules.PropertyNames = Schema(k);
                break;
            case "unevaluatedProperties":
                rules.Unevaluated = Schema(k);
                break;
            case "patternProperties":
                rules.Patterns = [.. k.Object().Select(m => (PatternOf(k, m.Name), NodeAt(k.Place.Child(k.Name, m.Name, m.Value))))];
                break;
        }
        // What speaks of member names (properties, required, dependent…) shares one table: CompileMemberRules.
    }

    private static InPlaceRules InPlace(SchemaNode node) => node.InPlace ??= new();

    private SchemaNode Schema(Keyword k) => NodeAt(k.Place.Child(k.Name, k.Value));

    private SchemaNode[] SchemaList(Keyword k)
    {
        var list = k.Array();
        if (list.GetArrayLength() == 0)
            throw k.Fault("must not be empty");
        return [.. list.EnumerateArray().Select((item, i) => NodeAt(k.Place.Child(k.Name, i.ToString(null, System.Globalization.CultureInfo.InvariantCulture), item)))];
    }

    private Pattern PatternOf(Keyword k, string source)
    {
        if (patterns.TryGetValue(source, out var pattern))
            return pattern;
        if (!Pattern.TryCompile(source, out pattern, out var reason))
            throw k.Fault($"'{Excerpt.Cut(source, SchemaLimits.MessageExcerpt)}': {reason}");
        return patterns[source] = pattern;
    }

    private SchemaPlace Resolve(Keyword k)
    {
        var reference = SchemaUri.Resolve(k.Place.BaseUri, k.Text());
        var uri = reference.WithoutFragment();
        var resource = k.Place.Document.Resources.GetValueOrDefault(uri) ?? document.Resources.GetValueOrDefault(uri) ?? registry?.FindResource(uri);
        // A document without a name is reached only from inside itself.
        if (resource is null || (uri == SchemaDocument.Unnamed && resource.Document != k.Place.Document))
            throw k.Fault($"'{Excerpt.Cut(uri, 200)}' is not in this document nor in the registry, and nothing is fetched");
        var fragment = Uri.UnescapeDataString(reference.Fragment ?? "");
        if (fragment.Length == 0)
            return resource;
        var target = fragment[0] == '/'
            ? resource.Document.Follow(resource, fragment)
            : resource.Document.Anchors.GetValueOrDefault(uri + "#" + fragment);
        return target ?? throw k.Fault($"nothing is at '#{Excerpt.Cut(fragment, 200)}'");
    }

    private static TypeRule TypeRuleOf(Keyword k)
    {
        string[] names = k.Value.ValueKind == JsonValueKind.Array ? k.Names() : [k.Text()];
        if (names.Length == 0)
            throw k.Fault("must not be empty");
        var kinds = 0;
        foreach (var name in names)
        {
            kinds |= name switch
            {
                "null" => 1 << (int)JsonValueKind.Null,
                "boolean" => 1 << (int)JsonValueKind.True | 1 << (int)JsonValueKind.False,
                "object" => 1 << (int)JsonValueKind.Object,
                "array" => 1 << (int)JsonValueKind.Array,
                "number" or "integer" => 1 << (int)JsonValueKind.Number,
                "string" => 1 << (int)JsonValueKind.String,
                _ => throw k.Fault($"'{Excerpt.OfName(name)}' is not a type"),
            };
        }
        return new(kinds, names.Contains("integer") && !names.Contains("number"), string.Join(" or ", names));
    }
}
