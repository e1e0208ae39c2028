using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// Facts about a run that have no column, as one JSON object: <c>arguments</c> (of a primitive), <c>ports</c>, <c>container_id</c>, <c>image_digest</c>,
/// <c>log_tail</c>, <c>log_dropped</c>, <c>oom_killed</c>, <c>result</c>.
/// </summary>
public static class RunDetail
{
    /// <summary>The arguments that a primitive was called with.</summary>
    public static string OfArguments(JsonElement payload) => Text(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName("arguments");
        payload.WriteTo(json);
        json.WriteEndObject();
    });

    /// <summary>The arguments, or an undefined element.</summary>
    public static JsonElement Arguments(string detail) => CanonicalJson.Parse(detail).Root.Member("arguments");

    /// <summary>The same facts with the members that <paramref name="write"/> writes; what it writes again replaces what was there.</summary>
    public static string With(string detail, Action<Utf8JsonWriter> write)
    {
        var added = CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        });
        return Text(json =>
        {
            json.WriteStartObject();
            foreach (var member in CanonicalJson.Parse(detail).Root.EnumerateObject().Where(member => added.Root.Member(member.Name).ValueKind == JsonValueKind.Undefined))
            {
                member.WriteTo(json);
            }
            foreach (var member in added.Root.EnumerateObject())
            {
                member.WriteTo(json);
            }
            json.WriteEndObject();
        });
    }

    private static string Text(Action<Utf8JsonWriter> write) => Encoding.UTF8.GetString(CanonicalJson.Compose(write).Utf8.Span);
}
