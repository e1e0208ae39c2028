using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace LogLine.Api.Submissions;

/// <summary>
/// From an HTTP request to a <see cref="Submission"/>: rows 1 to 3 of the contract's table, in its order. Media type and size come before the
/// token, the token before the body is parsed.
/// </summary>
public sealed class RequestReader(TenantDirectory tenants, RefusalLog refusals, TimeProvider time)
{
    private const int MaxWaitSeconds = 60;
    private static readonly string[] Environments = ["dev", "stg", "prd"];
    private static readonly CanonicalJson NoBody = CanonicalJson.Parse("{}"u8);

    /// <summary>Reads a write request; without <paramref name="bodyRequired"/> an empty body stands for an empty object. Exactly one of the two answers is set.</summary>
    public async Task<(Submission? Submission, Rejection? Refused)> ReadAsync(HttpContext http, string traceId, bool bodyRequired = true)
    {
        if (!IsJson(http.Request.ContentType) && (bodyRequired || http.Request.ContentType is not null))
        {
            return (null, new Rejection(RefusalCode.UnsupportedMediaType, $"Content-Type is '{http.Request.ContentType}'; send 'application/json'."));
        }
        if (await WholeBodyAsync(http) is not { } body)
        {
            http.Response.Headers.Connection = "close";
            return (null, new Rejection(RefusalCode.TooLarge, $"The body is over {JsonLimits.BodyBytes:N0} bytes.") { Details = new Dictionary<string, object?> { ["max_bytes"] = JsonLimits.BodyBytes } });
        }
        try
        {
            var (principal, refused) = await AuthenticateAsync(http);
            return principal is null ? (null, refused) : Read(http, principal, refused, body, bodyRequired, traceId);
        }
        finally
        {
            http.Request.BodyReader.AdvanceTo(body.End);
        }
    }

    // The body is read where the server received it, unless it came in several buffers: what is kept is the canonical form.
    private (Submission?, Rejection?) Read(HttpContext http, TenantPrincipal principal, Rejection? refused, in ReadOnlySequence<byte> body, bool required, string traceId)
    {
        var copy = body.IsSingleSegment ? null : ArrayPool<byte>.Shared.Rent((int)body.Length);
        if (copy is not null)
        {
            body.CopyTo(copy);
        }
        var bytes = body.IsEmpty && !required ? "{}"u8 : copy is null ? body.FirstSpan : copy.AsSpan(0, (int)body.Length);
        var (submission, malformed) = refused is null ? Parse(http, principal, bytes, traceId) : (null, refused);
        if (malformed is not null)
        {
            refusals.Record(principal, bytes, malformed);
        }
        if (copy is not null)
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
        return (submission, malformed);
    }

    private (Submission?, Rejection?) Parse(HttpContext http, TenantPrincipal principal, ReadOnlySpan<byte> body, string traceId) =>
        CanonicalJson.TryRead(body, out var json, out var fault) ? Headers(http, principal, json, traceId) : (null, new Rejection(RefusalCode.MalformedJson, fault.Message));

    /// <summary>Reads the head of a write whose body is bytes: rows 2 and 3. Exactly one of the two answers is set.</summary>
    /// <param name="http">The request.</param>
    /// <param name="traceId">Its trace.</param>
    /// <param name="bytesHash">The hash that the bytes are to have.</param>
    public async Task<(Submission? Submission, Rejection? Refused)> ReadHeadAsync(HttpContext http, string traceId, string bytesHash)
    {
        var (principal, refused) = await AuthenticateAsync(http);
        if (principal is null)
        {
            return (null, refused);
        }
        var (submission, malformed) = refused is null ? Headers(http, principal, NoBody, traceId) : (null, refused);
        if (malformed is not null)
        {
            refusals.Record(principal, Encoding.ASCII.GetBytes(bytesHash), malformed);
            return (null, malformed);
        }
        return (submission! with { BytesHash = bytesHash }, null);
    }

    /// <summary>
    /// Row 2: the token, and the tenant beside it. A refusal with a principal is of one who is known and may not. <paramref name="fresh"/>: as the ledger has it now,
    /// which a write learns when it commits and a read nowhere else.
    /// </summary>
    public async ValueTask<(TenantPrincipal? Principal, Rejection? Refused)> AuthenticateAsync(HttpContext http, bool fresh = false)
    {
        var header = http.Request.Headers.Authorization;
        if (header.Count != 1 || Token(header[0]!) is not { } token)
        {
            return (null, new Rejection(RefusalCode.Unauthenticated, "Send one 'Authorization: ApiKey <token>' (or 'Bearer <token>')."));
        }
        if (await tenants.AuthenticateAsync(token, fresh) is not { } principal)
        {
            return (null, new Rejection(RefusalCode.Unauthenticated, "The token is unknown, expired or revoked."));
        }
        var tenant = http.Request.Headers["X-Tenant-Id"];
        if (tenant.Count > 0 && (tenant.Count > 1 || tenant[0] != principal.Tenant))
        {
            var shown = tenant[0] is { } sent && Identifiers.IsTenant(sent) ? $"'{sent}'" : "not a tenant's name";
            return (principal, new Rejection(RefusalCode.Forbidden, $"X-Tenant-Id is {shown}, but the token is of '{principal.Tenant}'.")
            {
                Details = new Dictionary<string, object?> { ["header"] = "X-Tenant-Id", ["tenant"] = principal.Tenant, ["reason"] = "foreign_tenant" },
            });
        }
        return (principal, null);
    }

    private (Submission?, Rejection?) Headers(HttpContext http, TenantPrincipal principal, CanonicalJson json, string traceId)
    {
        var headers = http.Request.Headers;
        foreach (var name in (ReadOnlySpan<string>)["X-Env", "X-Timestamp", "X-Nonce", "Idempotency-Key", "X-Payload-Hash", "X-Signature-Alg", "X-Signature-KeyId", "X-Signature"])
        {
            if (headers[name].Count > 1)
            {
                return Malformed(name, "stands more than once");
            }
        }
        var env = One(headers["X-Env"]) ?? principal.Env;
        if (!Environments.Contains(env))
        {
            return Malformed("X-Env", "must be dev, stg or prd");
        }
        if (!TryReadKey(One(headers["Idempotency-Key"]), out var key))
        {
            return Malformed("Idempotency-Key", "must be 1 to 255 visible ASCII characters");
        }
        if (!TryReadWait(headers["Prefer"], out var wait))
        {
            return Malformed("Prefer", $"wait must be a whole number of seconds from 0 to {MaxWaitSeconds}");
        }
        var hash = One(headers["X-Payload-Hash"]);
        if (hash is not null && !IsPayloadHash(hash))
        {
            return Malformed("X-Payload-Hash", $"must be {ContentHash.HeaderPrefix}<64 lower-case hex characters>");
        }
        var (algorithm, kid, value) = (One(headers["X-Signature-Alg"]), One(headers["X-Signature-KeyId"]), One(headers["X-Signature"]));
        return (new Submission
        {
            Principal = principal,
            Env = env,
            Method = http.Request.Method,
            Path = PathAsSent(http),
            Body = json,
            ReceivedAt = time.GetUtcNow(),
            TraceId = traceId,
            Nonce = One(headers["X-Nonce"]),
            Timestamp = One(headers["X-Timestamp"]),
            IdempotencyKey = key,
            PayloadHash = hash,
            Signature = algorithm is null && kid is null && value is null ? null : new RequestSignatureHeaders(algorithm, kid, value),
            WaitSeconds = wait,
        }, null);
    }

    /// <summary>Path and query byte for byte: a client signs what it sends, not what a server makes of it.</summary>
    internal static string PathAsSent(HttpContext http) =>
        http.Features.Get<IHttpRequestFeature>()?.RawTarget is { Length: > 0 } target && target[0] == '/' ? target : http.Request.PathBase + http.Request.Path + http.Request.QueryString;

    private static (Submission?, Rejection?) Malformed(string header, string accepted) =>
        (null, new Rejection(RefusalCode.MalformedHeader, $"{header} {accepted}.") { Details = new Dictionary<string, object?> { ["header"] = header } });

    private static bool IsJson(string? contentType) =>
        contentType == "application/json"
        || (MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase)));

    private static string? Token(string header)
    {
        var space = header.IndexOf(' ');
        return space > 0 && (header.AsSpan(0, space).Equals("ApiKey", StringComparison.OrdinalIgnoreCase) || header.AsSpan(0, space).Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            ? header[(space + 1)..].Trim()
            : null;
    }

    private static string? One(StringValues values) => values.Count == 0 ? null : values[0];

    private static bool TryReadKey(string? text, out string? key)
    {
        key = text is { Length: >= 2 } && text[0] == '"' && text[^1] == '"' ? text[1..^1].Replace("\\\"", "\"").Replace("\\\\", "\\") : text;
        return key is null || (key.Length is >= 1 and <= 255 && !key.AsSpan().ContainsAnyExceptInRange('!', '~'));
    }

    /// <summary>The preference <c>wait</c> (RFC 7240, section 4.3); others are ignored, as that RFC says.</summary>
    private static bool TryReadWait(StringValues headers, out int seconds)
    {
        seconds = 0;
        foreach (var preference in headers.Count == 0 ? [] : headers.SelectMany(header => (header ?? "").Split(',', StringSplitOptions.TrimEntries)))
        {
            var parts = preference.Split(';')[0].Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts[0].Equals("wait", StringComparison.OrdinalIgnoreCase)
                && (parts.Length != 2 || !int.TryParse(parts[1].Trim('"'), System.Globalization.NumberStyles.None, null, out seconds) || seconds > MaxWaitSeconds))
            {
                return false;
            }
        }
        return true;
    }

    private static bool IsPayloadHash(string text) =>
        text.Length == ContentHash.HeaderPrefix.Length + 64 && text.StartsWith(ContentHash.HeaderPrefix, StringComparison.Ordinal)
        && !text.AsSpan(ContentHash.HeaderPrefix.Length).ContainsAnyExcept("0123456789abcdef");

    /// <summary>The body, or null when it is too large. Never reads more than the limit and one buffer.</summary>
    public static async Task<byte[]?> ReadBodyAsync(HttpContext http)
    {
        if (await WholeBodyAsync(http) is not { } whole)
        {
            return null;
        }
        var body = whole.ToArray();
        http.Request.BodyReader.AdvanceTo(whole.End);
        return body;
    }

    // Whoever gets it advances the reader to its end.
    private static async ValueTask<ReadOnlySequence<byte>?> WholeBodyAsync(HttpContext http)
    {
        if (http.Request.ContentLength > JsonLimits.BodyBytes)
        {
            return null;
        }
        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(http.RequestAborted);
            if (read.Buffer.Length > JsonLimits.BodyBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return null;
            }
            if (read.IsCompleted)
            {
                return read.Buffer;
            }
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
