using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>What is below the minimum index is taken away, while gateways go on.</summary>
public sealed partial class PostgresLedgerStore
{
    // The first that is found is said; each has an index, or is about few rows.
    private static readonly (string Sql, string Why)[] StandingOn =
    [
        ("SELECT min(first) FROM idempotency WHERE expires > $1 AND first >= 0", "an Idempotency-Key that has not expired stands for entry {0}"),
        ("SELECT min(idx) FROM proofs WHERE used_idx IS NULL AND cancelled_idx IS NULL AND allow AND exp > $1", "entry {0} is a proof that can still be used"),
        ("SELECT min(seq) - 1 FROM deliveries WHERE state = 0 AND $1 > 0", "entry {0} waits to be delivered to a webhook"),
        ("SELECT min(cursor) FROM webhooks WHERE active AND $1 > 0", "a webhook has not been given what comes from entry {0} on"),
    ];

    /// <inheritdoc/>
    public async ValueTask<PruningLimit> ReadPruningLimitAsync(DateTimeOffset now)
    {
        var limit = PruningLimit.OfSize((await ReadHeadAsync()).Size);
        foreach (var (sql, why) in StandingOn)
        {
            limit = limit.Or(await FirstAsync(sql, row => row.IsDBNull(0) ? (long?)null : row.GetInt64(0), now.ToUnixTimeMilliseconds()), why);
        }
        return limit;
    }

    /// <inheritdoc/>
    public async ValueTask<long> ReadFirstKeptAsync(long from) =>
        await FirstAsync("SELECT idx FROM entries WHERE idx >= $1 AND length(entry) > 0 ORDER BY idx LIMIT 1", row => (long?)row.GetInt64(0), from) ?? (await ReadHeadAsync()).Size;

    /// <inheritdoc/>
    public ValueTask<(long Going, long Staying)> CountPrunableAsync(long from, long to) => FirstAsync(
        $"SELECT count(*) FILTER (WHERE {PruningRules.Goes}), count(*) FROM entries WHERE idx >= $1 AND idx < $2 AND length(entry) > 0",
        row => (row.GetInt64(0), row.GetInt64(1) - row.GetInt64(0)), from, to);

    /// <inheritdoc/>
    public async ValueTask<long> PruneAsync(long from, long to)
    {
        await ExecuteAsync("DELETE FROM deliveries WHERE webhook_id IN (SELECT webhook_id FROM webhooks) AND seq > $1 AND seq <= $2", from, to);
        return await ExecuteAsync($"UPDATE entries SET entry = '', span = NULL, intent = '', subject = '', answer = NULL WHERE idx >= $1 AND idx < $2 AND {PruningRules.Goes}", from, to);
    }

    /// <inheritdoc/>
    public async ValueTask CompactAsync()
    {
        try
        {
            await using var connection = await _readers.OpenConnectionAsync();
            await using var vacuum = new NpgsqlCommand("VACUUM (ANALYZE) entries, deliveries", connection) { CommandTimeout = 0 };
            await vacuum.ExecuteNonQueryAsync();
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }
}
