using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>What the rooms above ask of the store. All of it sees committed state only.</summary>
public sealed partial class PostgresLedgerStore
{
    private const string StoredColumns = "idx, entry, span, fingerprint, answer, run_id";
    private const string RunColumns =
        "run_id, tenant, env, intent, subject, provider, service, ref, target, span, state, created, started, ended, exit_code, reason, error, detail, cancel, lease_owner, lease_until";

    // What every span asks, together with all that ask at the same time.
    private readonly PostgresLookup<StoredSpan> _spans;
    private readonly PostgresLookup<KeyUntil> _keys;
    private readonly PostgresLookup<bool> _nonces;

    private readonly LatestNames _latest = new();

    private sealed record KeyUntil(BoundKey Bound, DateTimeOffset Expires);

    private PostgresLookup<TRow> Lookup<TRow>(string columns, string table, string name, Func<NpgsqlDataReader, TRow> read)
    {
        var sql = $"SELECT asked.tenant, asked.name, {columns} FROM unnest($1, $2) AS asked(tenant, name) JOIN {table} AS t ON t.tenant = asked.tenant AND t.{name} = asked.name";
        return new PostgresLookup<TRow>((tenants, names) => AllAsync(sql, row => (row.GetString(0), row.GetString(1), read(row)), tenants, names));
    }

    /// <inheritdoc/>
    public ValueTask<StoredSpan?> FindSpanAsync(string tenant, string name) => new(_spans.FindAsync(tenant, name));

    /// <inheritdoc/>
    public bool MayHaveWritten(string name) => _latest.MayHold(name);

    /// <inheritdoc/>
    public ValueTask<StoredSpan?> FindEntryAsync(long index) => FirstAsync($"SELECT {StoredColumns} FROM entries WHERE idx = $1", StoredSpan, index);

    /// <inheritdoc/>
    public async ValueTask<(List<StoredSpan> Spans, long Next)> ScanAsync(SpanFilter filter, long from, int limit, int window = 20_000, long maxBytes = ILedgerStore.PageBytes)
    {
        var size = await FirstAsync("SELECT size FROM head", row => row.GetInt64(0));
        // With an index that the filter leads, the window does not matter: only matches are looked at.
        var end = filter.Subject is null && filter.RunId is null ? Math.Min(size, from + window) : size;
        // The sizes are added up where the rows are, so that what is too much for a page is not sent.
        var sql = $"SELECT {StoredColumns} FROM (SELECT *, sum(octet_length(entry) + coalesce(octet_length(span), 0) + coalesce(octet_length(answer), 0)) OVER (ORDER BY idx ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead"
            + " FROM entries WHERE idx >= $2 AND idx < $3 AND tenant = $1 AND length(entry) > 0"
            + (filter.Subject is null ? " AND $4::text IS NULL" : " AND subject = $4") + (filter.RunId is null ? " AND $5::text IS NULL" : " AND run_id = $5")
            + " AND ($6::text IS NULL OR starts_with(intent, $6)) AND ($7::text IS NULL OR intent = $7) ORDER BY idx LIMIT $8) page WHERE ahead IS NULL OR ahead < $9 ORDER BY idx";
        var spans = await AllAsync(sql, StoredSpan, filter.Tenant, from, end, filter.Subject, filter.RunId, filter.IntentPrefix, filter.Intent, limit, maxBytes);
        return (spans, spans.Count == limit || spans.Sum(span => span.Bytes) >= maxBytes ? spans[^1].Index + 1 : Math.Max(from, end));
    }

    /// <inheritdoc/>
    public async ValueTask<BoundKey?> FindKeyBindingAsync(string tenant, string key, DateTimeOffset now) => await _keys.FindAsync(tenant, key) is var (bound, expires) && expires > now ? bound : null;

    /// <inheritdoc/>
    public ValueTask<bool> HasNonceAsync(string tenant, string nonce) => new(_nonces.FindAsync(tenant, nonce));

    /// <inheritdoc/>
    public ValueTask<TokenRow?> FindTokenAsync(byte[] hash) => FirstAsync($"SELECT {TokenColumns} FROM tokens WHERE hash = $1", Token, hash);

    /// <inheritdoc/>
    public ValueTask<TokenRow?> FindTokenAsync(string tenant, string tokenId) =>
        FirstAsync($"SELECT {TokenColumns} FROM tokens WHERE tenant = $1 AND token_id = $2", Token, tenant, tokenId);

    /// <inheritdoc/>
    public ValueTask<List<TokenRow>> TokensAsync(string tenant) =>
        AllAsync($"SELECT {TokenColumns} FROM tokens WHERE tenant = $1 ORDER BY token_id LIMIT 1000", Token, tenant);

    /// <inheritdoc/>
    public ValueTask<bool> HasTenantAsync(string tenant) => FirstAsync("SELECT 1 FROM tenants WHERE tenant = $1", row => true, tenant);

    /// <inheritdoc/>
    public ValueTask<List<QuotaRow>> QuotasAsync(string tenant) => AllAsync(
        "SELECT tenant, pattern, rate, burst FROM quotas WHERE tenant = $1 ORDER BY pattern LIMIT 1000", row => new QuotaRow(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3)), tenant);

    /// <inheritdoc/>
    public ValueTask<string?> FindPolicyAsync(string tenant) => FirstAsync("SELECT policy FROM policies WHERE tenant = $1", row => row.GetString(0), tenant);

    /// <inheritdoc/>
    public ValueTask<GrantRow?> FindGrantAsync(string tenant, string grantId) => FirstAsync(
        "SELECT tenant, grant_id, body, revoked_idx IS NOT NULL FROM grants WHERE tenant = $1 AND grant_id = $2",
        row => new GrantRow(row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)), tenant, grantId);

    /// <inheritdoc/>
    public ValueTask<bool> HasTenantsAsync() => FirstAsync("SELECT 1 FROM tenants LIMIT 1", row => true);

    /// <inheritdoc/>
    public ValueTask<KeyRow?> FindKeyAsync(string tenant, string kid) =>
        FirstAsync("SELECT tenant, kid, pub, usage, status, until_idx FROM keys WHERE tenant = $1 AND kid = $2", Key, tenant, kid);

    /// <inheritdoc/>
    public ValueTask<List<KeyRow>> KeysAsync(string tenant) =>
        AllAsync("SELECT tenant, kid, pub, usage, status, until_idx FROM keys WHERE tenant = $1 ORDER BY kid LIMIT 1000", Key, tenant);

    /// <inheritdoc/>
    public ValueTask<byte[]?> FindManifestAsync(string tenant, string name, string hash) => FirstAsync(
        "SELECT manifest FROM manifests WHERE tenant = $1 AND name = $2 AND hash = $3", row => Bytes(row, 0), tenant, name, hash);

    /// <inheritdoc/>
    public ValueTask<long?> FindManifestIndexAsync(string tenant, string name, string hash) => FirstAsync(
        "SELECT idx FROM manifests WHERE tenant = $1 AND name = $2 AND hash = $3", row => (long?)row.GetInt64(0), tenant, name, hash);

    /// <inheritdoc/>
    public ValueTask<List<StoredSpan>> LastAppliedAsync(string tenant, string after, int limit) => AllAsync(
        $"""
        WITH RECURSIVE names(subject) AS (
          SELECT (SELECT subject FROM entries WHERE tenant = $1 AND intent = 'minicontainer.applied' AND subject COLLATE "C" > $2 ORDER BY subject COLLATE "C" LIMIT 1)
          UNION ALL
          SELECT (SELECT subject FROM entries WHERE tenant = $1 AND intent = 'minicontainer.applied' AND subject COLLATE "C" > names.subject ORDER BY subject COLLATE "C" LIMIT 1)
          FROM names WHERE names.subject IS NOT NULL)
        SELECT {StoredColumns} FROM (SELECT subject AS name FROM names WHERE subject IS NOT NULL LIMIT $3) page
        CROSS JOIN LATERAL (
          SELECT * FROM entries WHERE tenant = $1 AND intent = 'minicontainer.applied' AND subject COLLATE "C" = page.name ORDER BY subject COLLATE "C", idx DESC LIMIT 1) last
        ORDER BY name COLLATE "C"
        """, StoredSpan, tenant, after, limit);

    /// <inheritdoc/>
    public ValueTask<List<ProofRow>> LiveProofsAsync(string tenant, string subject, string intent, DateTimeOffset now) => AllAsync(
        """
        SELECT this, tenant, intent, allow, subject, hash, env, ref, target, plan_digest, exp FROM proofs
        WHERE tenant = $1 AND subject = $2 AND intent = $3 AND used_idx IS NULL AND cancelled_idx IS NULL AND allow AND exp > $4 ORDER BY exp, idx LIMIT 1000
        """,
        row => new ProofRow
        {
            This = row.GetString(0),
            Tenant = row.GetString(1),
            Intent = row.GetString(2),
            Allow = row.GetBoolean(3),
            Subject = row.GetString(4),
            Hash = row.GetString(5),
            Env = Text(row, 6),
            Ref = Text(row, 7),
            Target = Text(row, 8),
            PlanDigest = Text(row, 9),
            Exp = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(10)),
        }, tenant, subject, intent, now);

    /// <inheritdoc/>
    public ValueTask<List<LiveRuns>> LiveRunsAsync() => AllAsync(
        "SELECT state, count(*), min(CASE WHEN lease_owner IS NULL THEN created END), min(lease_until) FROM runs WHERE state < 4 GROUP BY state",
        row => new LiveRuns((RunState)row.GetInt32(0), row.GetInt64(1), Time(row, 2), Time(row, 3)));

    /// <inheritdoc/>
    public ValueTask<RunRow?> FindRunAsync(string runId) => FirstAsync($"SELECT {RunColumns} FROM runs WHERE run_id = $1", Run, runId);

    /// <inheritdoc/>
    public ValueTask<List<RunRow>> RunsAsync(string tenant, string? subject, int limit, RunRow? before = null, long maxBytes = long.MaxValue) => AllAsync(
        $"SELECT {RunColumns} FROM (SELECT *, sum(octet_length(detail)) OVER (ORDER BY created DESC, run_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead"
        + " FROM runs WHERE tenant = $1 AND ($2::text IS NULL OR subject = $2) AND ($4::bigint IS NULL OR created < $4 OR (created = $4 AND run_id > $5)) ORDER BY created DESC, run_id LIMIT $3) page"
        + " WHERE ahead IS NULL OR ahead < $6 ORDER BY created DESC, run_id", Run, tenant, subject, limit, before?.CreatedAt, before?.RunId ?? "", maxBytes);

    /// <inheritdoc/>
    public ValueTask<bool> WasStoppedAsync(string tenant, string subject, string provider, DateTimeOffset since) => FirstAsync(
        "SELECT intent IN ('container.stop', 'container.kill') FROM runs WHERE tenant = $1 AND subject = $2 AND created >= $3 AND intent IN ('container.stop', 'container.kill', 'container.start', 'container.restart') AND provider = $4 AND state NOT IN ($5, $6)"
        // A NUL, which any other fact may hold, is no JSON that PostgreSQL looks into.
        + $" AND (intent <> 'container.kill' OR coalesce(replace(detail, '\\u0000', '\\ufffd')::json #>> '{{order,arguments,signal}}', 'KILL') IN ({ILedgerStore.EndingSignals})) ORDER BY created DESC LIMIT 1",
        row => row.GetBoolean(0), tenant, subject, since, provider, (int)RunState.Failed, (int)RunState.Cancelled);

    /// <inheritdoc/>
    public ValueTask<bool> HasProofAsync(string tenant, string hash) => FirstAsync("SELECT 1 FROM proofs WHERE tenant = $1 AND hash = $2", row => true, tenant, hash);

    /// <inheritdoc/>
    public ValueTask<List<RunRow>> LiveRunsAsync(string tenant, string service) =>
        AllAsync($"SELECT {RunColumns} FROM runs WHERE tenant = $1 AND service = $2 AND state < 4 LIMIT 100", Run, tenant, service);

    /// <inheritdoc/>
    public ValueTask<List<RunRow>> LiveNetworkRunsAsync(string tenant) =>
        AllAsync($"SELECT {RunColumns} FROM runs WHERE tenant = $1 AND intent LIKE 'network.%' AND state < 4 LIMIT 1000", Run, tenant);

    private static StoredSpan StoredSpan(NpgsqlDataReader row) => StoredSpan(row, 0);

    private static StoredSpan StoredSpan(NpgsqlDataReader row, int from) => new(
        row.GetInt64(from), Bytes(row, from + 1), row.IsDBNull(from + 2) ? [] : Bytes(row, from + 2),
        row.IsDBNull(from + 3) ? null : Bytes(row, from + 3), row.IsDBNull(from + 4) ? null : Bytes(row, from + 4), Text(row, from + 5));

    private const string TokenColumns = "token_id, tenant, hash, scopes, env, expires, revoked";

    private static TokenRow Token(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), Bytes(row, 2), row.GetString(3).Split(' '), row.GetString(4), Time(row, 5), Time(row, 6));

    private static KeyRow Key(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), Bytes(row, 2), row.GetString(3).Split(' '), (KeyStatus)row.GetInt32(4), row.IsDBNull(5) ? null : row.GetInt64(5));

    private static RunRow Run(NpgsqlDataReader row) => new()
    {
        RunId = row.GetString(0),
        Tenant = row.GetString(1),
        Env = row.GetString(2),
        Intent = row.GetString(3),
        Subject = row.GetString(4),
        Provider = row.GetString(5),
        Service = row.GetString(6),
        Ref = Text(row, 7),
        Target = row.GetString(8),
        Span = row.GetString(9),
        State = (RunState)row.GetInt32(10),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(11)),
        StartedAt = Time(row, 12),
        EndedAt = Time(row, 13),
        ExitCode = row.IsDBNull(14) ? null : row.GetInt32(14),
        Reason = Text(row, 15),
        Error = Text(row, 16),
        Detail = row.GetString(17),
        CancelRequested = row.GetBoolean(18),
        LeaseOwner = Text(row, 19),
        LeaseUntil = Time(row, 20),
    };

    private static byte[] Bytes(NpgsqlDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
