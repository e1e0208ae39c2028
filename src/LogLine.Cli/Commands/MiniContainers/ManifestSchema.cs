using System.Text.Json;
using LogLine.Protocol.Schema;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>The schema of <c>ll.minicontainer.v1</c> (<c>schemas/manifest.schema.json</c>), carried along so that a manifest is judged offline.</summary>
internal static class ManifestSchema
{
    private static readonly Lazy<JsonSchema> Compiled = new(Load);

    /// <summary>Everything that the schema has against the manifest: JSON Pointer and message.</summary>
    public static IReadOnlyList<(string Path, string Message)> Faults(JsonElement manifest) =>
        [.. Compiled.Value.Validate(manifest).Select(error => (error.Path, error.Message))];

    private static JsonSchema Load()
    {
        var registry = new SchemaRegistry();
        registry.Add(Resource("grant"));
        registry.Add(Resource("target"));
        return JsonSchema.Load(Resource("manifest"), registry);
    }

    private static byte[] Resource(string name)
    {
        using var stream = typeof(ManifestSchema).Assembly.GetManifestResourceStream($"{name}.schema.json")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
