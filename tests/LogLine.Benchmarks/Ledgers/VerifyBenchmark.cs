using System.Security.Cryptography;
using LogLine.Api.Ledger;
using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Verification;

namespace LogLine.Benchmarks.Ledgers;

/// <summary>The whole verification of a ledger, as <c>logline ledger verify --data</c> does it, on one thread, against the signature verifications alone.</summary>
internal static class VerifyBenchmark
{
    private const int Spans = 50_000;
    private const int Verifications = 20_000;
    private const double Target = 15_000;
    private const double UsualVerifications = 26_500;

    private static readonly string What = $"a ledger of {Spans:N0} signed spans of 1 KiB, every entry, hash, signature, tile, checkpoint and row, on one thread";

    private const string Limit =
        "The signature, three quarters to four fifths of it: libsodium verifies one at a time. Of the rest a profile (`perf`; in µs where a signature takes 48) gave: four SHA-256 (leaf, node, the digests of two rows) 3, before decision 019 (what it saves of each, the figure of a node shows); BLAKE3 of the span with and without its signature 2; SQLite and the kernel's reads 1.7, and 0.9 until a row is values; the collector and cleared memory 1.6; canonical form and members of the span 1.2; "
        + "names, keys and what else the log adds up to 0.5. The commands verify on all cores at once. Signatures verified in batches would lift it; libsodium has no call for that.";

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        using var large = await LargeLedger.MakeAsync(Spans);
        using var key = SigningKey.Generate();
        var bare = new Verification(key);
        var rates = new List<double>();
        var turns = await Turns.TakeAsync(
            options.Rounds,
            () =>
            {
                var rate = Rate(Spans, () => Verify(large.Folder));
                rates.Add(rate);
                return rate;
            },
            () => Rate(Verifications, () =>
            {
                for (var i = 0; i < Verifications; i++)
                {
                    bare.Run();
                }
            }));
        var (entry, signature) = (1e6 / turns.Measured, 1e6 / turns.Yardstick);
        return
        [
            new Figure
            {
                Benchmark = "verify",
                Measured = $"{What}; entries/s",
                Yardstick = $"{Target:N0} entries/s",
                Ratio = turns.Measured / Target,
                Spread = (rates.Min() / Target, rates.Max() / Target),
                Target = new Target(1, AtLeast: true),
                Details = [$"{turns.Measured:N0} entries/s ({rates.Min():N0} to {rates.Max():N0}) of one core's processor time"],
                Limit = Limit,
            },
            new Figure
            {
                Benchmark = "verify",
                Measured = "the same, whatever the core; entries/s",
                Yardstick = "libsodium Ed25519 verifications on one thread",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(Target / UsualVerifications, AtLeast: true),
                Details =
                [
                    $"{turns.Measured:N0} entries/s against {turns.Yardstick:N0} verifications/s; the target is {Target:N0} entries/s on a core that verifies {UsualVerifications:N0}/s",
                    $"{entry:0.0} µs an entry, of which {signature:0.0} µs the signature and {entry - signature:0.0} µs all else",
                ],
                Limit = Limit,
            },
            await NodeAsync(),
        ];
    }

    /// <summary>Why the tree hashes past .NET (docs/decisions/019-sha-256-of-short-texts.md).</summary>
    private static async Task<Figure> NodeAsync()
    {
        byte[] node = [1, .. new byte[2 * MerkleHash.Size]], hash = new byte[MerkleHash.Size];
        var turns = await ShortWork.CompareAsync(
            () => MerkleHash.Node(node.AsSpan(1, MerkleHash.Size), node.AsSpan(1 + MerkleHash.Size), hash),
            () => { SHA256.HashData(node, hash); });
        return new Figure
        {
            Benchmark = "verify",
            Measured = "of that, the hash of a node of the tree, 65 bytes",
            Yardstick = "`SHA256.HashData` of .NET",
            Ratio = turns.Ratio,
            Spread = (turns.Lowest, turns.Highest),
            Details = [$"{turns.Measured:0} ns against {turns.Yardstick:0} ns"],
            Limit = "OpenSSL's SHA-256 itself, two blocks with the processor's own instructions, and the copy of both children.",
        };
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
