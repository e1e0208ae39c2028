using System.Text.Json;
using System.Text.RegularExpressions;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate;

/// <summary>
/// A span to begin from: the first of the payload schema's <c>examples</c>, under a subject of the intent's first form. Files write their examples
/// for the tenant <see cref="Written"/>; a reader gets them for the tenant that it is in. What is signed in them has still to be signed.
/// </summary>
internal static partial class IntentExample
{
    /// <summary>The tenant that examples are written for.</summary>
    public const string Written = "vv";

    /// <summary><c>{intent, subject, payload}</c>, or null when the file has no example.</summary>
    public static CanonicalJson? Of(IntentDefinition intent, string tenant) =>
        intent.Document.Items("examples").FirstOrDefault() is not { ValueKind: JsonValueKind.Object } payload ? null : CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteString("intent", intent.Name);
            json.WriteString("subject", Slots().Replace(intent.Subjects[0], slot => slot.Value == "{tenant}" ? tenant : payload.Text(slot.Value[1..^1]) is { } name && Identifiers.IsName(name) ? name : "web"));
            json.WritePropertyName("payload");
            Write(json, payload, tenant);
            json.WriteEndObject();
        });

    private static void Write(Utf8JsonWriter json, JsonElement value, string tenant)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    json.WritePropertyName(member.Name);
                    Write(json, member.Value, tenant);
                }
                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(json, item, tenant);
                }
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(Tenants().Replace(value.GetString()!, tenant));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    [GeneratedRegex(@"\{[a-z]+\}", RegexOptions.NonBacktracking)]
    private static partial Regex Slots();

    /// <summary>The tenant where it stands: alone, in a ref, in a subject.</summary>
    [GeneratedRegex($"^{Written}$|(?<=^mc:){Written}(?=/)|(?<=^urn:[a-z]+:){Written}(?=/|$)")]
    private static partial Regex Tenants();
}
