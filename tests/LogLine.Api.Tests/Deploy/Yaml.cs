using YamlDotNet.RepresentationModel;

namespace LogLine.Api.Tests.Deploy;

/// <summary>YAML files of deploy/, looked into by paths like <c>spec.template.spec</c>; what is not there is empty.</summary>
internal static class Yaml
{
    /// <summary>The documents of a file.</summary>
    public static IReadOnlyList<YamlNode> Read(params string[] path)
    {
        using var text = new StreamReader(Checkout.Repository.At(path));
        var stream = new YamlStream();
        stream.Load(text);
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    public static YamlNode? Find(this YamlNode? node, string path)
    {
        foreach (var name in path.Split('.'))
        {
            node = node is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child : null;
        }
        return node;
    }

    public static string? Text(this YamlNode? node, string path) => (node.Find(path) as YamlScalarNode)?.Value;

    public static IEnumerable<YamlNode> Items(this YamlNode? node, string path) => (node.Find(path) as YamlSequenceNode)?.Children ?? [];

    public static Dictionary<string, YamlNode> Members(this YamlNode? node, string path) =>
        (node.Find(path) as YamlMappingNode)?.Children.ToDictionary(pair => ((YamlScalarNode)pair.Key).Value!, pair => pair.Value) ?? [];

    public static Dictionary<string, string> Texts(this YamlNode? node, string path) => node.Members(path).ToDictionary(pair => pair.Key, pair => ((YamlScalarNode)pair.Value).Value ?? "");

    public static string Text(this YamlNode node) => ((YamlScalarNode)node).Value!;
}
