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
        One signature is verified, the span's; the request's own would be a second. The span `deploy.planned` that follows is signed where the ledger takes the span, a third of a verification more, outside of this figure. Manifest,
        proof and runs of the service come from memory, as they do for everything but the first deploy of a manifest. Of what is left, a third is canonical form, tree and the two BLAKE3 hashes of 1 KiB (the span's name in the ledger, and what its
        signature covers), a tenth the two schemas; the rest is flat: nineteen checks, the claims of the request, the run and the answer.
        """;

    private const string AllocationLimit =
        """
        A third is the body: its bytes and the tree's index over them. The rest is what outlives the gate (the run, the answer, the entry, the names that the ledger is asked for) and what one judgement needs to keep its findings.
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var gate = await GateAlone.OpenAsync();
        using var key = SigningKey.Generate();
        var yardstick = new Verification(key).Run;
        var read = await ShortWork.CompareAsync(() => gate.Read(), yardstick);
        // As rates: verifications that fit into the time of one admitted span, and the inverse of it.
        var turns = await ShortWork.CompareAsync(yardstick, gate.Admit);
        var validation = await ShortWork.CompareAsync(gate.Validate, gate.Admit);
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
                Measured = "of that, validation: the span against its own schema and its payload's",
                Yardstick = "the gate's time for one span",
                Ratio = validation.Ratio,
                Spread = (validation.Lowest, validation.Highest),
                Target = new Target(0.05, AtLeast: false),
                Details = [$"{validation.Measured / 1000:0.0} µs of {validation.Yardstick / 1000:0.0} µs"],
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
