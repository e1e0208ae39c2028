namespace LogLine.Api.Ledger.Sqlite;

/// <summary>How each effect changes the tables. Every statement that can come too late says so by the number of rows that it changed.</summary>
public sealed partial class SqliteLedgerStore
{
    private AppendConflict? Apply(LedgerEffect effect, long index, long seen)
    {
        switch (effect)
        {
            case LedgerEffect.KeyRegistered { Key: var key }:
                return _writer.Execute("INSERT OR IGNORE INTO keys VALUES($1,$2,$3,$4,$5,NULL)", key.Tenant, key.Kid, key.PublicKey, string.Join(' ', key.Usage), (int)key.Status) == 1
                    ? null
                    : AppendConflict.Stale;
            case LedgerEffect.KeyRevoked revoked:
                _writer.Execute("UPDATE keys SET status = $3, until_idx = coalesce(until_idx, $4) WHERE tenant = $1 AND kid = $2 AND status <> $3", revoked.Tenant, revoked.Kid, (int)KeyStatus.Revoked, index);
                return null;
            case LedgerEffect.KeyRetired retired:
                _writer.Execute("UPDATE keys SET status = $3, until_idx = $4 WHERE tenant = $1 AND kid = $2", retired.Tenant, retired.Kid, (int)KeyStatus.Retired, index);
                return null;
            case LedgerEffect.WebhookChange webhook:
                return Apply(webhook, index);
            case LedgerEffect.TenantCreated { Row: var tenant }:
                return InsertTenant(tenant) ? null : AppendConflict.This;
            case LedgerEffect.TokenCreated { Token: var token }:
                InsertToken(token);
                return null;
            case LedgerEffect.TokenRevoked revoked:
                _writer.Execute("UPDATE tokens SET revoked = $3 WHERE tenant = $1 AND token_id = $2 AND revoked IS NULL", revoked.Tenant, revoked.TokenId, Milliseconds(revoked.At));
                return null;
            case LedgerEffect.QuotaSet { Quota: var quota }:
                _writer.Execute("INSERT OR REPLACE INTO quotas VALUES($1,$2,$3,$4)", quota.Tenant, quota.Pattern, quota.RatePerMinute, quota.Burst);
                return null;
            case LedgerEffect.PolicySet policy:
                _writer.Execute("INSERT OR REPLACE INTO policies VALUES($1,$2)", policy.Tenant, policy.Policy);
                return null;
            case LedgerEffect.GrantStored { Grant: var grant }:
                _writer.Execute("INSERT OR IGNORE INTO grants VALUES($1,$2,$3,$4,NULL)", grant.Tenant, grant.GrantId, grant.Grant, index);
                return null;
            case LedgerEffect.GrantRevoked revoked:
                _writer.Execute("UPDATE grants SET revoked_idx = $3 WHERE tenant = $1 AND grant_id = $2 AND revoked_idx IS NULL", revoked.Tenant, revoked.GrantId, index);
                return null;
            case LedgerEffect.ManifestStored { Manifest: var manifest }:
                _writer.Execute("INSERT OR IGNORE INTO manifests VALUES($1,$2,$3,$4,$5)", manifest.Tenant, manifest.Name, manifest.Hash, index, manifest.Manifest);
                return null;
            case LedgerEffect.ProofStored { Proof: var proof }:
                return StoreProof(proof, index);
            case LedgerEffect.ProofConsumed used:
                return _writer.Execute(
                    "UPDATE proofs SET used_idx = $3 WHERE tenant = $1 AND this = $2 AND used_idx IS NULL AND cancelled_idx IS NULL", used.Tenant, used.ProofThis, index) == 1
                    ? null
                    : AppendConflict.Proof;
            case LedgerEffect.SpanErased erased:
                _writer.Execute("UPDATE entries SET span = NULL, intent = '', subject = '' WHERE idx = $1 AND tenant = $2 AND this = $3", erased.Index, erased.Tenant, erased.This);
                _writer.Execute("DELETE FROM deliveries WHERE seq = $1 AND webhook_id IN (SELECT webhook_id FROM webhooks WHERE tenant = $2)", erased.Index + 1, erased.Tenant);
                _leavesTraces = true;
                return null;
            case LedgerEffect.LogPruned pruned:
                return _writer.Execute("UPDATE head SET minimum = $1 WHERE minimum < $1", pruned.Minimum) == 1 ? null : AppendConflict.Stale;
            case LedgerEffect.RunCreated { Run: var run } created:
                return (run.Ref is null || !HasNewDeploy(run, seen)) && InsertRun(created) ? null : AppendConflict.Stale;
            case LedgerEffect.RunMoved moved:
                return MoveRun(moved) ? null : AppendConflict.Run;
            case LedgerEffect.RunCancelRequested cancel:
                return _writer.Execute("UPDATE runs SET cancel = 1 WHERE run_id = $1 AND state < 4", cancel.RunId) == 1 ? null : AppendConflict.Run;
            default:
                throw new InvalidOperationException($"The store does not know the effect {effect.GetType().Name}.");
        }
    }

    /// <summary>
    /// Keeps a proof. The same proof again adds nothing, so it can be used once however often it is sent. A deny cancels every
    /// earlier allow that could let through what the deny names (contract, section 6).
    /// </summary>
    private AppendConflict? StoreProof(ProofRow proof, long index)
    {
        _writer.Execute(
            "INSERT OR IGNORE INTO proofs VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,NULL,NULL)",
            index, proof.Tenant, proof.This, proof.Intent, proof.Allow ? 1 : 0, proof.Subject, proof.Hash, proof.Env, proof.Ref, proof.Target, proof.PlanDigest, Milliseconds(proof.Exp));
        if (!proof.Allow)
        {
            _writer.Execute(
                """
                UPDATE proofs SET cancelled_idx = $1 WHERE tenant = $2 AND intent = $3 AND subject = $4 AND allow = 1 AND used_idx IS NULL AND cancelled_idx IS NULL
                AND ($5 IS NULL OR env IS NULL OR env = $5) AND ($6 IS NULL OR ref IS NULL OR ref = $6)
                AND ($7 IS NULL OR target IS NULL OR target = $7) AND ($8 IS NULL OR plan_digest IS NULL OR plan_digest = $8)
                """,
                index, proof.Tenant, proof.Intent, proof.Subject, proof.Env, proof.Ref, proof.Target, proof.PlanDigest);
        }
        return null;
    }

    /// <summary>True when the run's service has a live deploy of which the gate could not know: then the gate looks again.</summary>
    private bool HasNewDeploy(RunRow run, long seen) => _writer.First(
        """
        SELECT 1 FROM runs other JOIN entries USING (run_id)
        WHERE other.tenant = $1 AND other.service = $2 AND other.state < 4 AND other.ref IS NOT NULL AND entries.idx >= $3 LIMIT 1
        """,
        row => true, run.Tenant, run.Service, seen);

    private bool InsertRun(LedgerEffect.RunCreated created)
    {
        var run = created.Run;
        return _writer.Execute(
            "INSERT INTO runs VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,NULL,NULL,NULL,NULL,NULL,$13,0,$14,$15)",
            run.RunId, run.Tenant, run.Env, run.Intent, run.Subject, run.Provider, run.Service, run.Ref, run.Target, run.Span, (int)run.State, Milliseconds(run.CreatedAt), run.Detail,
            created.Holder, Milliseconds(created.Lease?.At + created.Lease?.Life)) == 1;
    }

    private bool MoveRun(LedgerEffect.RunMoved moved)
    {
        if (moved.Answer is { } kept)
        {
            KeepAnswer(kept.Index, kept.Answer);
        }
        return UpdateRun(moved);
    }

    private void KeepAnswer(long index, byte[] answer) => _writer.Execute("UPDATE entries SET answer = $2 WHERE idx = $1", index, answer);

    private bool UpdateRun(LedgerEffect.RunMoved moved) => _writer.Execute(
        """
        UPDATE runs SET state = $3, started = $4, ended = $5, exit_code = $6, reason = $7, error = $8, detail = $9, lease_until = coalesce($11, lease_until)
        WHERE run_id = $1 AND state = $2 AND ($10 IS NULL OR lease_owner = $10)
        """,
        moved.To.RunId, (int)moved.From, (int)moved.To.State, Milliseconds(moved.To.StartedAt), Milliseconds(moved.To.EndedAt), moved.To.ExitCode, moved.To.Reason, moved.To.Error,
        moved.To.Detail, moved.Holder, Milliseconds(moved.Renewal?.At + moved.Renewal?.Life)) == 1;

    private bool InsertTenant(TenantRow tenant) => _writer.Execute("INSERT OR IGNORE INTO tenants VALUES($1,$2)", tenant.Tenant, Milliseconds(tenant.CreatedAt)) == 1;

    private void InsertToken(TokenRow token) => _writer.Execute(
        "INSERT INTO tokens VALUES($1,$2,$3,$4,$5,$6,$7)", token.TokenId, token.Tenant, token.Hash, string.Join(' ', token.Scopes), token.Env, Milliseconds(token.ExpiresAt),
        Milliseconds(token.RevokedAt));

    private static long Milliseconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    private static object? Milliseconds(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();
}
