namespace LogLine.Api.Errors;

/// <summary>
/// Why something is refused, in the order in which the gate finds it: the first that applies is the answer (contract, section 5).
/// <see cref="RefusalCodes"/> has the wire name, the status and whether the same request can succeed later.
/// </summary>
public enum RefusalCode
{
    /// <summary>Row 1: the body is not <c>application/json</c>.</summary>
    UnsupportedMediaType,
    /// <summary>Row 1: the body is over 1 MiB.</summary>
    TooLarge,
    /// <summary>Row 2: no token, or one that is unknown, expired or revoked.</summary>
    Unauthenticated,
    /// <summary>Rows 2, 4 and 13: another tenant's, out of scope, or reserved.</summary>
    Forbidden,
    /// <summary>Row 3: the body is not strict JSON.</summary>
    MalformedJson,
    /// <summary>Row 3: a header has no meaning.</summary>
    MalformedHeader,
    /// <summary>Row 5: the token bucket is empty.</summary>
    RateLimited,
    /// <summary>Row 6: the header's hash is not the body's.</summary>
    PayloadHashMismatch,
    /// <summary>Rows 6 and 12: a signature does not verify, or its key is not to be trusted.</summary>
    SignatureInvalid,
    /// <summary>Row 7: nonce or timestamp is missing or malformed.</summary>
    FreshnessRequired,
    /// <summary>Row 8: the key, or <c>this</c>, stands for another content.</summary>
    IdempotencyConflict,
    /// <summary>Row 9: the timestamp is more than 120 s away.</summary>
    TimestampOutOfRange,
    /// <summary>Row 10: the nonce was consumed by another request.</summary>
    NonceReused,
    /// <summary>Row 11: something is missing.</summary>
    TdlnInvalid,
    /// <summary>Rows 6, 11 and 13: a value is wrong, or values contradict each other.</summary>
    SchemaInvalid,
    /// <summary>Row 14: a policy forbids it.</summary>
    PolicyDenied,
    /// <summary>Row 15: this tenant does not have it.</summary>
    NotFound,
    /// <summary>Row 16: no live proof authorises it.</summary>
    ProofRequired,
    /// <summary>Row 17: the state machine has no such step.</summary>
    LifecycleConflict,
    /// <summary>Row 18: the queue is full.</summary>
    Busy,
    /// <summary>Row 18: the target is down.</summary>
    AdapterUnavailable,
    /// <summary>Row 19: a defect of ours.</summary>
    Internal,
}

/// <summary>What the outside sees of a <see cref="RefusalCode"/>.</summary>
/// <param name="Wire">The name on the wire, for example <c>428_PROOF_REQUIRED</c>.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Title">One line, the same for every occurrence (RFC 9457).</param>
/// <param name="Retryable">Whether the same request can succeed later without a change.</param>
/// <param name="Way">What to do about it; the help page shows it.</param>
public sealed record RefusalMeaning(string Wire, int Status, string Title, bool Retryable, string Way);

/// <summary>The one table of codes.</summary>
public static class RefusalCodes
{
    private static readonly RefusalMeaning[] Table =
    [
        new("415_UNSUPPORTED_MEDIA_TYPE", 415, "The body must be application/json", false, "Send 'Content-Type: application/json'."),
        new("413_TOO_LARGE", 413, "The body is too large", false, "A body has at most 1 MiB (1,048,576 bytes). Split an array; upload binary content as an artifact."),
        new("401_UNAUTHENTICATED", 401, "No valid token", false, "Send 'Authorization: ApiKey <token>' with a token that is neither expired nor revoked."),
        new("403_FORBIDDEN", 403, "Not allowed", false, "Use a token of the right tenant whose scopes hold the intent; state intents are emitted by the gateway alone."),
        new("400_MALFORMED_JSON", 400, "The body is not strict JSON", false, "Send one JSON value in UTF-8: no BOM, no duplicate keys, no lone surrogates, depth ≤ 32, ≤ 10,000 elements, ≤ 1,000 members."),
        new("400_MALFORMED_HEADER", 400, "A header is malformed", false, "The detail names the header and its form."),
        new("429_RATE_LIMITED", 429, "Too many requests for this intent", true, "Wait for the seconds in Retry-After, then send the same request again."),
        new("422_PAYLOAD_HASH_MISMATCH", 422, "X-Payload-Hash is not the body's hash", false, "Send blake3-256=<hex> of the canonical form of the body."),
        new("422_SIGNATURE_INVALID", 422, "A signature does not verify", false, "details.reason says which: an unknown or revoked key, changed content, or an expired document. Sign again with an active key."),
        new("400_FRESHNESS_REQUIRED", 400, "X-Nonce and X-Timestamp are required", false, "Send a new X-Nonce (16 to 128 of A-Za-z0-9._~-) and X-Timestamp (RFC 3339, now) with every write."),
        new("409_IDEMPOTENCY_CONFLICT", 409, "The same key was used for another content", false, "A key stands for one request. If you mean something new, use a new Idempotency-Key and a new 'this'."),
        new("422_TIMESTAMP_OUT_OF_RANGE", 422, "X-Timestamp is too far from the server's clock", false, "details.server_time is the server's clock; send a new timestamp and nonce."),
        new("409_NONCE_REUSED", 409, "The nonce was used before", false, "Send the request again with a new X-Nonce."),
        new("422_TDLN_INVALID", 422, "Something is missing", false, "missing_fields lists all of it; suggested_reply can be shown to a person."),
        new("422_SCHEMA_INVALID", 422, "A value is wrong", false, "errors lists every one with path and accepted values."),
        new("403_POLICY_DENIED", 403, "A policy forbids this", false, "details.rule names the rule; ask who sets it."),
        new("404_NOT_FOUND", 404, "This tenant does not have it", false, "Check the reference; what belongs to another tenant does not exist for you."),
        new("428_PROOF_REQUIRED", 428, "A proof of authorisation is required", false, "Submit a proof for details.required_proof_intent with 'wallet.proof.submit', then send the same request again, unchanged."),
        new("409_LIFECYCLE_CONFLICT", 409, "Not possible in this state", false, "details.legal lists what is possible from details.from; details.pending_run is the run to wait for."),
        new("503_BUSY", 503, "Too much work is waiting", true, "Wait for the seconds in Retry-After, then send the same request again."),
        new("503_ADAPTER_UNAVAILABLE", 503, "The target is down", true, "The detail says which engine does not answer and why; start it, then send the same request again."),
        new("500_INTERNAL", 500, "A defect of the gateway", true, "Nothing was committed. Send the same request again; report the trace_id if it stays."),
    ];

    /// <summary>What a code means to the outside.</summary>
    public static RefusalMeaning Meaning(this RefusalCode code) => Table[(int)code];
}
