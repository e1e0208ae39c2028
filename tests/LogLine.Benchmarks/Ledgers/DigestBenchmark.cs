using LogLine.Api.Ledger.Sqlite;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Ledgers;

/// <summary>What the digests of the rows cost: the rows of batches of 128 spans, written with and without them, in turns.</summary>
internal static class DigestBenchmark
{
    private const int Batch = 128;
    private const int Batches = 40;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("logline-digests-").FullName;
        try
        {
            using var with = Open(folder, "with.db", SqliteSchema.Tables);
            using var without = Open(folder, "without.db", WithoutDigests(SqliteSchema.Tables));
            var (ours, theirs) = (0L, 0L);
            Write(with, ref ours);
            Write(without, ref theirs);
            var turns = await Turns.TakeAsync(3 * options.Rounds, () => Write(with, ref ours), () => Write(without, ref theirs));
            return
            [
                new Figure
                {
                    Benchmark = "digests",
                    Measured = $"processor time of batches of {Batch} rows of 1 KiB in entries and as many nonces, with digests",
                    Yardstick = "without digests",
                    Ratio = turns.Ratio,
                    Spread = (turns.Lowest, turns.Highest),
                    Details = [$"{turns.Measured:0.00} µs against {turns.Yardstick:0.00} µs a span (two rows)"],
                    Limit = "SHA-256 of some 400 bytes a row, and SQLite calling into managed code for it.",
                },
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static SqliteSession Open(string folder, string name, string tables)
    {
        var session = new SqliteSession(Path.Combine(folder, name), readOnly: false);
        session.Script(tables);
        return session;
    }

    private static string WithoutDigests(string tables) =>
        System.Text.RegularExpressions.Regex.Replace(tables, @",\s*digest INTEGER AS \(row_digest\([^)]*\)\) STORED", "");

    /// <summary>Microseconds of this thread for one span.</summary>
    private static double Write(SqliteSession session, ref long next)
    {
        var (entry, span, fingerprint, answer) = (new byte[300], new byte[1024], new byte[32], new byte[90]);
        var started = ThreadClock.Nanoseconds;
        for (var batch = 0; batch < Batches; batch++)
        {
            session.Execute("BEGIN IMMEDIATE");
            for (var i = 0; i < Batch; i++, next++)
            {
                var name = $"urn:span:{Guid.CreateVersion7():D}";
                session.Execute("INSERT INTO entries VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)", next, entry, span, "dev", name, "registry.person.create", "urn:registry:person/joana", null, fingerprint, answer);
                session.Execute("INSERT INTO nonces VALUES($1,$2,$3)", next / 100_000, "dev", name);
            }
            session.Execute("COMMIT");
        }
        return (ThreadClock.Nanoseconds - started) / 1000.0 / (Batches * Batch);
    }
}
