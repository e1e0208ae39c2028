using LogLine.Protocol.Spans;

namespace LogLine.Api.Ledger;

/// <summary>
/// A span that has passed every check of the gate. Only the gate makes one (<c>Gate</c> is the sole caller of <see cref="Admit"/>; a test
/// reads the sources for it), and the ledger appends nothing else from outside.
/// </summary>
public sealed class AdmittedSpan
{
    private AdmittedSpan(LedgerEntry entry, SpanDocument span) => (Entry, Span) = (entry, span);

    /// <summary>The ledger entry.</summary>
    public LedgerEntry Entry { get; }

    /// <summary>The span as it is stored.</summary>
    public SpanDocument Span { get; }

    /// <summary>BLAKE3 over method, path, env and submitted content: what a retry is compared with.</summary>
    public byte[] Fingerprint { get; private init; } = [];

    /// <summary>What the Ack says besides the receipt, as a JSON object; kept for replays.</summary>
    public byte[] Answer { get; private init; } = [];

    /// <summary>What it changes.</summary>
    public IReadOnlyList<LedgerEffect> Effects { get; private init; } = [];

    /// <summary>The run that it starts or that it is about.</summary>
    public string? RunId { get; private init; }

    /// <summary>Kids whose signatures let it pass: it is not committed unless they are active still.</summary>
    public IReadOnlyList<string> TrustedKids { get; private init; } = [];

    /// <summary>What the gateway says about it, in the same transaction and right behind it; signed at the ledger's door, not while it is judged.</summary>
    internal IReadOnlyList<Func<ServerIdentity, ServerSpan>> Followers { get; private init; } = [];

    /// <summary>For the gate alone.</summary>
    internal static AdmittedSpan Admit(LedgerEntry entry, SpanDocument span, byte[] fingerprint, byte[] answer,
        IReadOnlyList<LedgerEffect> effects, IReadOnlyList<Func<ServerIdentity, ServerSpan>> followers, string? runId, IReadOnlyList<string> trustedKids) =>
        new(entry, span) { Fingerprint = fingerprint, Answer = answer, Effects = effects, Followers = followers, RunId = runId, TrustedKids = trustedKids };
}

/// <summary>A span that the gateway itself signs: states of runs, verdicts, refusals.</summary>
public sealed record ServerSpan(LedgerEntry Entry, SpanDocument Span)
{
    /// <summary>What it changes.</summary>
    public IReadOnlyList<LedgerEffect> Effects { get; init; } = [];

    /// <summary>The run that it is about.</summary>
    public string? RunId { get; init; }
}

/// <summary>What one request wants appended: all of it in one transaction.</summary>
public sealed record AppendRequest
{
    /// <summary>Tenant of the request.</summary>
    public required string Tenant { get; init; }

    /// <summary>The spans that passed, in order.</summary>
    public required IReadOnlyList<AdmittedSpan> Spans { get; init; }

    /// <summary>The nonce that is consumed, and until when it is remembered; null when the request needed none.</summary>
    public (string Nonce, DateTimeOffset Until)? Nonce { get; init; }

    /// <summary>How many entries the log had when it was judged; what another gateway has added since, the gate did not see.</summary>
    public long Seen { get; init; }

    /// <summary>The idempotency key that is bound.</summary>
    public KeyBinding? Key { get; init; }
}

/// <summary>What an idempotency key stands for.</summary>
/// <param name="Key">The key, unquoted.</param>
/// <param name="Fingerprint">Of the whole request.</param>
/// <param name="ExpiresAt">When it is forgotten.</param>
/// <param name="Items">For an array: what each item was answered. Null for one span.</param>
public sealed record KeyBinding(string Key, byte[] Fingerprint, DateTimeOffset ExpiresAt, IReadOnlyList<KeyItem>? Items);

/// <summary>Where an appended span stands, and the signed tree of its batch: everything that its receipt needs.</summary>
public sealed record LogPosition(long Index, CommittedTree In);

/// <summary>Why a transaction did not happen although the gate had let it pass: somebody else was faster.</summary>
public enum AppendConflict
{
    /// <summary>The nonce was consumed.</summary>
    Nonce,
    /// <summary>The idempotency key was bound.</summary>
    Key,
    /// <summary>The name was taken.</summary>
    This,
    /// <summary>A key that it was signed with was revoked.</summary>
    Signer,
    /// <summary>The proof was used or cancelled.</summary>
    Proof,
    /// <summary>The webhook was changed or is gone.</summary>
    Webhook,
    /// <summary>The run has moved.</summary>
    Run,
    /// <summary>The token was revoked.</summary>
    Principal,
    /// <summary>Another gateway has changed what was judged.</summary>
    Stale,
    /// <summary>What the gateway says is signed by a key of its own that was replaced a moment ago.</summary>
    ServerKey,
}

/// <summary>The outcome of an append: positions in the order of the spans, or a conflict and nothing written.</summary>
public sealed record AppendOutcome(IReadOnlyList<LogPosition> Positions, AppendConflict? Conflict);
