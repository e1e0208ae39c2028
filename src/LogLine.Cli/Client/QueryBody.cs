using LogLine.Protocol.Json;

namespace LogLine.Cli.Client;

/// <summary>The question of <c>POST /v1/spans/query</c> (contract, section 8).</summary>
internal static class QueryBody
{
    /// <param name="cursor">What the last page gave: a number, or a text of the gateway's.</param>
    public static CanonicalJson Of(string subject, string? cursor, int limit) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("subject", subject);
        if (long.TryParse(cursor, out var after))
        {
            json.WriteNumber("after", after);
        }
        else if (cursor is not null)
        {
            json.WriteString("after", cursor);
        }
        json.WriteNumber("limit", limit);
        json.WriteEndObject();
    });
}
