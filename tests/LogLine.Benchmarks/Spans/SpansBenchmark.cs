using LogLine.Api.Ledger.Sqlite;
using LogLine.Benchmarks.Load;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Spans;

/// <summary>Single signed spans, distinct nonces, durable, each with its final receipt, against the yardstick.</summary>
internal static class SpansBenchmark
{
    private const string Limit =
        """
        Processor time; the disk is waited for by whole groups. Of 130 µs that the gateway spends on a span, a profile (`perf`, 64 connections) gives: the one verification, which the yardstick has too, 45; the kernel 24,
        of which sockets 8, the write-ahead log and fsync 8, changes of thread 4; Kestrel, its sockets and pipes 9; the gate and the ledger's own code 10; the base library, tasks and the thread pool 8; SQLite 7; the canonical form,
        BLAKE3 and the schemas 6; copies, malloc and cleared memory 5; the collector 5; System.Text.Json 3; SHA-256 of leaf, nodes and rows 4, before decision 019; the rest 4. Beside the verification it is flat. A faster verification
        in libsodium would lift it most; a second machine does with the PostgreSQL store.
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var load = await SpanLoad.StartAsync(options);
        var bodies = Array.Empty<byte[]>();
        var turns = await Turns.TakeAsync(
            options.Rounds,
            () => Task.FromResult(load.Ours.Run(load.Requests(bodies = load.Bodies()))),
            () => Task.FromResult(load.Theirs.Run(load.Requests(bodies.Length == 0 ? bodies = load.Bodies() : bodies))));
        var details = await load.SidesAsync(turns.Measured, turns.Yardstick);
        details.Add($"at half of that rate: {AtHalf(load, turns.Measured)}");
        details.Add($"the generator alone, against an endpoint that only reads and answers: {load.Ceiling():N0} requests/s");
        await load.Gateway.StopAsync();
        details.AddRange(OnDisk(load.Gateway.Folder));
        return
        [
            new Figure
            {
                Benchmark = "spans",
                Measured = "`POST /v1/spans`: single signed spans of 1 KiB, distinct nonces, durable, with final receipts",
                Yardstick = "bare Kestrel: System.Text.Json parses the same body, libsodium verifies one signature; same generator, same cores",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(0.55, AtLeast: true),
                Details = details,
                Limit = Limit,
            },
        ];
    }

    private static string AtHalf(SpanLoad load, double rate)
    {
        load.Ours.Run(load.Requests(load.Bodies()), rate / 2);
        return load.Ours.Results[^1].Latencies;
    }

    private static IEnumerable<string> OnDisk(string folder)
    {
        var database = Path.Combine(folder, "ledger.db");
        using var session = new SqliteSession(database, readOnly: true);
        var entries = session.First("SELECT count(*) FROM entries", row => row.GetInt64(0));
        var checkpoints = session.First("SELECT count(*) FROM checkpoints", row => row.GetInt64(0));
        var bytes = Directory.EnumerateFiles(folder, "ledger.db*").Sum(file => new FileInfo(file).Length);
        yield return $"{(double)entries / checkpoints:0.0} spans per commit on average, {(double)bytes / entries:N0} bytes on disk per span";
    }
}
