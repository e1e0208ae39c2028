using LogLine.Api.Artifacts;
using LogLine.Api.Errors;
using LogLine.Api.OpenApi;
using LogLine.Api.Submissions;
using LogLine.Protocol.Spans;
using Microsoft.Net.Http.Headers;

namespace LogLine.Api.Delivery;

/// <summary>Artifacts of the reader's own tenant: their bytes (also in parts, RFC 9110 section 14), and a list of them.</summary>
internal static class ArtifactReads
{
    public static void MapArtifactReads(this IEndpointRouteBuilder routes)
    {
        var artifacts = routes.MapGroup("/v1/artifacts").RequireReader();
        artifacts.MapGet("", ListAsync).Documented(ArtifactDocs.List);
        artifacts.MapMethods("/{hash}", ["GET", "HEAD"], ReadAsync).Documented(ArtifactDocs.Read);
    }

    private static async Task ReadAsync(HttpContext http, string hash, ArtifactStore store)
    {
        if (!ArtifactHash.TryParse(hash, out var name) || store.OpenRead(http.Principal().Tenant, name) is not { } bytes)
        {
            await http.NotFoundAsync($"artifact '{(hash.Length <= 96 ? hash : hash[..93] + "…")}'");
            return;
        }
        var length = bytes.Length;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "private, immutable, max-age=31536000";
        // Parts are for GET alone; elsewhere Range means nothing (RFC 9110, section 14.2).
        await Results.Stream(bytes, "application/octet-stream", name.Hex, entityTag: new EntityTagHeaderValue($"\"{name}\""), enableRangeProcessing: HttpMethods.IsGet(http.Request.Method)).ExecuteAsync(http);
        if (http.Response is { StatusCode: StatusCodes.Status416RangeNotSatisfiable, HasStarted: false })
        {
            await RefuseRangeAsync(http, length);
        }
    }

    /// <summary>The table of codes has no 416. <c>Content-Range</c> says how long the artifact is, as it would there.</summary>
    private static Task RefuseRangeAsync(HttpContext http, long length)
    {
        http.Response.Clear();
        http.Response.Headers.ContentRange = $"bytes */{length}";
        return http.RefuseAsync(new Rejection(RefusalCode.MalformedHeader, $"Range lies beyond the end: the artifact has {length:N0} bytes.")
        {
            Details = new Dictionary<string, object?> { ["header"] = "Range", ["bytes"] = length },
        });
    }

    /// <summary><c>{items[{hash, bytes, stored_at}], cursor, used_bytes, limit_bytes}</c>, by hash; <c>cursor</c> goes into <c>after</c>.</summary>
    private static Task ListAsync(HttpContext http, ArtifactStore store, string? after, string? limit)
    {
        if (!PageLimit.TryRead(limit, out var most, out var refused))
        {
            return http.RefuseAsync(refused!);
        }
        ArtifactHash.TryParse(after, out var from);
        var found = store.List(http.Principal().Tenant, from, most + 1);
        return http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (var artifact in found.Take(most))
            {
                json.WriteStartObject();
                json.WriteString("hash", artifact.Hash.ToString());
                json.WriteNumber("bytes", artifact.Bytes);
                json.WriteString("stored_at", Timestamps.Write(artifact.StoredAt));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("cursor", found.Count > most ? found[most - 1].Hash.ToString() : null);
            json.WriteNumber("used_bytes", store.UsedBytes(http.Principal().Tenant));
            json.WriteNumber("limit_bytes", store.Options.TenantBytes);
            json.WriteEndObject();
        });
    }
}
