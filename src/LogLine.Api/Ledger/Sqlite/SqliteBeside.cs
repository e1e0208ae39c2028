namespace LogLine.Api.Ledger.Sqlite;

/// <summary>What is written beside the log: leases, answers after a wait, the first tenant, and what is forgotten.</summary>
public sealed partial class SqliteLedgerStore
{
    /// <summary>Up to when nonces and keys are over, as it was said last; the batches that follow go on with it.</summary>
    private (DateTimeOffset Nonces, DateTimeOffset Keys) _over = (DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);

    /// <inheritdoc/>
    public async ValueTask ForgetAsync(DateTimeOffset noncesUntil, DateTimeOffset now)
    {
        await WriteAsync(() =>
        {
            _over = (noncesUntil, now);
            return ForgetSome(1000);
        });
        await _turn.WaitAsync();
        try
        {
            RemoveTraces();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>True while the write-ahead log may still hold content that was erased.</summary>
    private volatile bool _leavesTraces;

    /// <summary>
    /// Empties the write-ahead log after content was erased: in the database itself it was overwritten (<c>secure_delete</c>). A reader that is in the middle of something
    /// keeps it for now; then the next batch, or the minute's cleaning, tries again.
    /// </summary>
    private void RemoveTraces()
    {
        if (_leavesTraces && _writer.First("PRAGMA wal_checkpoint(TRUNCATE)", row => row.GetInt32(0) == 0))
        {
            _leavesTraces = false;
        }
    }

    private int ForgetSome(int most)
    {
        var nonces = _writer.Execute(
            "DELETE FROM nonces WHERE (minute, tenant, nonce) IN (SELECT minute, tenant, nonce FROM nonces WHERE minute < $1 LIMIT $2)", Minute(_over.Nonces), most);
        if (nonces > 0)
        {
            _nonces.Forget(_writer.First("SELECT min(minute) FROM nonces", row => row.IsDBNull(0) ? long.MaxValue : row.GetInt64(0)));
        }
        return nonces + _writer.Execute(
            "DELETE FROM idempotency WHERE (tenant, key) IN (SELECT tenant, key FROM idempotency WHERE expires < $1 LIMIT $2)", Milliseconds(_over.Keys), most);
    }

    /// <inheritdoc/>
    public async ValueTask UpdateAnswerAsync(long index, byte[] answer) =>
        await WriteAsync(
            () =>
            {
                KeepAnswer(index, answer);
                return true;
            },
            durable: false);

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
    public async ValueTask<IReadOnlyList<RunRow>> LeaseRunsAsync(string worker, LeaseReach reach, int limit, DateTimeOffset until, DateTimeOffset now)
    {
        // Mostly there is none, and then nothing is to be written.
        var free = Read(session => session.All(
            $"""
            SELECT {RunColumns} FROM runs WHERE state < 4 AND (lease_owner IS NULL OR (lease_until < $1 AND ($5 IS NULL OR lease_owner = $5))) AND ($3 IS NULL OR instr($3, ' ' || provider || ' ') > 0) AND ($4 IS NULL OR tenant = $4)
            ORDER BY created LIMIT $2
            """, Run, Milliseconds(now), limit, reach.Providers is { } providers ? $" {string.Join(' ', providers)} " : null, reach.Tenant, reach.TakesOver ? null : worker));
        // Whoever gets one says so on the ledger before it does anything, and that commit keeps the lease as well.
        return free.Count == 0 ? free : await LeaseAsync(() => free.Where(run => Lease(run.RunId, worker, until, now)).ToList(), durable: false);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> RenewLeasesAsync(string worker, IReadOnlyCollection<string> runs, DateTimeOffset until, DateTimeOffset now) =>
        runs.Count == 0 ? [] : await LeaseAsync(() => runs.Where(run => Lease(run, worker, until, now)).ToList());

    /// <inheritdoc/>
    public async ValueTask ReleaseLeasesAsync(string workerPrefix) => await LeaseAsync(() => _writer.Execute(
        "UPDATE runs SET lease_owner = NULL, lease_until = NULL WHERE state < 4 AND substr(lease_owner, 1, $2) = $1", workerPrefix, workerPrefix.Length));

    /// <summary>Leases are in the rows of runs, of which copies are kept.</summary>
    private async ValueTask<T> LeaseAsync<T>(Func<T> lease, bool durable = true)
    {
        try
        {
            return await WriteAsync(lease, durable);
        }
        finally
        {
            _liveRuns.Clear();
        }
    }

    private bool Lease(string runId, string worker, DateTimeOffset until, DateTimeOffset now) => _writer.Execute(
        "UPDATE runs SET lease_owner = $2, lease_until = $3 WHERE run_id = $1 AND state < 4 AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until < $4)",
        runId, worker, Milliseconds(until), Milliseconds(now)) == 1;
}
