using System.Text.Json;
using LogLine.Api.OpenApi;
using LogLine.Api.Tenants;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Submissions;

/// <summary>Tenants and tokens (contract, section 3). A token is shown once and never recorded.</summary>
internal static class AdministrationEndpoints
{
    public static void MapAdministration(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/tenants", CreateTenantAsync).Documented(SubmissionDocs.CreateTenant);
        routes.MapPost("/v1/tokens", CreateTokenAsync).Documented(SubmissionDocs.CreateToken);
        routes.MapDelete("/v1/tokens/{tokenId}", RevokeTokenAsync).Documented(SubmissionDocs.RevokeToken);
    }

    /// <summary><c>{tenant}</c> → 201 <c>{tenant, api_key, token_id}</c></summary>
    private static Task CreateTenantAsync(HttpContext http) => http.ActAsync(
        new("tenant.create", (body, _) => "urn:tenant:" + (body.Text("tenant") ?? "unnamed"), "token_id", ApiToken.NewId(), 201) { BodyRequired = true, Answer = Write });

    /// <summary><c>{scopes[], env?, expires_at?}</c> → 201 <c>{token_id, api_key, scopes}</c></summary>
    private static Task CreateTokenAsync(HttpContext http) => http.ActAsync(
        new("token.create", (_, tenant) => Identifiers.TenantSubject(tenant), "token_id", ApiToken.NewId(), 201) { BodyRequired = true, Answer = Write });

    /// <summary>204; the token is refused from this moment on.</summary>
    private static Task RevokeTokenAsync(HttpContext http, string tokenId) => http.ActAsync(
        new("token.revoke", (_, tenant) => Identifiers.TenantSubject(tenant), "token_id", tokenId, 204));

    /// <summary>The answer; on a replay without the token, which was shown once.</summary>
    private static void Write(Utf8JsonWriter json, SubmissionAnswer answer, JsonElement ack)
    {
        if (answer.NewToken is not { } token)
        {
            foreach (var member in ack.GetProperty("result").EnumerateObject())
            {
                member.WriteTo(json);
            }
            json.WriteBoolean("replayed", true);
            return;
        }
        json.WriteString("tenant", token.Row.Tenant);
        json.WriteString("token_id", token.Row.TokenId);
        json.WriteString("api_key", token.Value);
        json.WriteStartArray("scopes");
        foreach (var scope in token.Row.Scopes)
        {
            json.WriteStringValue(scope);
        }
        json.WriteEndArray();
        json.WriteString("env", token.Row.Env);
        if (token.Row.ExpiresAt is { } expires)
        {
            json.WriteString("expires_at", Timestamps.Write(expires));
        }
    }
}
