using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>What is written beside the log, without its head: leases, answers after a wait, the first tenant, and what is forgotten.</summary>
public sealed partial class PostgresLedgerStore
{
    // Leases are counted by the database's clock: several gateways have several.
    internal const string DatabaseNow = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

    /// <inheritdoc/>
    public async ValueTask ForgetAsync(DateTimeOffset noncesUntil, DateTimeOffset now)
    {
        // All of it: what is left would pile up. Nobody waits for this.
        await ExecuteAsync("DELETE FROM nonces WHERE until < $1", noncesUntil);
        await ExecuteAsync("DELETE FROM idempotency WHERE expires < $1", now);
    }

    /// <inheritdoc/>
    public async ValueTask UpdateAnswerAsync(long index, byte[] answer) => await ExecuteAsync("UPDATE entries SET answer = $2 WHERE idx = $1", index, answer);

    /// <inheritdoc/>
    public async ValueTask<bool> TryInsertFirstTenantAsync(TenantRow tenant, TokenRow token)
    {
        // Two gateways that begin at once: the head decides who is first.
        try
        {
            await using var connection = await _readers.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT 1 FROM head FOR UPDATE"));
            batch.BatchCommands.Add(new PostgresStatement("INSERT INTO tenants SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM tenants)", null, tenant.Tenant, tenant.CreatedAt).ForBatch());
            await batch.ExecuteNonQueryAsync();
            if (batch.BatchCommands[1].Rows == 0)
            {
                return false;
            }
            await using var insert = new NpgsqlBatch(connection, transaction) { BatchCommands = { PostgresEffects.Insert(token).ForBatch() } };
            await insert.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
            return true;
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunRow>> LeaseRunsAsync(string worker, LeaseReach reach, int limit, DateTimeOffset until, DateTimeOffset now) => await LeaseAsync(
        $"""
        UPDATE runs SET lease_owner = $1, lease_until = {DatabaseNow} + $2 WHERE run_id IN (
          SELECT run_id FROM runs WHERE state < 4 AND (lease_owner IS NULL OR (lease_until < {DatabaseNow} AND ($6 OR lease_owner = $1))) AND ($4::text[] IS NULL OR provider = ANY($4)) AND ($5::text IS NULL OR tenant = $5) ORDER BY created LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING {RunColumns}
        """,
        Run, worker, (long)(until - now).TotalMilliseconds, limit, reach.Providers?.ToArray(), reach.Tenant, reach.TakesOver);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> RenewLeasesAsync(string worker, IReadOnlyCollection<string> runs, DateTimeOffset until, DateTimeOffset now) => runs.Count == 0 ? [] : await LeaseAsync(
        $"""
        UPDATE runs SET lease_owner = $1, lease_until = {DatabaseNow} + $2
        WHERE run_id = ANY($3) AND state < 4 AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until < {DatabaseNow}) RETURNING run_id
        """,
        row => row.GetString(0), worker, (long)(until - now).TotalMilliseconds, runs.ToArray());

    /// <summary>
    /// Runs a statement that leases several rows. The writer may hold some of them and wait for others; then it is this one that lets go and asks again, so that no batch
    /// is given up because of a circle.
    /// </summary>
    private async ValueTask<List<T>> LeaseAsync<T>(string sql, Func<NpgsqlDataReader, T> read, params PostgresParameter[] parameters)
    {
        const int Tries = 5;
        for (var left = Tries; ; left--)
        {
            try
            {
                await using var connection = await _readers.OpenConnectionAsync();
                await using var transaction = await connection.BeginTransactionAsync();
                await using var batch = new NpgsqlBatch(connection, transaction)
                {
                    BatchCommands = { new NpgsqlBatchCommand("SET LOCAL lock_timeout = '200ms'"), new PostgresStatement(sql, null, parameters).ForBatch() },
                };
                var rows = new List<T>();
                await using (var reader = await batch.ExecuteReaderAsync())
                {
                    while (await reader.ReadAsync())
                    {
                        rows.Add(read(reader));
                    }
                }
                await transaction.CommitAsync();
                return rows;
            }
            catch (PostgresException defect) when (defect.SqlState == PostgresErrorCodes.LockNotAvailable && left > 1)
            {
                // Asked again at once: what held the row is a commit, which takes milliseconds.
            }
            catch (NpgsqlException defect)
            {
                throw new PostgresStoreException(defect);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask ReleaseLeasesAsync(string workerPrefix) =>
        await ExecuteAsync("UPDATE runs SET lease_owner = NULL, lease_until = NULL WHERE state < 4 AND starts_with(lease_owner, $1)", workerPrefix);
}
