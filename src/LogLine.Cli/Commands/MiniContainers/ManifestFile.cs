using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>A manifest file that a command adds to. Whatever changes it takes its provenance away: it has to be signed again, and <c>apply</c> does.</summary>
internal static class ManifestFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Puts an object with an <c>id</c> into a list of the manifest, in place of the one that has the id.</summary>
    public static CommandFailure? Put(string path, string list, CanonicalJson item)
    {
        if (InputFile.ReadJson(path).Fails(out var failure, out var manifest))
        {
            return failure;
        }
        if (manifest.Root.ValueKind != JsonValueKind.Object || manifest.Root.Member(list).ValueKind is not (JsonValueKind.Array or JsonValueKind.Undefined))
        {
            return new CommandFailure("422_SCHEMA_INVALID", $"{path} is no manifest: '{list}' is not a list.");
        }
        var root = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        root.Remove("provenance");
        var items = root[list]?.AsArray() ?? [];
        var id = item.Root.Text("id");
        var others = items.Where(known => (known as JsonObject)?["id"]?.GetValue<string>() != id).Select(known => known?.DeepClone());
        root[list] = new JsonArray([.. others, JsonNode.Parse(item.Utf8.Span)]);
        return OutputFile.Write(path, System.Text.Encoding.UTF8.GetBytes(root.ToJsonString(Indented)));
    }
}
