using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// The database as EF Core knows it: its migrations, their history, and the lock that lets one gateway of several migrate. Rows are read and written
/// with SQL (decision 010).
/// </summary>
internal sealed class LedgerContext(DbContextOptions<LedgerContext> options) : DbContext(options);

/// <summary>The tables of the first version. As in the embedded store, times are milliseconds since 1970, and states and usages are what the rows' types say.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261121000000_FirstLedger")]
internal sealed class FirstLedger : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE entries(
          idx bigint PRIMARY KEY, entry bytea NOT NULL, span bytea, tenant text NOT NULL, this text NOT NULL, intent text NOT NULL,
          subject text NOT NULL, run_id text, fingerprint bytea, answer bytea)
          WITH (toast_tuple_target = 4080); -- an ordinary span lies in one piece, and nobody spends time on making it smaller
        CREATE UNIQUE INDEX entries_this ON entries(tenant, this);
        CREATE INDEX entries_subject ON entries(tenant, subject, idx);
        CREATE INDEX entries_run ON entries(run_id, idx) WHERE run_id IS NOT NULL;
        CREATE TABLE tiles(level int NOT NULL, idx bigint NOT NULL, hashes bytea NOT NULL, PRIMARY KEY(level, idx));
        -- touched: what the batch changed of which gateways keep copies
        CREATE TABLE checkpoints(tree_size bigint PRIMARY KEY, note text NOT NULL, touched text);
        -- One row: whoever has it locked extends the log.
        CREATE TABLE head(
          id int PRIMARY KEY CHECK(id = 1), origin text NOT NULL, log_key text NOT NULL, span_key text NOT NULL, size bigint NOT NULL, frontier bytea NOT NULL)
          WITH (fillfactor = 10);
        CREATE TABLE nonces(tenant text NOT NULL, nonce text NOT NULL, until bigint NOT NULL, PRIMARY KEY(tenant, nonce));
        CREATE INDEX nonces_until ON nonces USING brin(until) WITH (pages_per_range = 16); -- rows of one time lie side by side
        CREATE TABLE idempotency(
          tenant text NOT NULL, key text NOT NULL, fingerprint bytea NOT NULL, expires bigint NOT NULL, first bigint NOT NULL, items text,
          PRIMARY KEY(tenant, key));
        CREATE INDEX idempotency_expires ON idempotency(expires);
        CREATE TABLE tenants(tenant text PRIMARY KEY, created bigint NOT NULL);
        CREATE TABLE tokens(
          token_id text PRIMARY KEY, tenant text NOT NULL, hash bytea NOT NULL UNIQUE, scopes text NOT NULL, env text NOT NULL,
          expires bigint, revoked bigint);
        CREATE INDEX tokens_tenant ON tokens(tenant);
        CREATE TABLE keys(
          tenant text NOT NULL, kid text NOT NULL, pub bytea NOT NULL, usage text NOT NULL, status int NOT NULL, until_idx bigint,
          PRIMARY KEY(tenant, kid));
        CREATE TABLE quotas(tenant text NOT NULL, pattern text NOT NULL, rate int NOT NULL, burst int NOT NULL, PRIMARY KEY(tenant, pattern));
        CREATE TABLE policies(tenant text PRIMARY KEY, policy text NOT NULL);
        CREATE TABLE grants(
          tenant text NOT NULL, grant_id text NOT NULL, body text NOT NULL, idx bigint NOT NULL, revoked_idx bigint, PRIMARY KEY(tenant, grant_id));
        CREATE TABLE manifests(
          tenant text NOT NULL, name text NOT NULL, hash text NOT NULL, idx bigint NOT NULL, manifest bytea NOT NULL,
          PRIMARY KEY(tenant, name, hash));
        CREATE TABLE proofs(
          idx bigint PRIMARY KEY, tenant text NOT NULL, this text NOT NULL, intent text NOT NULL, allow boolean NOT NULL, subject text NOT NULL,
          hash text NOT NULL, env text, ref text, target text, plan_digest text, exp bigint NOT NULL, used_idx bigint, cancelled_idx bigint);
        CREATE UNIQUE INDEX proofs_this ON proofs(tenant, this);
        CREATE UNIQUE INDEX proofs_hash ON proofs(tenant, hash);
        CREATE INDEX proofs_subject ON proofs(tenant, subject, intent) WHERE used_idx IS NULL AND cancelled_idx IS NULL;
        CREATE TABLE runs(
          run_id text PRIMARY KEY, tenant text NOT NULL, env text NOT NULL, intent text NOT NULL, subject text NOT NULL, provider text NOT NULL,
          service text NOT NULL, ref text, target text NOT NULL, span text NOT NULL, state int NOT NULL, created bigint NOT NULL, started bigint,
          ended bigint, exit_code int, reason text, error text, detail text NOT NULL, cancel boolean NOT NULL, lease_owner text,
          lease_until bigint);
        CREATE INDEX runs_live ON runs(created) WHERE state < 4;
        CREATE INDEX runs_service ON runs(tenant, service) WHERE state < 4;
        CREATE INDEX runs_tenant ON runs(tenant, created);
        """);
}

/// <summary>What delivery keeps: webhooks, what waits for them, the gateways that deliver, tickets of streams. And the webhook key of the ledger, from which the shared secrets are derived.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261121010000_Deliveries")]
internal sealed class Deliveries : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE head ADD COLUMN webhook_key text;
        CREATE TABLE webhooks(
          webhook_id text PRIMARY KEY, tenant text NOT NULL, env text NOT NULL, url text NOT NULL, events text NOT NULL, description text, created bigint NOT NULL,
          generation int NOT NULL, overlap_until bigint, active boolean NOT NULL, cursor bigint NOT NULL, failing_since bigint, version bigint NOT NULL,
          lease_owner text, lease_until bigint) WITH (fillfactor = 50);
        CREATE INDEX webhooks_tenant ON webhooks(tenant);
        CREATE TABLE couriers(owner text PRIMARY KEY, until bigint NOT NULL);
        CREATE TABLE deliveries(
          webhook_id text NOT NULL, seq bigint NOT NULL, event text NOT NULL, subject text NOT NULL, state int NOT NULL, attempts int NOT NULL,
          first_at bigint, next_at bigint NOT NULL, last_at bigint, status int, error text, PRIMARY KEY(webhook_id, seq));
        CREATE INDEX deliveries_state ON deliveries(webhook_id, state, seq);
        CREATE INDEX deliveries_waiting ON deliveries(webhook_id, subject, seq) WHERE state = 0;
        CREATE TABLE tickets(
          hash bytea PRIMARY KEY, tenant text NOT NULL, token_hash bytea NOT NULL, filter text NOT NULL, origin text NOT NULL, first_use_until bigint NOT NULL,
          expires bigint NOT NULL, connection text);
        CREATE INDEX tickets_expires ON tickets(expires);
        """);
}

/// <summary>The history of the gateways' keys, as <see cref="KeyHistory"/> writes it: on a shared ledger it changes for all gateways at one entry.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261121600000_KeyHistories")]
internal sealed class KeyHistories : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE key_history(id int PRIMARY KEY CHECK(id = 1), history text NOT NULL);
        CALL digest_rows('key_history');
        """);
}

/// <summary>Where the last declaration of each MiniContainer is found, however long the log is; in the order of bytes, so that it is the same in every database.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261121700000_AppliedManifests")]
internal sealed class AppliedManifests : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE INDEX entries_applied ON entries(tenant, subject COLLATE "C", idx) WHERE intent = 'minicontainer.applied';
        """);
}

/// <summary>The log's minimum index: entries below it need not be kept.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261121800000_MinimumIndex")]
internal sealed class MinimumIndex : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE head DROP COLUMN digest;
        ALTER TABLE head ADD COLUMN minimum bigint NOT NULL DEFAULT 0;
        CALL digest_rows('head');
        """);
}

/// <summary>Whether a container was asked to stop is asked for every deploy that runs, however much else is done to it.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261122000000_StopsOfContainers")]
internal sealed class StopsOfContainers : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE INDEX runs_stops ON runs(tenant, subject, created) WHERE intent IN ('container.stop', 'container.kill');
        """);
}

/// <summary>A container that was started again since is not stopped any more: starts are found as stops are.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261122100000_StepsOfContainers")]
internal sealed class StepsOfContainers : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP INDEX runs_stops;
        CREATE INDEX runs_steps ON runs(tenant, subject, created) WHERE intent IN ('container.stop', 'container.kill', 'container.start', 'container.restart');
        """);
}

/// <summary>Whatever is done to a container waits for what puts it into a network just then.</summary>
[DbContext(typeof(LedgerContext))]
[Migration("20261122200000_LiveNetworkRuns")]
internal sealed class LiveNetworkRuns : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE INDEX runs_networks ON runs(tenant) WHERE intent LIKE 'network.%' AND state < 4;
        """);
}
