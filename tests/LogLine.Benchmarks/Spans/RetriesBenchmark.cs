using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Spans;

/// <summary>Honest retries: the same spans under the same idempotency keys, sent again.</summary>
internal static class RetriesBenchmark
{
    private const long FirstKey = 1L << 40;

    private const string Limit =
        """
        Three reads of SQLite (the key, the span, the checkpoint that its batch ended in), the proof from tiles, and the Ack, which is composed again. No signature is verified: a retry is recognised
        by its content. A cache of the checkpoints and spans of the last minutes would lift it.
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var load = await SpanLoad.StartAsync(options);
        var bodies = load.Bodies();
        load.Ours.Run(load.Requests(bodies, FirstKey));
        load.Ours.Run(load.Requests(bodies, FirstKey));
        load.Ours.Forget();
        var turns = await Turns.TakeAsync(
            options.Rounds,
            () => Task.FromResult(load.Ours.Run(load.Requests(bodies, FirstKey))),
            () => Task.FromResult(load.Theirs.Run(load.Requests(bodies, FirstKey))));
        return
        [
            new Figure
            {
                Benchmark = "retries",
                Measured = "`POST /v1/spans`: the same spans again under the same Idempotency-Keys; each gets its first Ack",
                Yardstick = "as for `spans`",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.8, AtLeast: true),
                Details = await load.SidesAsync(turns.Measured, turns.Yardstick),
                Limit = Limit,
            },
        ];
    }
}
