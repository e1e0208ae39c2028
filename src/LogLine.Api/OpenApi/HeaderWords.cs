using System.Text.Json.Nodes;
using LogLine.Api.Errors;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace LogLine.Api.OpenApi;

/// <summary>The headers of requests (contract, section 3) and of answers (section 5), each once, as components.</summary>
internal static class HeaderWords
{
    private const string Integer = """{"type":"integer","minimum":0}""";

    private static readonly Dictionary<string, ParameterDoc> Requests = new()
    {
        ["X-Tenant-Id"] = new("When sent, it must be the token's tenant.", "vv", """{"type":"string","pattern":"^[a-z0-9][a-z0-9_-]{1,62}$"}"""),
        ["X-Env"] = new("Environment; the token's without it.", "dev", """{"type":"string","enum":["dev","stg","prd"]}"""),
        ["X-Nonce"] = new("New for every request: required on every write, and consumed when it commits.", "4b7f1c2e-9a0d-4c65-8f3b-2d1e0f9a8b7c", """{"type":"string","pattern":"^[A-Za-z0-9._~-]{16,128}$"}"""),
        ["X-Timestamp"] = new("Now, RFC 3339, within ±120 s of the gateway's clock: required on every write.", "2025-11-17T13:37:00Z", """{"type":"string","format":"date-time"}"""),
        ["Idempotency-Key"] = new("Stands for one request for 24 h: the same again is answered with the stored Ack.", "order-4711", """{"type":"string","minLength":1,"maxLength":255}"""),
        ["X-Payload-Hash"] = new("BLAKE3 of the canonical body; required when the request is signed.", "blake3-256=af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", """{"type":"string","pattern":"^blake3-256=[0-9a-f]{64}$"}"""),
        ["X-Signature-Alg"] = new("Algorithm of the request signature.", "ed25519-blake3", """{"type":"string","const":"ed25519-blake3"}"""),
        ["X-Signature-KeyId"] = new("A key of the tenant.", "kid_sign_1", """{"type":"string","pattern":"^[A-Za-z0-9._:-]{1,128}$"}"""),
        ["X-Signature"] = new("Base64 of the 64 bytes of the request signature.", new string('A', 86) + "==", """{"type":"string","pattern":"^[A-Za-z0-9+/]{86}==$"}"""),
        ["Prefer"] = new("`wait=N`: wait up to N ≤ 60 s until the run that the span starts is running or has ended; the Ack then carries its state and output.", "wait=30"),
        ["traceparent"] = new("W3C trace context; a new trace without it.", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    };

    private static readonly Dictionary<string, ParameterDoc> Answers = new()
    {
        ["Idempotency-Replayed"] = new("`true` when this is the stored Ack of an earlier request.", "true"),
        ["RateLimit-Limit"] = new("Spans a minute, when a quota counts this intent.", "60", Integer),
        ["RateLimit-Remaining"] = new("Spans that can be sent at once now.", "59", Integer),
        ["RateLimit-Reset"] = new("Seconds until the bucket is full again.", "1", Integer),
        ["Retry-After"] = new("Seconds to wait before the same request is sent again.", "1", Integer),
        ["WWW-Authenticate"] = new("How to authenticate.", "ApiKey realm=\"logline\""),
    };

    /// <summary>The headers that requests of this kind may carry.</summary>
    public static IEnumerable<string> Of(RouteAccess access) => access switch
    {
        RouteAccess.Anyone => [],
        RouteAccess.Reader => ["X-Tenant-Id"],
        _ => Requests.Keys,
    };

    /// <summary>All of them, as components.</summary>
    public static Dictionary<string, IOpenApiParameter> RequestComponents => Requests.ToDictionary(header => header.Key, header => (IOpenApiParameter)Parameter(header.Key, ParameterLocation.Header, header.Value));

    /// <inheritdoc cref="RequestComponents"/>
    public static Dictionary<string, IOpenApiHeader> AnswerComponents => Answers.ToDictionary(header => header.Key, header => (IOpenApiHeader)new OpenApiHeader
    {
        Description = header.Value.Description,
        Schema = Schema(header.Value),
        Example = Example(header.Value),
    });

    public static Dictionary<string, IOpenApiHeader> OfAcks(OpenApiDocument document) => References(document, "Idempotency-Replayed", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset");

    public static Dictionary<string, IOpenApiHeader>? OfRefusals(OpenApiDocument document, RefusalCode code) => code switch
    {
        RefusalCode.Unauthenticated => References(document, "WWW-Authenticate"),
        RefusalCode.RateLimited => References(document, "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
        RefusalCode.Busy or RefusalCode.AdapterUnavailable => References(document, "Retry-After"),
        _ => null,
    };

    /// <summary>A parameter with its words.</summary>
    public static OpenApiParameter Parameter(string name, ParameterLocation where, ParameterDoc words) => new()
    {
        Name = name,
        In = where,
        Required = words.Required || where == ParameterLocation.Path,
        Description = words.Description,
        Schema = Schema(words),
        Example = Example(words),
    };

    private static IOpenApiSchema Schema(ParameterDoc words) => OpenApiModelFactory.Parse<OpenApiSchema>(words.Schema, OpenApiSpecVersion.OpenApi3_1, new OpenApiDocument(), out _, "json")!;

    private static JsonNode? Example(ParameterDoc words) =>
        words.Example is null ? null : JsonNode.Parse(words.Schema)!["type"]?.GetValue<string>() is "integer" or "boolean" ? JsonNode.Parse(words.Example) : JsonValue.Create(words.Example);

    private static Dictionary<string, IOpenApiHeader> References(OpenApiDocument document, params string[] names) =>
        names.ToDictionary(name => name, name => (IOpenApiHeader)new OpenApiHeaderReference(name, document));
}
