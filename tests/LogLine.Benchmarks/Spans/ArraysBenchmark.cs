using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Load;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Crypto;

namespace LogLine.Benchmarks.Spans;

/// <summary>Arrays of 100 signed spans, durable, each span with its final receipt, against what the cores could verify if they did nothing else.</summary>
internal static class ArraysBenchmark
{
    private const int PerArray = 100;
    private const int Verifications = 5000;

    /// <summary>Connections that send arrays: 1,600 spans are in flight.</summary>
    public const int Connections = 16;

    private const string Limit =
        """
        The cores are the generator's as well. An array is judged item by item on one thread and answered whole, so that few of them keep all cores busy; what a span costs beside its verification is what it costs alone
        (`spans`), less HTTP, which a hundred share.
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var load = await SpanLoad.StartAsync(options, connections: Connections);
        using var key = SigningKey.Generate();
        var verify = new Verification(key).Run;
        var arrays = Math.Max(20, load.PerRound * 2 / PerArray);
        var turns = await Turns.TakeAsync(
            options.Rounds,
            () => load.Ours.Run(load.Requests(Arrays(load, arrays))) * PerArray,
            () => Environment.ProcessorCount * 1e9 / ShortWork.Nanoseconds(verify, Verifications));
        return
        [
            new Figure
            {
                Benchmark = "arrays",
                Measured = $"`POST /v1/spans`: arrays of {PerArray} signed spans of 1 KiB, durable, with final receipts; spans/s, the generator on the same cores",
                Yardstick = "cores × libsodium Ed25519 verifications/s of one core",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.4, AtLeast: true),
                Details =
                [
                    $"{turns.Measured:N0} spans/s against {turns.Yardstick:N0} verifications/s on {Environment.ProcessorCount} cores",
                    $"processor time per span: gateway {load.Ours.Microseconds / PerArray:0} µs, generator {load.Ours.GeneratorMicroseconds / PerArray:0.0} µs; {Connections} connections",
                    $"per array: {LoadResult.LatenciesOf(load.Ours.Results)}",
                ],
                Limit = Limit,
            },
        ];
    }

    private static byte[][] Arrays(SpanLoad load, int count) => Arrays(load.Gateway.Key, count);

    /// <summary>Arrays of 100 new spans.</summary>
    public static byte[][] Arrays(SigningKey key, int count) => [.. SignedSpans.Sign(key, count * PerArray).Chunk(PerArray).Select(Join)];

    private static byte[] Join(byte[][] spans)
    {
        using var array = new MemoryStream();
        for (var i = 0; i < spans.Length; i++)
        {
            array.WriteByte((byte)(i == 0 ? '[' : ','));
            array.Write(spans[i]);
        }
        array.WriteByte((byte)']');
        return array.ToArray();
    }
}
