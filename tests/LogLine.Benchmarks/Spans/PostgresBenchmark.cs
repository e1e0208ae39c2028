using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;

namespace LogLine.Benchmarks.Spans;

/// <summary>As <see cref="SpansBenchmark"/>, with the ledger in a PostgreSQL database on the same machine.</summary>
internal static class PostgresBenchmark
{
    private const string Variable = "LOGLINE_TEST_POSTGRES";
    private const string Measured = "`POST /v1/spans`: single signed spans of 1 KiB, durable in PostgreSQL on the same machine, with final receipts; one gateway";

    private const string Limit =
        """
        Processor time: the gateway's, which is what it is on the embedded store and Npgsql's part besides, and the server's on the same cores. Of the server's, the rows take about a third (four indexes, and the write-ahead log of 1.9 KiB each), the
        nonces a sixth, their digests counted in; checkpoint, head and lock a tenth; the rest is the protocol, three round trips a batch, commit and sync. Names and nonces are not asked for before (decision 018). A database on a machine of its own
        would lift it.
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } connection)
        {
            return [Figure.Skipped("postgres", Measured, "as for `spans`", $"{Variable} is not set; it is the connection string of an empty database.")];
        }
        var server = await PostgresServer.FindAsync(connection);
        await using var load = await SpanLoad.StartAsync(options, new Dictionary<string, string?> { ["LogLine__Store"] = "postgres", ["ConnectionStrings__Ledger"] = connection });
        var bodies = Array.Empty<byte[]>();
        var before = server?.ProcessorTime;
        var turns = await Turns.TakeAsync(
            options.Rounds,
            () => Task.FromResult(load.Ours.Run(load.Requests(bodies = load.Bodies()))),
            () => Task.FromResult(load.Theirs.Run(load.Requests(bodies.Length == 0 ? bodies = load.Bodies() : bodies))));
        var details = await load.SidesAsync(turns.Measured, turns.Yardstick);
        if (server is not null)
        {
            details.Add($"processor time of the database server per request: {(server.ProcessorTime - before!.Value).TotalMicroseconds / load.Ours.Results.Sum(result => result.Count):0} µs");
        }
        return
        [
            new Figure
            {
                Benchmark = "postgres",
                Measured = Measured,
                Yardstick = "as for `spans`",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.4, AtLeast: true),
                Details = details,
                Limit = Limit,
            },
        ];
    }
}
