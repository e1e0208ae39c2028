using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Telemetry;
using LogLine.Api.Tenants;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Submissions;

/// <summary>
/// Tenants and tokens (contract, section 3). Each act is compiled to a span and goes through the gate like any other; only the answer differs,
/// because a token is shown once and never recorded.
/// </summary>
internal static class AdministrationEndpoints
{
    public static void MapAdministration(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/tenants", CreateTenantAsync).Documented(SubmissionDocs.CreateTenant);
        routes.MapPost("/v1/tokens", CreateTokenAsync).Documented(SubmissionDocs.CreateToken);
        routes.MapDelete("/v1/tokens/{tokenId}", RevokeTokenAsync).Documented(SubmissionDocs.RevokeToken);
    }

    /// <summary><c>{tenant}</c> → 201 <c>{tenant, api_key, token_id}</c></summary>
    private static Task CreateTenantAsync(HttpContext http, RequestReader requests, Submitter submitter) => ActAsync(
        http, requests, submitter, "tenant.create", (body, _) => "urn:tenant:" + (body.Text("tenant") ?? "unnamed"), ApiToken.NewId(), 201);

    /// <summary><c>{scopes[], env?, expires_at?}</c> → 201 <c>{token_id, api_key, scopes}</c></summary>
    private static Task CreateTokenAsync(HttpContext http, RequestReader requests, Submitter submitter) => ActAsync(
        http, requests, submitter, "token.create", (_, tenant) => Identifiers.TenantSubject(tenant), ApiToken.NewId(), 201);

    /// <summary>204; the token is refused from this moment on.</summary>
    private static Task RevokeTokenAsync(HttpContext http, string tokenId, RequestReader requests, Submitter submitter) => ActAsync(
        http, requests, submitter, "token.revoke", (_, tenant) => Identifiers.TenantSubject(tenant), tokenId, 204);

    private static async Task ActAsync(
        HttpContext http, RequestReader requests, Submitter submitter, string intent, Func<JsonElement, string, string> subject, string tokenId, int status)
    {
        var (submission, refused) = await requests.ReadAsync(http, http.TraceId(), bodyRequired: status != 204);
        if (submission is null)
        {
            await http.RefuseAsync(refused!);
            return;
        }
        var answer = await submitter.SubmitAsync(
            submission with { Compiled = new CompiledBody(Compile(submission, intent, subject(submission.Body.Root, submission.Tenant), tokenId), IsRoute: true) }, http.RequestAborted);
        if (answer.Refused is not null)
        {
            await http.RefuseAsync(answer.Refused);
            return;
        }
        http.Response.StatusCode = status;
        if (status != 204)
        {
            await http.WriteAsync(json => Write(json, answer));
        }
    }

    /// <summary>The span that the request stands for: its body, with the id of the token, as payload.</summary>
    private static JsonElement Compile(Submission submission, string intent, string subject, string tokenId) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("intent", intent);
        json.WriteString("subject", subject);
        json.WriteStartObject("payload");
        if (submission.Body.Root.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in submission.Body.Root.EnumerateObject().Where(member => !member.NameEquals("token_id")))
            {
                member.WriteTo(json);
            }
        }
        json.WriteString("token_id", tokenId);
        json.WriteEndObject();
        json.WriteEndObject();
    }).Root;

    /// <summary>The answer; on a replay without the token, which was shown once.</summary>
    private static void Write(Utf8JsonWriter json, SubmissionAnswer answer)
    {
        using var ack = JsonDocument.Parse(answer.Body);
        json.WriteStartObject();
        if (answer.NewToken is { } token)
        {
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
        else
        {
            foreach (var member in ack.RootElement.GetProperty("result").EnumerateObject())
            {
                member.WriteTo(json);
            }
            json.WriteBoolean("replayed", true);
        }
        json.WriteString("span", ack.RootElement.GetProperty("this").GetString());
        json.WriteEndObject();
    }
}
