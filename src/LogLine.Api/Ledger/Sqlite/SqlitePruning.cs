namespace LogLine.Api.Ledger.Sqlite;

/// <summary>What is below the minimum index is taken away, and the file made smaller.</summary>
public sealed partial class SqliteLedgerStore
{
    // The first that is found is said; each has an index, or is about few rows.
    private static readonly (string Sql, string Why)[] StandingOn =
    [
        ("SELECT min(first) FROM idempotency WHERE expires > $1 AND first >= 0", "an Idempotency-Key that has not expired stands for entry {0}"),
        ("SELECT min(idx) FROM proofs WHERE used_idx IS NULL AND cancelled_idx IS NULL AND allow = 1 AND exp > $1", "entry {0} is a proof that can still be used"),
        ("SELECT min(seq) - 1 FROM deliveries WHERE state = 0 AND $1 > 0", "entry {0} waits to be delivered to a webhook"),
        ("SELECT min(cursor) FROM webhooks WHERE active = 1 AND $1 > 0", "a webhook has not been given what comes from entry {0} on"),
    ];

    /// <inheritdoc/>
    public ValueTask<PruningLimit> ReadPruningLimitAsync(DateTimeOffset now) => ReadAsync(session =>
    {
        var limit = session.First("SELECT size FROM head", row => PruningLimit.OfSize(row.GetInt64(0)))!;
        foreach (var (sql, why) in StandingOn)
        {
            limit = limit.Or(session.First(sql, row => row.IsDBNull(0) ? (long?)null : row.GetInt64(0), Milliseconds(now)), why);
        }
        return limit;
    });

    /// <inheritdoc/>
    public ValueTask<long> ReadFirstKeptAsync(long from) => ReadAsync(session => session.First<long?>(
        "SELECT idx FROM entries WHERE idx >= $1 AND length(entry) > 0 ORDER BY idx LIMIT 1", row => row.GetInt64(0), from) ?? session.First("SELECT size FROM head", row => row.GetInt64(0)));

    /// <inheritdoc/>
    public ValueTask<(long Going, long Staying)> CountPrunableAsync(long from, long to) => ReadAsync(session =>
    {
        var going = session.First($"SELECT count(*) FROM entries WHERE idx >= $1 AND idx < $2 AND {PruningRules.Goes}", row => row.GetInt64(0), from, to);
        return (going, session.First("SELECT count(*) FROM entries WHERE idx >= $1 AND idx < $2 AND length(entry) > 0", row => row.GetInt64(0), from, to) - going);
    });

    /// <inheritdoc/>
    public ValueTask<long> PruneAsync(long from, long to) => WriteAsync(() =>
    {
        _leavesTraces = true;
        _writer.Execute("DELETE FROM deliveries WHERE webhook_id IN (SELECT webhook_id FROM webhooks) AND seq > $1 AND seq <= $2", from, to);
        return (long)_writer.Execute(
            $"UPDATE entries SET entry = x'', span = NULL, intent = '', subject = '', answer = NULL WHERE idx >= $1 AND idx < $2 AND {PruningRules.Goes}", from, to);
    });

    /// <inheritdoc/>
    public async ValueTask CompactAsync()
    {
        await _turn.WaitAsync();
        try
        {
            try
            {
                _writer.Script("PRAGMA temp_store = FILE; VACUUM"); // the file that it writes first is as large as what is kept
                RemoveTraces();
            }
            finally
            {
                _writer.Script("PRAGMA temp_store = MEMORY");
            }
        }
        finally
        {
            _turn.Release();
        }
    }
}
