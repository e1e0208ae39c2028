using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Delivery.State;

/// <summary>A manifest in a few members: no values of variables, since one may be a secret, and no signatures.</summary>
internal static class ManifestSummary
{
    /// <summary><c>{version, ts?, image, ports[], env[], artifacts[], grants[], kid}</c>; <c>env</c> holds names alone.</summary>
    public static void Write(Utf8JsonWriter json, JsonElement manifest)
    {
        var deploy = manifest.Member("deploy");
        json.WriteStartObject();
        json.WriteString("version", manifest.Text("version"));
        json.WriteString("ts", manifest.Text("ts"));
        json.WriteString("image", deploy.Text("image"));
        json.WriteStartArray("ports");
        foreach (var port in deploy.Items("ports"))
        {
            port.WriteTo(json);
        }
        json.WriteEndArray();
        WriteTexts(json, "env", deploy.Member("env") is { ValueKind: JsonValueKind.Object } env ? env.EnumerateObject().Select(variable => variable.Name) : []);
        WriteTexts(json, "artifacts", manifest.Items("artifacts").Select(artifact => artifact.Text("id")!));
        WriteTexts(json, "grants", manifest.Items("grants").Select(grant => grant.Text("id")!));
        json.WriteString("kid", manifest.Member("provenance").Text("kid"));
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }
}
