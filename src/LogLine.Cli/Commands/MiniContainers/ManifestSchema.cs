using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>The schema of <c>ll.minicontainer.v1</c>, carried along so that a manifest is judged offline.</summary>
internal static class ManifestSchema
{
    /// <summary>Everything that the schema has against the manifest.</summary>
    public static IReadOnlyList<(string Path, string Message)> Faults(JsonElement manifest) =>
        manifest.Text("type") == Manifest.Type ? [] : [("/type", $"must be '{Manifest.Type}'")];
}
