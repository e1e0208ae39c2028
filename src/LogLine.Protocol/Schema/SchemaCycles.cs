namespace LogLine.Protocol.Schema;

/// <summary>
/// Refuses schemas that would apply themselves to the same value again (<c>{"$ref":"#"}</c>): whatever is applied in place must come
/// to an end, in at most <see cref="SchemaLimits.InPlaceDepth"/> steps. Recursion through members or items is fine: it ends with the instance.
/// </summary>
internal static class SchemaCycles
{
    private const int Open = -1;

    public static void Refuse(IEnumerable<SchemaNode> nodes)
    {
        var heights = new Dictionary<SchemaNode, int>();
        foreach (var node in nodes)
            Height(node, 0, heights);
    }

    private static int Height(SchemaNode node, int depth, Dictionary<SchemaNode, int> heights)
    {
        if (heights.TryGetValue(node, out var known))
            return known != Open ? known : throw new SchemaLoadException(node.Pointer, "$ref", "applies itself to the same value without end");
        // Checked on the way down too, so that a long chain cannot exhaust the stack here.
        if (depth > SchemaLimits.InPlaceDepth)
            throw TooDeep(node);
        heights[node] = Open;
        var height = 0;
        foreach (var child in InPlaceChildren(node))
            height = Math.Max(height, 1 + Height(child, depth + 1, heights));
        if (height > SchemaLimits.InPlaceDepth)
            throw TooDeep(node);
        return heights[node] = height;
    }

    private static SchemaLoadException TooDeep(SchemaNode node) =>
        new(node.Pointer, "$ref", $"more than {SchemaLimits.InPlaceDepth} schemas applied to one value, each by the other");

    private static IEnumerable<SchemaNode> InPlaceChildren(SchemaNode node)
    {
        var rules = node.InPlace;
        SchemaNode?[] single = [rules?.Not, rules?.If, rules?.Then, rules?.Else];
        return (rules?.All ?? [])
            .Concat(rules?.AnyOf ?? [])
            .Concat(rules?.OneOf ?? [])
            .Concat(single.OfType<SchemaNode>())
            .Concat(node.Object?.DependentSchemas.Select(d => d.Schema) ?? []);
    }
}
