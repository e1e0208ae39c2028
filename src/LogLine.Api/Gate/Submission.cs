using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using LogLine.Api.Errors;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>
/// A request as the gate sees it: authenticated, well-formed, and free of HTTP (rows 1 to 3 are behind it). One reading of the clock serves
/// all of it.
/// </summary>
public sealed record Submission
{
    /// <summary>Who sends.</summary>
    public required TenantPrincipal Principal { get; init; }

    /// <summary>Environment in force.</summary>
    public required string Env { get; init; }

    /// <summary>HTTP method, part of fingerprint and signature.</summary>
    public required string Method { get; init; }

    /// <summary>Path with query, part of fingerprint and signature.</summary>
    public required string Path { get; init; }

    /// <summary>The body.</summary>
    public required CanonicalJson Body { get; init; }

    /// <summary>When it arrived.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>W3C trace id, 32 hex characters.</summary>
    public required string TraceId { get; init; }

    /// <summary><c>X-Nonce</c> as sent, or null.</summary>
    public string? Nonce { get; init; }

    /// <summary><c>X-Timestamp</c> as sent, or null.</summary>
    public string? Timestamp
    {
        get;
        init => (field, SentAt) = (value, Timestamps.TryParse(value, out var sent) ? sent : null);
    }

    /// <summary>The time that <see cref="Timestamp"/> says; null when it says none.</summary>
    public DateTimeOffset? SentAt { get; private init; }

    /// <summary><c>Idempotency-Key</c>, unquoted, or null.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary><c>X-Payload-Hash</c> as sent, or null.</summary>
    public string? PayloadHash { get; init; }

    /// <summary>The request's signature, when any of its headers was sent.</summary>
    public RequestSignatureHeaders? Signature { get; init; }

    /// <summary>Seconds to wait for the run, from <c>Prefer: wait=N</c>; 0 is not at all.</summary>
    public int WaitSeconds { get; init; }

    /// <summary>The span that the body stands for, when it is not one itself: a sentence, or a request to a route of its own.</summary>
    public CompiledBody? Compiled { get; init; }

    /// <summary>For bytes, which no body of JSON holds: the hash that they are to have, <c>blake3:…</c>.</summary>
    public string? BytesHash { get; init; }

    /// <summary>What its quota said when the head was judged before the bytes came; it is not counted again.</summary>
    public CountedQuota? Counted { get; init; }

    /// <summary>The tenant.</summary>
    public string Tenant => Principal.Tenant;

    /// <summary>True when several spans were sent.</summary>
    public bool IsArray => Compiled is null && Body.Root.ValueKind == JsonValueKind.Array;

    /// <summary>What was sent: one, or each of an array.</summary>
    public IReadOnlyList<SpanDocument> Items => IsArray ? [.. Body.Root.EnumerateArray().Select(SpanDocument.View)] : [SpanDocument.View(Compiled?.Span ?? Body.Root)];

    /// <summary>BLAKE3 of the canonical body, or of the bytes, <c>blake3:…</c>; computed once, whoever asks.</summary>
    public string ContentHash => field ??= BytesHash ?? Protocol.Crypto.ContentHash.Of(Body.Utf8.Span);

    /// <summary>BLAKE3 over method, path, env and the hash of the content: two requests with the same one are the same request.</summary>
    public byte[] Fingerprint(string contentHash)
    {
        const int MostBytesPerCharacter = 3;
        var text = ArrayPool<byte>.Shared.Rent((Method.Length + Path.Length + Env.Length + contentHash.Length + 3) * MostBytesPerCharacter);
        Utf8.TryWrite(text, $"{Method}\n{Path}\n{Env}\n{contentHash}", out var length);
        var fingerprint = Blake3.Hash(text.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(text);
        return fingerprint;
    }
}

/// <summary>What a body was compiled to.</summary>
/// <param name="Span">The span, perhaps with gaps; an empty object when there is none.</param>
/// <param name="Failure">Why the text means nothing; answered in the place of row 11.</param>
/// <param name="IsRoute">True when the route itself is what was asked for, so that its intent need not be sendable.</param>
public sealed record CompiledBody(JsonElement Span, Rejection? Failure = null, bool IsRoute = false)
{
    /// <summary>Where values of the span stand that were not sent in NFC, as JSON Pointers into it.</summary>
    public IReadOnlyList<string> Altered { get; init; } = [];
}

/// <summary>A request that was counted.</summary>
/// <param name="State">What is left; null when no quota holds the intent.</param>
public sealed record CountedQuota(RateLimitState? State);

/// <summary>The three headers of a request signature, as sent.</summary>
public sealed record RequestSignatureHeaders(string? Algorithm, string? Kid, string? Value);
