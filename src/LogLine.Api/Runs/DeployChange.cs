using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>One difference between what runs and what is wanted.</summary>
/// <param name="Path">JSON Pointer into the manifest's deploy section.</param>
/// <param name="From">Canonical JSON of what runs, or null where there is nothing.</param>
/// <param name="To">Canonical JSON of what is wanted, or null where there will be nothing.</param>
public sealed record DeployChange(string Path, string? From, string? To)
{
    private const string Redacted = "\"«redacted»\"";
    private const string Grant = "\"grant://";

    /// <summary>
    /// What changes from one deploy section to another, by path. Values of env are left out, since people put secrets there whatever they are told;
    /// that one changed is shown, and a reference to a grant is, since it is none.
    /// </summary>
    /// <param name="before">What runs; null for nothing.</param>
    /// <param name="after">What is wanted.</param>
    public static IReadOnlyList<DeployChange> Between(SignedManifest? before, SignedManifest after)
    {
        var (old, wanted) = (Leaves(before), Leaves(after));
        return
        [
            .. old.Keys.Union(wanted.Keys).Order(StringComparer.Ordinal)
                .Where(path => old.GetValueOrDefault(path) != wanted.GetValueOrDefault(path))
                .Select(path => new DeployChange(path, Shown(path, old.GetValueOrDefault(path)), Shown(path, wanted.GetValueOrDefault(path)))),
        ];
    }

    /// <summary><c>{op: add|remove|replace, path, from?, to?}</c></summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("op", From is null ? "add" : To is null ? "remove" : "replace");
        json.WriteString("path", Path);
        foreach (var (name, value) in new[] { ("from", From), ("to", To) })
        {
            if (value is not null)
            {
                json.WritePropertyName(name);
                json.WriteRawValue(value);
            }
        }
        json.WriteEndObject();
    }

    private static string? Shown(string path, string? value) =>
        value is null || !path.StartsWith("/env/", StringComparison.Ordinal) || value.StartsWith(Grant, StringComparison.Ordinal) ? value : Redacted;

    private static Dictionary<string, string> Leaves(SignedManifest? manifest)
    {
        var leaves = new Dictionary<string, string>(StringComparer.Ordinal);
        if (manifest is not null && manifest.Deploy.ValueKind == JsonValueKind.Object)
        {
            Gather(manifest.Deploy, "", leaves);
        }
        leaves.Remove("/targets"); // A suggestion to people; the span names the target.
        return leaves;
    }

    // A list is one value: its parts mean something only together and in order.
    private static void Gather(JsonElement element, string path, Dictionary<string, string> leaves)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            leaves[path] = System.Text.Encoding.UTF8.GetString(CanonicalJson.BytesOf(element));
            return;
        }
        foreach (var member in element.EnumerateObject())
        {
            Gather(member.Value, path + "/" + member.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal), leaves);
        }
    }
}
