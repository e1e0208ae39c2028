namespace LogLine.Api.Ledger.Sqlite;

/// <summary>What is written beside the log: leases, answers after a wait, the first tenant, and what is forgotten.</summary>
public sealed partial class SqliteLedgerStore
{
    /// <inheritdoc/>
    public async ValueTask ForgetAsync(DateTimeOffset noncesUntil, DateTimeOffset now) => await WriteAsync(() => Forget(noncesUntil, now, 1000));

    private int Forget(DateTimeOffset noncesUntil, DateTimeOffset now, int most)
    {
        var nonces = _writer.Execute(
            "DELETE FROM nonces WHERE (minute, tenant, nonce) IN (SELECT minute, tenant, nonce FROM nonces WHERE minute < $1 LIMIT $2)", Minute(noncesUntil), most);
        if (nonces > 0)
        {
            _nonces.Forget(_writer.First("SELECT min(minute) FROM nonces", row => row.IsDBNull(0) ? long.MaxValue : row.GetInt64(0)));
        }
        return nonces + _writer.Execute(
            "DELETE FROM idempotency WHERE (tenant, key) IN (SELECT tenant, key FROM idempotency WHERE expires < $1 LIMIT $2)", Milliseconds(now), most);
    }

    /// <inheritdoc/>
    public async ValueTask UpdateAnswerAsync(long index, byte[] answer) =>
        await WriteAsync(() => _writer.Execute("UPDATE entries SET answer = $2 WHERE idx = $1", index, answer));

    /// <inheritdoc/>
    public ValueTask<bool> TryInsertFirstTenantAsync(TenantRow tenant, TokenRow token) => WriteAsync(() =>
    {
        if (_writer.First("SELECT 1 FROM tenants LIMIT 1", row => true))
        {
            return false;
        }
        InsertTenant(tenant);
        InsertToken(token);
        return true;
    });

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunRow>> LeaseRunsAsync(string worker, int limit, DateTimeOffset until, DateTimeOffset now)
    {
        // Mostly there is none, and then nothing is to be written.
        var free = Read(session => session.All(
            $"SELECT {RunColumns} FROM runs WHERE state < 4 AND (lease_owner IS NULL OR lease_until < $1) ORDER BY created LIMIT $2", Run, Milliseconds(now), limit));
        return free.Count == 0 ? free : await WriteAsync(() => free.Where(run => Lease(run.RunId, worker, until, now)).ToList());
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> RenewLeasesAsync(string worker, IReadOnlyCollection<string> runs, DateTimeOffset until, DateTimeOffset now) =>
        runs.Count == 0 ? [] : await WriteAsync(() => runs.Where(run => Lease(run, worker, until, now)).ToList());

    /// <inheritdoc/>
    public async ValueTask ReleaseLeasesAsync(string workerPrefix) => await WriteAsync(() => _writer.Execute(
        "UPDATE runs SET lease_owner = NULL, lease_until = NULL WHERE state < 4 AND substr(lease_owner, 1, $2) = $1", workerPrefix, workerPrefix.Length));

    private bool Lease(string runId, string worker, DateTimeOffset until, DateTimeOffset now) => _writer.Execute(
        "UPDATE runs SET lease_owner = $2, lease_until = $3 WHERE run_id = $1 AND state < 4 AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until < $4)",
        runId, worker, Milliseconds(until), Milliseconds(now)) == 1;
}
