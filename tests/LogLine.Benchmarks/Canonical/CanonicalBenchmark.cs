using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Spans;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Canonical;

/// <summary>What every span costs before anything is judged: canonical form and hash, against one signature verification.</summary>
internal static class CanonicalBenchmark
{
    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        using var key = SigningKey.Generate();
        var sent = SignedSpans.Sign(key, 1, AsSent: true)[0];
        var turns = await ShortWork.CompareAsync(
            () =>
            {
                var json = CanonicalJson.Parse(sent);
                _ = json.Root;
                Blake3.Hash(json.Utf8.Span);
            },
            new Verification(key).Run);
        return
        [
            new Figure
            {
                Benchmark = "canonical",
                Measured = $"canonical form and BLAKE3 of a signed span of {sent.Length:N0} bytes, members in the order in which people write them",
                Yardstick = "one libsodium Ed25519 verification",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.25, AtLeast: false),
                Details = [$"{turns.Measured / 1000:0.0} µs against {turns.Yardstick / 1000:0.0} µs"],
                Limit = "Two passes of System.Text.Json (a strict reader that rewrites, then the tree for random access) and the hash. Text that is in canonical order already is not moved.",
            },
        ];
    }
}

/// <summary>One libsodium verification of a good signature over 45 bytes, as long as what a span's signature covers.</summary>
internal sealed class Verification
{
    private readonly byte[] _publicKey;
    private readonly byte[] _message = new byte[45];
    private readonly byte[] _signature;

    public Verification(SigningKey key) => (_publicKey, _signature) = (key.PublicKey.ToArray(), key.Sign(_message));

    public void Run()
    {
        if (!Ed25519.Verify(_publicKey, _message, _signature))
        {
            throw new InvalidOperationException("A good signature was refused.");
        }
    }
}
