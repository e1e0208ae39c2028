namespace LogLine.Api.Ledger.Sqlite;

/// <summary>What the rooms above ask of the store. All of it sees committed state only.</summary>
public sealed partial class SqliteLedgerStore
{
    private const string StoredColumns = "idx, entry, span, fingerprint, answer, run_id";
    private const string RunColumns =
        "run_id, tenant, env, intent, subject, provider, service, ref, target, span, state, created, started, ended, exit_code, reason, error, detail, cancel, lease_owner, lease_until";

    /// <inheritdoc/>
    public ValueTask<StoredSpan?> FindSpanAsync(string tenant, string name) =>
        IsSurelyNew(name) ? default : ReadAsync(session => session.First($"SELECT {StoredColumns} FROM entries WHERE tenant = $1 AND this = $2", StoredSpan, tenant, name));

    /// <inheritdoc/>
    public ValueTask<StoredSpan?> FindEntryAsync(long index) => ReadAsync(session => session.First($"SELECT {StoredColumns} FROM entries WHERE idx = $1", StoredSpan, index));

    /// <inheritdoc/>
    public ValueTask<(List<StoredSpan> Spans, long Next)> ScanAsync(SpanFilter filter, long from, int limit, int window = 20_000, long maxBytes = ILedgerStore.PageBytes) => ReadAsync(session =>
    {
        var size = session.First("SELECT size FROM head", row => row.GetInt64(0));
        // With an index that the filter leads, the window does not matter: only matches are looked at.
        var end = filter.Subject is null && filter.RunId is null ? Math.Min(size, from + window) : size;
        var sql = $"SELECT {StoredColumns} FROM entries WHERE idx >= $2 AND idx < $3 AND tenant = $1 AND length(entry) > 0"
            + " AND ($4 IS NULL OR subject = $4) AND ($5 IS NULL OR run_id = $5) AND ($6 IS NULL OR substr(intent, 1, $7) = $6) AND ($8 IS NULL OR intent = $8) ORDER BY idx LIMIT $9";
        if (filter.Subject is not null)
        {
            sql = sql.Replace("($4 IS NULL OR subject = $4)", "subject = $4");
        }
        if (filter.RunId is not null)
        {
            sql = sql.Replace("($5 IS NULL OR run_id = $5)", "run_id = $5");
        }
        var (spans, isFull) = Page(session.Each(sql, StoredSpan, filter.Tenant, from, end, filter.Subject, filter.RunId, filter.IntentPrefix, filter.IntentPrefix?.Length, filter.Intent, limit), span => span.Bytes, maxBytes);
        return (spans, isFull || spans.Count == limit ? spans[^1].Index + 1 : Math.Max(from, end));
    });

    /// <summary>Rows until one reaches the limit; what comes behind it is never read.</summary>
    private static (List<T> Rows, bool IsFull) Page<T>(IEnumerable<T> rows, Func<T, long> sizeOf, long maxBytes)
    {
        var page = new List<T>();
        foreach (var row in rows)
        {
            page.Add(row);
            if ((maxBytes -= sizeOf(row)) <= 0)
            {
                return (page, true);
            }
        }
        return (page, false);
    }

    /// <inheritdoc/>
    public ValueTask<BoundKey?> FindKeyBindingAsync(string tenant, string key, DateTimeOffset now) => ReadAsync(session => session.First(
        "SELECT fingerprint, first, items FROM idempotency WHERE tenant = $1 AND key = $2 AND expires > $3",
        row => new BoundKey(row.GetBytes(0), row.GetInt64(1), Text(row, 2)), tenant, key, Milliseconds(now)));

    /// <inheritdoc/>
    public ValueTask<bool> HasNonceAsync(string tenant, string nonce) =>
        IsSurelyFresh(nonce) ? default : ReadAsync(session => session.First(FindNonce, row => true, tenant, nonce));

    /// <inheritdoc/>
    public ValueTask<TokenRow?> FindTokenAsync(byte[] hash) => ReadAsync(session => session.First($"SELECT {TokenColumns} FROM tokens WHERE hash = $1", Token, hash));

    /// <inheritdoc/>
    public ValueTask<TokenRow?> FindTokenAsync(string tenant, string tokenId) =>
        ReadAsync(session => session.First($"SELECT {TokenColumns} FROM tokens WHERE tenant = $1 AND token_id = $2", Token, tenant, tokenId));

    /// <inheritdoc/>
    public ValueTask<List<TokenRow>> TokensAsync(string tenant) =>
        ReadAsync(session => session.All($"SELECT {TokenColumns} FROM tokens WHERE tenant = $1 ORDER BY token_id LIMIT 1000", Token, tenant));

    /// <inheritdoc/>
    public ValueTask<bool> HasTenantAsync(string tenant) => ReadAsync(session => session.First("SELECT 1 FROM tenants WHERE tenant = $1", row => true, tenant));

    /// <inheritdoc/>
    public ValueTask<List<QuotaRow>> QuotasAsync(string tenant) => ReadAsync(session => session.All(
        "SELECT tenant, pattern, rate, burst FROM quotas WHERE tenant = $1 ORDER BY pattern LIMIT 1000", row => new QuotaRow(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3)), tenant));

    /// <inheritdoc/>
    public ValueTask<string?> FindPolicyAsync(string tenant) => ReadAsync(session => session.First("SELECT policy FROM policies WHERE tenant = $1", row => row.GetString(0), tenant));

    /// <inheritdoc/>
    public ValueTask<GrantRow?> FindGrantAsync(string tenant, string grantId) => ReadAsync(session => session.First(
        "SELECT tenant, grant_id, body, revoked_idx IS NOT NULL FROM grants WHERE tenant = $1 AND grant_id = $2",
        row => new GrantRow(row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)), tenant, grantId));

    /// <inheritdoc/>
    public ValueTask<bool> HasTenantsAsync() => ReadAsync(session => session.First("SELECT 1 FROM tenants LIMIT 1", row => true));

    /// <inheritdoc/>
    public ValueTask<KeyRow?> FindKeyAsync(string tenant, string kid) =>
        ReadAsync(session => session.First("SELECT tenant, kid, pub, usage, status, until_idx FROM keys WHERE tenant = $1 AND kid = $2", Key, tenant, kid));

    /// <inheritdoc/>
    public ValueTask<List<KeyRow>> KeysAsync(string tenant) =>
        ReadAsync(session => session.All("SELECT tenant, kid, pub, usage, status, until_idx FROM keys WHERE tenant = $1 ORDER BY kid LIMIT 1000", Key, tenant));

    /// <inheritdoc/>
    public ValueTask<byte[]?> FindManifestAsync(string tenant, string name, string hash) => ReadAsync(session => session.First(
        "SELECT manifest FROM manifests WHERE tenant = $1 AND name = $2 AND hash = $3", row => row.GetBytes(0), tenant, name, hash));

    /// <inheritdoc/>
    public ValueTask<long?> FindManifestIndexAsync(string tenant, string name, string hash) => ReadAsync(session => session.First<long?>(
        "SELECT idx FROM manifests WHERE tenant = $1 AND name = $2 AND hash = $3", row => row.GetInt64(0), tenant, name, hash));

    /// <inheritdoc/>
    public ValueTask<List<StoredSpan>> LastAppliedAsync(string tenant, string after, int limit) => ReadAsync(session => session.All(
        $"""
        WITH RECURSIVE names(subject) AS (
          SELECT (SELECT subject FROM entries INDEXED BY entries_applied WHERE tenant = $1 AND intent = 'minicontainer.applied' AND subject > $2 ORDER BY subject LIMIT 1)
          UNION ALL
          SELECT (SELECT subject FROM entries INDEXED BY entries_applied WHERE tenant = $1 AND intent = 'minicontainer.applied' AND subject > names.subject ORDER BY subject LIMIT 1)
          FROM names WHERE names.subject IS NOT NULL LIMIT $3)
        SELECT {StoredColumns} FROM names CROSS JOIN entries ON idx = (
          SELECT max(idx) FROM entries INDEXED BY entries_applied WHERE tenant = $1 AND intent = 'minicontainer.applied' AND subject = names.subject)
        ORDER BY names.subject
        """, StoredSpan, tenant, after, limit));

    /// <inheritdoc/>
    public ValueTask<List<LiveRuns>> LiveRunsAsync() => ReadAsync(session => session.All(
        "SELECT state, count(*), min(CASE WHEN lease_owner IS NULL THEN created END), min(lease_until) FROM runs WHERE state < 4 GROUP BY state",
        row => new LiveRuns((RunState)row.GetInt32(0), row.GetInt64(1), Time(row, 2), Time(row, 3))));

    /// <inheritdoc/>
    public ValueTask<RunRow?> FindRunAsync(string runId) => ReadAsync(session => session.First($"SELECT {RunColumns} FROM runs WHERE run_id = $1", Run, runId));

    /// <inheritdoc/>
    public ValueTask<List<RunRow>> RunsAsync(string tenant, string? subject, int limit, RunRow? before = null, long maxBytes = long.MaxValue) => ReadAsync(session => Page(session.Each(
        $"SELECT {RunColumns} FROM runs WHERE tenant = $1 AND ($2 IS NULL OR subject = $2) AND ($4 IS NULL OR created < $4 OR (created = $4 AND run_id > $5)) ORDER BY created DESC, run_id LIMIT $3",
        Run, tenant, subject, limit, Milliseconds(before?.CreatedAt), before?.RunId), run => run.DetailBytes, maxBytes).Rows);

    /// <inheritdoc/>
    public ValueTask<bool> WasStoppedAsync(string tenant, string subject, string provider, DateTimeOffset since) => ReadAsync(session => session.First(
        "SELECT intent IN ('container.stop', 'container.kill') FROM runs WHERE tenant = $1 AND subject = $2 AND created >= $3 AND intent IN ('container.stop', 'container.kill', 'container.start', 'container.restart') AND provider = $4 AND state NOT IN ($5, $6)"
        + $" AND (intent <> 'container.kill' OR coalesce(json_extract(detail, '$.order.arguments.signal'), 'KILL') IN ({ILedgerStore.EndingSignals})) ORDER BY created DESC LIMIT 1",
        row => row.GetBoolean(0), tenant, subject, since.ToUnixTimeMilliseconds(), provider, (int)RunState.Failed, (int)RunState.Cancelled));

    /// <inheritdoc/>
    public ValueTask<bool> HasProofAsync(string tenant, string hash) => ReadAsync(session => session.First("SELECT 1 FROM proofs WHERE tenant = $1 AND hash = $2", row => true, tenant, hash));

    private static StoredSpan StoredSpan(SqliteRow row) => new(
        row.GetInt64(0), row.GetBytes(1), row.IsDBNull(2) ? [] : row.GetBytes(2), 
        row.IsDBNull(3) ? null : row.GetBytes(3), row.IsDBNull(4) ? null : row.GetBytes(4), Text(row, 5));

    private const string TokenColumns = "token_id, tenant, hash, scopes, env, expires, revoked";

    private static TokenRow Token(SqliteRow row) =>
        new(row.GetString(0), row.GetString(1), row.GetBytes(2), row.GetString(3).Split(' '), row.GetString(4), Time(row, 5), Time(row, 6));

    private static KeyRow Key(SqliteRow row) => new(
        row.GetString(0), row.GetString(1), row.GetBytes(2), row.GetString(3).Split(' '), (KeyStatus)row.GetInt32(4), row.IsDBNull(5) ? null : row.GetInt64(5));

    private static RunRow Run(SqliteRow row) => new()
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
        CancelRequested = row.GetInt64(18) == 1,
        LeaseOwner = Text(row, 19),
        LeaseUntil = Time(row, 20),
    };

    private static string? Text(SqliteRow row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(SqliteRow row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
