using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Serving;

/// <summary>Bodies of workers' requests.</summary>
internal static class WireBody
{
    /// <summary>The object that the bytes are; null, and answered, when they are none.</summary>
    public static async Task<CanonicalJson?> ReadCanonicalAsync(HttpContext http, byte[] bytes)
    {
        if (CanonicalJson.TryRead(bytes, out var json, out var fault) && json.Root.ValueKind == JsonValueKind.Object && json.Obstacles.Count == 0)
        {
            return json;
        }
        await http.RefuseAsync(new Rejection(RefusalCode.MalformedJson, fault?.Message ?? "The body must be one object in canonical JSON."));
        return null;
    }

    /// <summary>The same for one that need not be canonical: what a container said stays as it was said.</summary>
    public static async Task<JsonElement?> ReadAsync(HttpContext http, byte[] bytes)
    {
        try
        {
            using var parsed = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 64 });
            if (parsed.RootElement.ValueKind == JsonValueKind.Object)
            {
                return parsed.RootElement.Clone();
            }
        }
        catch (JsonException)
        {
            // Answered below.
        }
        await http.RefuseAsync(new Rejection(RefusalCode.MalformedJson, "The body must be one JSON object."));
        return null;
    }
}
