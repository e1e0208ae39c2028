namespace LogLine.Api.Ledger.Postgres;

/// <summary>How each effect changes the tables. Every statement that can come too late says so by the number of rows that it changes.</summary>
internal static class PostgresEffects
{
    /// <summary>The statements of an effect of the span at <paramref name="index"/>.</summary>
    /// <param name="effect">The effect.</param>
    /// <param name="index">Where its span stands.</param>
    /// <param name="unseen">What another gateway may have written since the gate judged: from how far the log went then, to where the piece itself begins.</param>
    public static IEnumerable<PostgresStatement> Of(LedgerEffect effect, long index, (long From, long To) unseen) => effect switch
    {
        LedgerEffect.KeyRegistered { Key: var key } => [new(
            "INSERT INTO keys VALUES($1,$2,$3,$4,$5,NULL) ON CONFLICT DO NOTHING", AppendConflict.Stale, key.Tenant, key.Kid, key.PublicKey, string.Join(' ', key.Usage), (long)key.Status)],
        LedgerEffect.KeyRevoked revoked => [new(
            "UPDATE keys SET status = $3, until_idx = coalesce(until_idx, $4) WHERE tenant = $1 AND kid = $2 AND status <> $3", null, revoked.Tenant, revoked.Kid, (long)KeyStatus.Revoked, index)],
        LedgerEffect.KeyRetired retired => [new(
            "UPDATE keys SET status = $3, until_idx = $4 WHERE tenant = $1 AND kid = $2", null, retired.Tenant, retired.Kid, (long)KeyStatus.Retired, index)],
        LedgerEffect.TenantCreated { Row: var tenant } => [new("INSERT INTO tenants VALUES($1,$2) ON CONFLICT DO NOTHING", AppendConflict.This, tenant.Tenant, tenant.CreatedAt)],
        LedgerEffect.TokenCreated { Token: var token } => [Insert(token)],
        LedgerEffect.TokenRevoked revoked => [new(
            "UPDATE tokens SET revoked = $3 WHERE tenant = $1 AND token_id = $2 AND revoked IS NULL", null, revoked.Tenant, revoked.TokenId, revoked.At)],
        LedgerEffect.QuotaSet { Quota: var quota } => [new(
            "INSERT INTO quotas VALUES($1,$2,$3,$4) ON CONFLICT(tenant, pattern) DO UPDATE SET rate = $3, burst = $4", null, quota.Tenant, quota.Pattern, (long)quota.RatePerMinute, (long)quota.Burst)],
        LedgerEffect.PolicySet policy => [new("INSERT INTO policies VALUES($1,$2) ON CONFLICT(tenant) DO UPDATE SET policy = $2", null, policy.Tenant, policy.Policy)],
        LedgerEffect.GrantStored { Grant: var grant } => [new(
            "INSERT INTO grants VALUES($1,$2,$3,$4,NULL) ON CONFLICT DO NOTHING", AppendConflict.Stale, grant.Tenant, grant.GrantId, grant.Grant, index)],
        LedgerEffect.GrantRevoked revoked => [new(
            "UPDATE grants SET revoked_idx = $3 WHERE tenant = $1 AND grant_id = $2 AND revoked_idx IS NULL", null, revoked.Tenant, revoked.GrantId, index)],
        LedgerEffect.ManifestStored { Manifest: var manifest } => [new(
            "INSERT INTO manifests VALUES($1,$2,$3,$4,$5) ON CONFLICT DO NOTHING", AppendConflict.Stale, manifest.Tenant, manifest.Name, manifest.Hash, index, manifest.Manifest)],
        LedgerEffect.ProofStored { Proof: var proof } => Store(proof, index),
        LedgerEffect.ProofConsumed used => [new(
            "UPDATE proofs SET used_idx = $3 WHERE tenant = $1 AND this = $2 AND used_idx IS NULL AND cancelled_idx IS NULL", AppendConflict.Proof, used.Tenant, used.ProofThis, index)],
        LedgerEffect.SpanErased erased =>
        [
            // Whoever delivers holds the webhook's row while it writes what waits: either that is seen here, or it sees this.
            new("SELECT 1 FROM webhooks WHERE tenant = $1 ORDER BY webhook_id FOR UPDATE", null, erased.Tenant),
            new("UPDATE entries SET span = NULL, intent = '', subject = '' WHERE idx = $1 AND tenant = $2 AND this = $3", null, erased.Index, erased.Tenant, erased.This),
            new("DELETE FROM deliveries WHERE seq = $1 AND webhook_id IN (SELECT webhook_id FROM webhooks WHERE tenant = $2)", null, erased.Index + 1, erased.Tenant),
        ],
        LedgerEffect.LogPruned pruned => [new("UPDATE head SET minimum = $1 WHERE minimum < $1", AppendConflict.Stale, pruned.Minimum)],
        LedgerEffect.RunCreated created => [Insert(created, unseen)],
        LedgerEffect.RunMoved { Answer: { } kept } moved => [Move(moved), new("UPDATE entries SET answer = $2 WHERE idx = $1", null, kept.Index, kept.Answer)],
        LedgerEffect.RunMoved moved => [Move(moved)],
        LedgerEffect.WebhookChange webhook => Of(webhook, index),
        LedgerEffect.RunCancelRequested cancel => [new("UPDATE runs SET cancel = true WHERE run_id = $1 AND state < 4", AppendConflict.Run, cancel.RunId)],
        _ => throw new InvalidOperationException($"The store does not know the effect {effect.GetType().Name}."),
    };

    /// <summary>The webhook's row comes first: whoever delivers to it holds that while it writes what waits.</summary>
    private static IEnumerable<PostgresStatement> Of(LedgerEffect.WebhookChange change, long index)
    {
        var id = change.WebhookId;
        return change switch
        {
            LedgerEffect.WebhookCreated { Webhook: var row } => [new(
                "INSERT INTO webhooks VALUES($1,$2,$3,$4,$5,$6,$7,$8,NULL,true,$9,NULL,0,NULL,NULL) ON CONFLICT DO NOTHING", AppendConflict.Webhook,
                id, row.Tenant, row.Env, row.Url, string.Join(' ', row.Events), row.Description, row.CreatedAt, (long)row.Generation, index + 1)],
            LedgerEffect.WebhookDeleted => [
                new("DELETE FROM webhooks WHERE webhook_id = $1", AppendConflict.Webhook, id),
                new("DELETE FROM deliveries WHERE webhook_id = $1", null, id)],
            LedgerEffect.WebhookRotated rotated => [new(
                "UPDATE webhooks SET generation = generation + 1, overlap_until = $2, version = version + 1 WHERE webhook_id = $1 AND generation = $3", AppendConflict.Webhook,
                id, rotated.OverlapUntil, (long)rotated.From)],
            LedgerEffect.WebhookReplayed replayed => Replay(replayed),
            LedgerEffect.WebhookDisabled => [new("UPDATE webhooks SET active = false, version = version + 1 WHERE webhook_id = $1 AND active", AppendConflict.Webhook, id)],
            _ => throw new InvalidOperationException($"The store does not know the effect {change.GetType().Name}."),
        };
    }

    private static IEnumerable<PostgresStatement> Replay(LedgerEffect.WebhookReplayed replay)
    {
        yield return new PostgresStatement(
            "UPDATE webhooks SET active = true, failing_since = NULL, version = version + 1, cursor = least(cursor, $2) WHERE webhook_id = $1", AppendConflict.Webhook, replay.WebhookId, replay.After);
        if (replay.Again is { } row)
        {
            yield return new PostgresStatement(
                $"""
                INSERT INTO deliveries SELECT $1,$2,$3,$4,0,0,NULL,0,NULL,NULL,NULL WHERE {DeliveryRules.HasContent("$2")} ON CONFLICT (webhook_id, seq) DO UPDATE SET
                event = excluded.event, subject = excluded.subject, state = 0, attempts = 0, first_at = NULL, next_at = 0, last_at = NULL, status = NULL, error = NULL
                """, null, replay.WebhookId, row.Seq, row.Event, row.Subject);
        }
        else if (replay.After is null)
        {
            yield return new PostgresStatement("UPDATE deliveries SET state = 0, attempts = 0, first_at = NULL, next_at = 0 WHERE webhook_id = $1 AND state = 2", null, replay.WebhookId);
        }
        else
        {
            // What waits is delivered from the log again, and in its order.
            yield return new PostgresStatement("DELETE FROM deliveries WHERE webhook_id = $1 AND state = 0 AND seq > $2", null, replay.WebhookId, replay.After);
        }
    }

    /// <summary>Writes a token.</summary>
    public static PostgresStatement Insert(TokenRow token) => new(
        "INSERT INTO tokens VALUES($1,$2,$3,$4,$5,$6,$7)", null, token.TokenId, token.Tenant, token.Hash, string.Join(' ', token.Scopes), token.Env, token.ExpiresAt, token.RevokedAt);

    /// <summary>
    /// Keeps a proof. The same proof again adds nothing, so it can be used once however often it is sent. A deny cancels every
    /// earlier allow that could let through what the deny names (contract, section 6).
    /// </summary>
    private static IEnumerable<PostgresStatement> Store(ProofRow proof, long index)
    {
        yield return new PostgresStatement(
            "INSERT INTO proofs VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,NULL,NULL) ON CONFLICT DO NOTHING", null,
            index, proof.Tenant, proof.This, proof.Intent, proof.Allow, proof.Subject, proof.Hash, proof.Env, proof.Ref, proof.Target, proof.PlanDigest, proof.Exp);
        if (!proof.Allow)
        {
            yield return new PostgresStatement(
                """
                UPDATE proofs SET cancelled_idx = $1 WHERE tenant = $2 AND intent = $3 AND subject = $4 AND allow AND used_idx IS NULL AND cancelled_idx IS NULL
                AND ($5::text IS NULL OR env IS NULL OR env = $5) AND ($6::text IS NULL OR ref IS NULL OR ref = $6)
                AND ($7::text IS NULL OR target IS NULL OR target = $7) AND ($8::text IS NULL OR plan_digest IS NULL OR plan_digest = $8)
                """,
                null, index, proof.Tenant, proof.Intent, proof.Subject, proof.Env, proof.Ref, proof.Target, proof.PlanDigest);
        }
    }

    /// <summary>Writes a run, unless its service has a live one of which the gate could not know: then the gate looks again.</summary>
    private static PostgresStatement Insert(LedgerEffect.RunCreated created, (long From, long To) unseen) => Insert(created.Run, created.Holder, created.Lease, unseen);

    private static PostgresStatement Insert(RunRow run, string? holder, LedgerEffect.LeaseRenewal? lease, (long From, long To) unseen) => new(
        $"""
        INSERT INTO runs SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,NULL,NULL,NULL,NULL,NULL,$13,false,$16::text,{PostgresLedgerStore.DatabaseNow} + $17::bigint
        WHERE $7 = '' OR NOT EXISTS (SELECT 1 FROM runs other JOIN entries USING (run_id) WHERE other.tenant = $2 AND other.service = $7 AND other.state < 4 AND entries.idx >= $14 AND entries.idx < $15)
        """,
        AppendConflict.Stale, run.RunId, run.Tenant, run.Env, run.Intent, run.Subject, run.Provider, run.Service, run.Ref, run.Target, run.Span, (long)run.State, run.CreatedAt, run.Detail, unseen.From, unseen.To,
        holder, (long?)lease?.Life.TotalMilliseconds);

    private static PostgresStatement Move(LedgerEffect.RunMoved moved) => new(
        $"""
        UPDATE runs SET state = $3, started = $4, ended = $5, exit_code = $6, reason = $7, error = $8, detail = $9, lease_until = coalesce({PostgresLedgerStore.DatabaseNow} + $11, lease_until)
        WHERE run_id = $1 AND state = $2 AND ($10::text IS NULL OR lease_owner = $10)
        """,
        AppendConflict.Run, moved.To.RunId, (long)moved.From, (long)moved.To.State, moved.To.StartedAt, moved.To.EndedAt, (long?)moved.To.ExitCode, moved.To.Reason, moved.To.Error,
        moved.To.Detail, moved.Holder, (long?)moved.Renewal?.Life.TotalMilliseconds);
}
