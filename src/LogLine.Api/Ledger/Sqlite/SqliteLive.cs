namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// What every deploy asks: the live proofs of its subject and the live runs of its service; and what every change of a container asks, those about its tenant's networks. They are few and are kept in memory; a commit that changes some has them
/// read again before it answers.
/// </summary>
public sealed partial class SqliteLedgerStore
{
    private const int MostKeys = 1024;
    private const int MostKept = 100; // of one key; where there are more, the table is asked
    private readonly ReadThrough<(string Tenant, string Subject), List<ProofRow>> _liveProofs = new(MostKeys);
    private readonly ReadThrough<(string Tenant, string Service), List<RunRow>> _liveRuns = new(MostKeys);
    private readonly ReadThrough<string, List<RunRow>> _liveNetworkRuns = new(MostKeys);

    /// <inheritdoc/>
    public ValueTask<List<ProofRow>> LiveProofsAsync(string tenant, string subject, string intent, DateTimeOffset now)
    {
        var live = _liveProofs.Get((tenant, subject), of => Read(session => LiveProofs(session, of, now, MostKept)));
        if (live.Count == MostKept)
        {
            live = Read(session => LiveProofs(session, (tenant, subject), now, 1000));
        }
        return new(live.FindAll(proof => proof.Intent == intent && proof.Exp > now));
    }

    /// <inheritdoc/>
    public ValueTask<List<RunRow>> LiveRunsAsync(string tenant, string service) =>
        new([.. _liveRuns.Get((tenant, service), of => Read(session => LiveRuns(session, of)))]);

    /// <inheritdoc/>
    public ValueTask<List<RunRow>> LiveNetworkRunsAsync(string tenant) => new([.. _liveNetworkRuns.Get(tenant, of => Read(session => LiveNetworkRuns(session, of)))]);

    /// <summary>Everything of it may have changed.</summary>
    private void RefreshAll()
    {
        _liveProofs.Clear();
        _liveRuns.Clear();
        _liveNetworkRuns.Clear();
    }

    /// <summary>Reads again what these pieces have changed. On the writer's connection, after its transaction.</summary>
    private void Refresh(List<LedgerPiece> written, DateTimeOffset now)
    {
        foreach (var row in written.SelectMany(piece => piece.Rows).Where(row => row.Effects.Count > 0))
        {
            foreach (var effect in row.Effects)
            {
                switch (effect)
                {
                    case LedgerEffect.ProofStored { Proof: var proof }:
                        _liveProofs.Refresh((proof.Tenant, proof.Subject), of => LiveProofs(_writer, of, now, MostKept));
                        break;
                    case LedgerEffect.ProofConsumed used:
                        // A proof lets through a span of its own subject.
                        _liveProofs.Refresh((used.Tenant, row.Span.Subject!), of => LiveProofs(_writer, of, now, MostKept));
                        break;
                    case LedgerEffect.RunCreated { Run: var run }:
                        Refresh(run);
                        break;
                    case LedgerEffect.RunMoved { To: var run }:
                        Refresh(run);
                        break;
                    case LedgerEffect.RunCancelRequested:
                        _liveRuns.Clear();
                        _liveNetworkRuns.Clear();
                        break;
                }
            }
        }
    }

    private void Refresh(RunRow run)
    {
        _liveRuns.Refresh((run.Tenant, run.Service), of => LiveRuns(_writer, of));
        if (run.Intent.StartsWith("network.", StringComparison.Ordinal))
        {
            _liveNetworkRuns.Refresh(run.Tenant, of => LiveNetworkRuns(_writer, of));
        }
    }

    private static List<ProofRow> LiveProofs(SqliteSession session, (string Tenant, string Subject) of, DateTimeOffset now, int most) => session.All(
        """
        SELECT this, tenant, intent, allow, subject, hash, env, ref, target, plan_digest, exp FROM proofs
        WHERE tenant = $1 AND subject = $2 AND used_idx IS NULL AND cancelled_idx IS NULL AND allow = 1 AND exp > $3 ORDER BY exp, idx LIMIT $4
        """,
        row => new ProofRow
        {
            This = row.GetString(0),
            Tenant = row.GetString(1),
            Intent = row.GetString(2),
            Allow = row.GetInt64(3) == 1,
            Subject = row.GetString(4),
            Hash = row.GetString(5),
            Env = Text(row, 6),
            Ref = Text(row, 7),
            Target = Text(row, 8),
            PlanDigest = Text(row, 9),
            Exp = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(10)),
        }, of.Tenant, of.Subject, Milliseconds(now), most);

    private static List<RunRow> LiveRuns(SqliteSession session, (string Tenant, string Service) of) =>
        session.All($"SELECT {RunColumns} FROM runs WHERE tenant = $1 AND service = $2 AND state < 4 LIMIT 100", Run, of.Tenant, of.Service);

    private static List<RunRow> LiveNetworkRuns(SqliteSession session, string tenant) =>
        session.All($"SELECT {RunColumns} FROM runs WHERE tenant = $1 AND intent LIKE 'network.%' AND state < 4 LIMIT 1000", Run, tenant);
}
