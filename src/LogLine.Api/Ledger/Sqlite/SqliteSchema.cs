namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// The tables of the embedded store. <c>entries</c> is the log; <c>tiles</c>, <c>checkpoints</c> and <c>head</c> are its tree; the rest is what
/// the entries add up to, written in the same transactions. <c>digest</c> is over all columns of a row that the log itself does not vouch for, in their order.
/// </summary>
internal static class SqliteSchema
{
    /// <summary>Rises with every change that older programs cannot read.</summary>
    public const int Version = 6;

    /// <summary>All tables and indexes of a new file.</summary>
    public const string Tables = """
        CREATE TABLE entries(
          idx INTEGER PRIMARY KEY, entry BLOB NOT NULL, span BLOB, tenant TEXT NOT NULL, this TEXT NOT NULL, intent TEXT NOT NULL,
          subject TEXT NOT NULL, run_id TEXT, fingerprint BLOB, answer BLOB,
          digest INTEGER AS (row_digest('entries', idx, tenant, this, intent, subject, run_id, fingerprint, answer)) STORED);
        CREATE UNIQUE INDEX entries_this ON entries(tenant, this);
        CREATE INDEX entries_subject ON entries(tenant, subject, idx);
        CREATE INDEX entries_applied ON entries(tenant, subject, idx) WHERE intent = 'minicontainer.applied';
        CREATE INDEX entries_run ON entries(run_id, idx) WHERE run_id IS NOT NULL;
        CREATE TABLE tiles(level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY(level, idx));
        CREATE TABLE checkpoints(
          tree_size INTEGER PRIMARY KEY, note TEXT NOT NULL,
          digest INTEGER AS (row_digest('checkpoints', tree_size, note)) STORED);
        CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), origin TEXT NOT NULL, size INTEGER NOT NULL, frontier BLOB NOT NULL, minimum INTEGER NOT NULL);
        -- By the minute until which it is remembered, so that new ones lie side by side, however random, and old ones go together.
        CREATE TABLE nonces(
          minute INTEGER NOT NULL, tenant TEXT NOT NULL, nonce TEXT NOT NULL,
          digest INTEGER AS (row_digest('nonces', minute, tenant, nonce)) STORED,
          PRIMARY KEY(minute, tenant, nonce)) WITHOUT ROWID;
        CREATE TABLE idempotency(
          tenant TEXT NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL, expires INTEGER NOT NULL, first INTEGER NOT NULL, items TEXT,
          digest INTEGER AS (row_digest('idempotency', tenant, key, fingerprint, expires, first, items)) STORED,
          PRIMARY KEY(tenant, key)) WITHOUT ROWID;
        CREATE INDEX idempotency_expires ON idempotency(expires);
        CREATE TABLE tenants(
          tenant TEXT PRIMARY KEY, created INTEGER NOT NULL,
          digest INTEGER AS (row_digest('tenants', tenant, created)) STORED) WITHOUT ROWID;
        CREATE TABLE tokens(
          token_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, env TEXT NOT NULL,
          expires INTEGER, revoked INTEGER,
          digest INTEGER AS (row_digest('tokens', token_id, tenant, hash, scopes, env, expires, revoked)) STORED) WITHOUT ROWID;
        CREATE TABLE keys(
          tenant TEXT NOT NULL, kid TEXT NOT NULL, pub BLOB NOT NULL, usage TEXT NOT NULL, status INTEGER NOT NULL, until_idx INTEGER,
          digest INTEGER AS (row_digest('keys', tenant, kid, pub, usage, status, until_idx)) STORED,
          PRIMARY KEY(tenant, kid)) WITHOUT ROWID;
        CREATE TABLE quotas(
          tenant TEXT NOT NULL, pattern TEXT NOT NULL, rate INTEGER NOT NULL, burst INTEGER NOT NULL,
          digest INTEGER AS (row_digest('quotas', tenant, pattern, rate, burst)) STORED,
          PRIMARY KEY(tenant, pattern)) WITHOUT ROWID;
        CREATE TABLE policies(
          tenant TEXT PRIMARY KEY, policy TEXT NOT NULL,
          digest INTEGER AS (row_digest('policies', tenant, policy)) STORED) WITHOUT ROWID;
        CREATE TABLE grants(
          tenant TEXT NOT NULL, grant_id TEXT NOT NULL, body TEXT NOT NULL, idx INTEGER NOT NULL, revoked_idx INTEGER,
          digest INTEGER AS (row_digest('grants', tenant, grant_id, body, idx, revoked_idx)) STORED,
          PRIMARY KEY(tenant, grant_id)) WITHOUT ROWID;
        CREATE TABLE manifests(
          tenant TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, idx INTEGER NOT NULL, manifest BLOB NOT NULL,
          digest INTEGER AS (row_digest('manifests', tenant, name, hash, idx, manifest)) STORED,
          PRIMARY KEY(tenant, name, hash)) WITHOUT ROWID;
        CREATE TABLE proofs(
          idx INTEGER PRIMARY KEY, tenant TEXT NOT NULL, this TEXT NOT NULL, intent TEXT NOT NULL, allow INTEGER NOT NULL,
          subject TEXT NOT NULL, hash TEXT NOT NULL, env TEXT, ref TEXT, target TEXT, plan_digest TEXT, exp INTEGER NOT NULL,
          used_idx INTEGER, cancelled_idx INTEGER,
          digest INTEGER AS (row_digest('proofs', idx, tenant, this, intent, allow, subject, hash, env, ref, target, plan_digest, exp, used_idx, cancelled_idx)) STORED);
        CREATE UNIQUE INDEX proofs_this ON proofs(tenant, this);
        CREATE UNIQUE INDEX proofs_hash ON proofs(tenant, hash);
        CREATE INDEX proofs_subject ON proofs(tenant, subject, intent) WHERE used_idx IS NULL AND cancelled_idx IS NULL;
        CREATE TABLE runs(
          run_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, env TEXT NOT NULL, intent TEXT NOT NULL, subject TEXT NOT NULL,
          provider TEXT NOT NULL, service TEXT NOT NULL, ref TEXT, target TEXT NOT NULL, span TEXT NOT NULL, state INTEGER NOT NULL,
          created INTEGER NOT NULL, started INTEGER, ended INTEGER, exit_code INTEGER, reason TEXT, error TEXT, detail TEXT NOT NULL,
          cancel INTEGER NOT NULL, lease_owner TEXT, lease_until INTEGER,
          digest INTEGER AS (row_digest('runs', run_id, tenant, env, intent, subject, provider, service, ref, target, span, state, created, started, ended,
            exit_code, reason, error, detail, cancel, lease_owner, lease_until)) STORED) WITHOUT ROWID;
        CREATE INDEX runs_live ON runs(created) WHERE state < 4;
        CREATE INDEX runs_service ON runs(tenant, service) WHERE state < 4;
        CREATE INDEX runs_tenant ON runs(tenant, created);
        CREATE INDEX runs_steps ON runs(tenant, subject, created) WHERE intent IN ('container.stop', 'container.kill', 'container.start', 'container.restart');
        CREATE TABLE webhooks(
          webhook_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, env TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL, description TEXT,
          created INTEGER NOT NULL, generation INTEGER NOT NULL, overlap_until INTEGER, active INTEGER NOT NULL, cursor INTEGER NOT NULL,
          failing_since INTEGER, version INTEGER NOT NULL, lease_owner TEXT, lease_until INTEGER,
          digest INTEGER AS (row_digest('webhooks', webhook_id, tenant, env, url, events, description, created, generation, overlap_until, active, cursor,
            failing_since, version, lease_owner, lease_until)) STORED) WITHOUT ROWID;
        CREATE INDEX webhooks_tenant ON webhooks(tenant);
        CREATE TABLE deliveries(
          webhook_id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL, state INTEGER NOT NULL,
          attempts INTEGER NOT NULL, first_at INTEGER, next_at INTEGER NOT NULL, last_at INTEGER, status INTEGER, error TEXT,
          digest INTEGER AS (row_digest('deliveries', webhook_id, seq, event, subject, state, attempts, first_at, next_at, last_at, status, error)) STORED,
          PRIMARY KEY(webhook_id, seq)) WITHOUT ROWID;
        CREATE INDEX deliveries_state ON deliveries(webhook_id, state, seq);
        CREATE INDEX deliveries_waiting ON deliveries(webhook_id, subject, seq) WHERE state = 0;
        CREATE TABLE tickets(
          hash BLOB PRIMARY KEY, tenant TEXT NOT NULL, token_hash BLOB NOT NULL, filter TEXT NOT NULL, origin TEXT NOT NULL,
          first_use_until INTEGER NOT NULL, expires INTEGER NOT NULL, connection TEXT,
          digest INTEGER AS (row_digest('tickets', hash, tenant, token_hash, filter, origin, first_use_until, expires, connection)) STORED) WITHOUT ROWID;
        CREATE INDEX tickets_expires ON tickets(expires);
        """;
}
