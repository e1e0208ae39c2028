namespace LogLine.Api.Ledger;

/// <summary>A tenant.</summary>
public sealed record TenantRow(string Tenant, DateTimeOffset CreatedAt)
{
    /// <summary>The tenant of a new ledger: what concerns the log as a whole is said to it.</summary>
    public const string First = "dev";
}

/// <summary>An API token, without the token: <paramref name="Hash"/> is its BLAKE3.</summary>
public sealed record TokenRow(
    string TokenId, string Tenant, byte[] Hash, IReadOnlyList<string> Scopes, string Env, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt);

/// <summary>Whether a key may sign.</summary>
public enum KeyStatus
{
    /// <summary>It may.</summary>
    Active,
    /// <summary>Rotated away: verifies what the ledger held before.</summary>
    Retired,
    /// <summary>Withdrawn: everything after <see cref="KeyRow.UntilIndex"/> is refused, which is where it was retired if it was before.</summary>
    Revoked,
}

/// <summary>A public key of a tenant. A kid is never bound to another key.</summary>
public sealed record KeyRow(string Tenant, string Kid, byte[] PublicKey, IReadOnlyList<string> Usage, KeyStatus Status, long? UntilIndex = null);

/// <summary>How often a tenant may send the intents of a pattern.</summary>
public sealed record QuotaRow(string Tenant, string Pattern, int RatePerMinute, int Burst);

/// <summary>A grant that the ledger holds, as the canonical JSON that was signed.</summary>
public sealed record GrantRow(string Tenant, string GrantId, string Grant, bool IsRevoked);

/// <summary>A manifest that was applied; its bytes are in the span at <paramref name="Index"/>.</summary>
public sealed record ManifestRow(string Tenant, string Name, string Hash, byte[] Manifest);

/// <summary>A proof that the ledger holds.</summary>
public sealed record ProofRow
{
    /// <summary>Name of the span that brought it.</summary>
    public required string This { get; init; }

    /// <summary>Tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>What it authorises, for example <c>deploy.allow</c>.</summary>
    public required string Intent { get; init; }

    /// <summary>allow or deny.</summary>
    public required bool Allow { get; init; }

    /// <summary>Subject of the span that it lets through.</summary>
    public required string Subject { get; init; }

    /// <summary>BLAKE3 of the proof.</summary>
    public required string Hash { get; init; }

    /// <summary>The environment that it is bound to, or null.</summary>
    public string? Env { get; init; }

    /// <summary>The ref that it is bound to, or null.</summary>
    public string? Ref { get; init; }

    /// <summary>The target that it is bound to, canonical JSON, or null.</summary>
    public string? Target { get; init; }

    /// <summary>The plan that it is bound to, or null.</summary>
    public string? PlanDigest { get; init; }

    /// <summary>From when on it is dead.</summary>
    public required DateTimeOffset Exp { get; init; }
}

/// <summary>Where a run stands (contract, section 7).</summary>
public enum RunState
{
    /// <summary>Admitted; no worker has it yet.</summary>
    Planned,
    /// <summary>A worker has it.</summary>
    Pending,
    /// <summary>Its container is created.</summary>
    Applied,
    /// <summary>Started and healthy.</summary>
    Running,
    /// <summary>Ended after it had been running.</summary>
    Exited,
    /// <summary>Ended before it was running.</summary>
    Failed,
    /// <summary>Ended because somebody cancelled it.</summary>
    Cancelled,
}

/// <summary>Which runs a worker may have.</summary>
/// <param name="Providers">Only those on these engines; null for any.</param>
/// <param name="Tenant">Only this tenant's; null for any.</param>
public sealed record LeaseReach(IReadOnlyList<string>? Providers, string? Tenant)
{
    /// <summary>Also those whose lease another worker let run out.</summary>
    public bool TakesOver { get; init; } = true;

    /// <summary>All that there are.</summary>
    public static LeaseReach Everything { get; } = new(null, null);
}

/// <summary>A run: the effect of one span, in progress or ended.</summary>
public sealed record RunRow
{
    /// <summary><c>run_…</c></summary>
    public required string RunId { get; init; }

    /// <summary>Tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Environment.</summary>
    public required string Env { get; init; }

    /// <summary>The intent that started it.</summary>
    public required string Intent { get; init; }

    /// <summary>Subject of the span that started it, and of all its states.</summary>
    public required string Subject { get; init; }

    /// <summary>The engine that carries it out: <c>podman</c>, or <c>podman/edge</c> for one that the operator calls so.</summary>
    public required string Provider { get; init; }

    /// <summary>Name of the service or container, without the tenant.</summary>
    public required string Service { get; init; }

    /// <summary>The MiniContainer that it runs, or null for a primitive.</summary>
    public string? Ref { get; init; }

    /// <summary>The span's <c>payload.target</c>, canonical JSON.</summary>
    public required string Target { get; init; }

    /// <summary>The span that started it.</summary>
    public required string Span { get; init; }

    /// <summary>Where it stands.</summary>
    public RunState State { get; init; } = RunState.Planned;

    /// <summary>When it was admitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was running.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How it ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Why it failed or was cancelled: a word for programs.</summary>
    public string? Reason { get; init; }

    /// <summary>Why it failed: a sentence for people.</summary>
    public string? Error { get; init; }

    /// <summary>Further facts as a JSON object: ports, log_tail, result.</summary>
    public string Detail { get; init; } = "{}";

    /// <summary>What <see cref="Detail"/> takes, in bytes; pages are measured by it.</summary>
    public long DetailBytes => System.Text.Encoding.UTF8.GetByteCount(Detail);

    /// <summary>True once somebody asked for its end.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>The worker that has it.</summary>
    public string? LeaseOwner { get; init; }

    /// <summary>Until when the worker has it.</summary>
    public DateTimeOffset? LeaseUntil { get; init; }

    /// <summary>True for exited, failed and cancelled.</summary>
    public bool HasEnded => State is RunState.Exited or RunState.Failed or RunState.Cancelled;
}

/// <summary>The runs that stand in one state, of all tenants.</summary>
/// <param name="State">The state, which is none of the ends.</param>
/// <param name="Count">How many.</param>
/// <param name="UnclaimedSince">When the oldest of them was admitted that no worker has; null when each has one.</param>
/// <param name="LeasedUntil">The end of the lease that ends first; null when no worker has any.</param>
public sealed record LiveRuns(RunState State, long Count, DateTimeOffset? UnclaimedSince, DateTimeOffset? LeasedUntil);
