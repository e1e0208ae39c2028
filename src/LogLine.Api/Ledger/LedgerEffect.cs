namespace LogLine.Api.Ledger;

/// <summary>
/// What a span changes besides being in the log. Effects commit in the span's own transaction, or not at all (architecture, rule 2).
/// </summary>
public abstract record LedgerEffect
{
    private LedgerEffect()
    {
    }

    /// <summary>A key is registered. Conflicts when its kid is known.</summary>
    public sealed record KeyRegistered(KeyRow Key) : LedgerEffect;

    /// <summary>A key may no longer sign, from this span on; one that was retired before, from then on.</summary>
    public sealed record KeyRevoked(string Tenant, string Kid) : LedgerEffect;

    /// <summary>A key was replaced; it verifies what the ledger held before this span.</summary>
    public sealed record KeyRetired(string Tenant, string Kid) : LedgerEffect;

    /// <summary>A tenant is there. Conflicts when it was before.</summary>
    public sealed record TenantCreated(TenantRow Row) : LedgerEffect;

    /// <summary>A token may be used.</summary>
    public sealed record TokenCreated(TokenRow Token) : LedgerEffect;

    /// <summary>A token may no longer be used.</summary>
    public sealed record TokenRevoked(string Tenant, string TokenId, DateTimeOffset At) : LedgerEffect;

    /// <summary>A quota holds, instead of the one for the same pattern.</summary>
    public sealed record QuotaSet(QuotaRow Quota) : LedgerEffect;

    /// <summary>A tenant's policy holds, instead of the one before; the payload as canonical JSON.</summary>
    public sealed record PolicySet(string Tenant, string Policy) : LedgerEffect;

    /// <summary>A grant is held.</summary>
    public sealed record GrantStored(GrantRow Grant) : LedgerEffect;

    /// <summary>A grant materialises nothing any more.</summary>
    public sealed record GrantRevoked(string Tenant, string GrantId) : LedgerEffect;

    /// <summary>A manifest is known from now on; one that is known already stays as it is.</summary>
    public sealed record ManifestStored(ManifestRow Manifest) : LedgerEffect;

    /// <summary>A proof is held; a deny also cancels the earlier allows that it overlaps.</summary>
    public sealed record ProofStored(ProofRow Proof) : LedgerEffect;

    /// <summary>A proof is used up. Conflicts when it was used, cancelled or is gone.</summary>
    public sealed record ProofConsumed(string Tenant, string ProofThis) : LedgerEffect;

    /// <summary>A run is to be carried out (the outbox). A deploy conflicts when its service has a live one that has moved since the request was judged (<see cref="AppendRequest.Seen"/>).</summary>
    public sealed record RunCreated(RunRow Run) : LedgerEffect
    {
        /// <summary>The worker that has it from the beginning; null when it waits for one.</summary>
        public string? Holder { get; init; }

        /// <summary>How long that worker has it; null without one.</summary>
        public LeaseRenewal? Lease { get; init; }
    }

    /// <summary>A run is in a new state. Conflicts unless it stands in <paramref name="From"/>.</summary>
    public sealed record RunMoved(RunState From, RunRow To) : LedgerEffect
    {
        /// <summary>The worker that moves it: conflicts when another one holds its lease by now. Null: whoever holds it.</summary>
        public string? Holder { get; init; }

        /// <summary>What becomes of that worker's lease; null changes nothing.</summary>
        public LeaseRenewal? Renewal { get; init; }

        /// <summary>The Ack that waited for this state, to be kept for replays; or null.</summary>
        public KeptAnswer? Answer { get; init; }
    }

    /// <summary>A lease that lasts so long from that moment on. A store that has a clock of its own for leases reckons from that one.</summary>
    public sealed record LeaseRenewal(DateTimeOffset At, TimeSpan Life);

    /// <summary>Something about a webhook. Conflicts when it is not there, or not as it was judged.</summary>
    public abstract record WebhookChange(string Tenant, string WebhookId) : LedgerEffect;

    /// <summary>A webhook gets what comes behind this span.</summary>
    public sealed record WebhookCreated(WebhookRow Webhook) : WebhookChange(Webhook.Tenant, Webhook.WebhookId);

    /// <summary>A webhook gets nothing any more, and what waited for it is forgotten.</summary>
    public sealed record WebhookDeleted(string Tenant, string WebhookId) : WebhookChange(Tenant, WebhookId);

    /// <summary>A webhook has the secret after generation <paramref name="From"/>; that one signs too until then.</summary>
    public sealed record WebhookRotated(string Tenant, string WebhookId, int From, DateTimeOffset OverlapUntil) : WebhookChange(Tenant, WebhookId);

    /// <summary>A webhook gets again: one event, all behind a seq, or, when neither is given, its dead letters. It is active from now on.</summary>
    public sealed record WebhookReplayed(string Tenant, string WebhookId, DeliveryRow? Again, long? After) : WebhookChange(Tenant, WebhookId);

    /// <summary>A webhook took nothing for too long. Conflicts when it is disabled.</summary>
    public sealed record WebhookDisabled(string Tenant, string WebhookId) : WebhookChange(Tenant, WebhookId);

    /// <summary>The content of a span is gone: the span itself, its intent and subject, and what waits to be delivered of it.</summary>
    public sealed record SpanErased(string Tenant, string This, long Index) : LedgerEffect;

    /// <summary>Entries below that index need not be kept any more. Conflicts when another one has raised the minimum index so far already.</summary>
    public sealed record LogPruned(long Minimum) : LedgerEffect;

    /// <summary>A run is to end. Conflicts when it has ended.</summary>
    public sealed record RunCancelRequested(string RunId) : LedgerEffect;
}

/// <summary>What the Ack of a span says from now on besides its receipt.</summary>
/// <param name="Index">Where the span stands.</param>
/// <param name="Answer">As JSON.</param>
public sealed record KeptAnswer(long Index, byte[] Answer);
