using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Crypto;

namespace LogLine.Benchmarks.Gate;

/// <summary>
/// The gate alone on one thread: from the bytes of a signed <c>deploy.apply</c> to an admitted span, with everything that it asks of the ledger's tables, and
/// nothing committed, so that the proof stays alive.
/// </summary>
internal static class GateBenchmark
{
    private const string RateLimit =
        """
        Besides the verification the gate reads SQLite five times (name, nonce, manifest, proof, live runs) and signs the span `deploy.planned` that follows the deploy: a signature is a third of a
        verification, so the target is out of reach while that is done in the gate; it could be signed by the writer. State of the ledger's tables kept in memory would save the reads.
        """;

    private const string AllocationLimit =
        """
        Each canonical document keeps its bytes, its tree and the row that the tree was built from; a deploy makes three of them (the body, the manifest, the span that follows). Beside them stand
        the strings that checks take out of the tree and the rows that they read.
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var gate = await GateAlone.OpenAsync();
        using var key = SigningKey.Generate();
        var yardstick = new Verification(key).Run;
        var read = await ShortWork.CompareAsync(() => gate.Read(), yardstick);
        // As rates: verifications that fit into the time of one admitted span, and the inverse of it.
        var turns = await ShortWork.CompareAsync(yardstick, gate.Admit);
        var allocated = ShortWork.Allocated(gate.Admit);
        return
        [
            new Figure
            {
                Benchmark = "gate",
                Measured = $"the gate on one core, without network and commit: a signed `deploy.apply` of {gate.SpanBytes:N0} bytes with a live proof, admitted",
                Yardstick = "rate of libsodium Ed25519 verifications",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.75, AtLeast: true),
                Details = [$"{turns.Yardstick / 1000:0.0} µs for one span, of which {read.Measured / 1000:0.0} µs reading and canonicalising the body; one verification {turns.Measured / 1000:0.0} µs"],
                Limit = RateLimit,
            },
            new Figure
            {
                Benchmark = "gate",
                Measured = "bytes allocated per admitted span",
                Yardstick = "8 KiB",
                Ratio = allocated / 8192.0,
                Spread = (allocated / 8192.0, allocated / 8192.0),
                Target = new Target(1, AtLeast: false),
                Details = [$"{allocated:N0} bytes, of which {ShortWork.Allocated(() => gate.Read()):N0} for the body and its tree"],
                Limit = AllocationLimit,
            },
        ];
    }
}
