using LogLine.Api.Ledger;
using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Verification;

namespace LogLine.Benchmarks.Ledgers;

/// <summary>The whole verification of a ledger, as <c>logline ledger verify --data</c> does it, on one thread, against the signature verifications alone.</summary>
internal static class VerifyBenchmark
{
    private const int Spans = 50_000;
    private const int Verifications = 20_000;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        using var large = await LargeLedger.MakeAsync(Spans);
        using var key = SigningKey.Generate();
        var bare = new Verification(key);
        var turns = await Turns.TakeAsync(options.Rounds, () => Rate(Spans, () => Verify(large.Folder)), () => Rate(Verifications, () =>
        {
            for (var i = 0; i < Verifications; i++)
            {
                bare.Run();
            }
        }));
        return
        [
            new Figure
            {
                Benchmark = "verify",
                Measured = $"a ledger of {Spans:N0} signed spans of 1 KiB, every entry, hash, signature, tile, checkpoint and row, on one thread",
                Yardstick = "libsodium Ed25519 verifications on one thread",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(15_000.0 / 26_500, AtLeast: true),
                Details = [$"{turns.Measured:N0} entries/s against {turns.Yardstick:N0} verifications/s; the target is 15,000 entries/s on a core that verifies 26,500/s"],
                Limit = "One signature each is most of it; then canonical form and BLAKE3 of the span, and reading the row.",
            },
        ];
    }

    private static void Verify(string folder)
    {
        using var ledger = StoredLedger.Open(folder);
        var audit = new LedgerAudit(ledger.Trust, parallelism: 1);
        foreach (var row in ledger.Read())
        {
            audit.Add(row);
        }
        var report = audit.Finish();
        if (report.Finding is { } finding || report.Entries != Spans + 1)
        {
            throw new InvalidOperationException($"{report.Entries} entries: {report.Finding}");
        }
    }

    private static double Rate(int count, Action work)
    {
        var started = ThreadClock.Nanoseconds;
        work();
        return count / ((ThreadClock.Nanoseconds - started) / 1e9);
    }
}
