using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Delivery;
using LogLine.Benchmarks.Deploy;
using LogLine.Benchmarks.Gate;
using LogLine.Benchmarks.Ledgers;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Schema;
using LogLine.Benchmarks.Sdk;
using LogLine.Benchmarks.Spans;
using LogLine.Benchmarks.Startup;
using LogLine.Benchmarks.Tdln;

namespace LogLine.Benchmarks;

/// <summary>
/// All benchmarks, by name. Each measures a ratio to a yardstick in the same run, in turns (A B A B …), so that a machine that is slow for a while is slow
/// for both.
/// </summary>
internal static class BenchmarkRun
{
    private const string Usage = """
        usage: dotnet run -c Release --project tests/LogLine.Benchmarks -- [NAME…] [--write FILE] [--seconds N] [--only INTENT]

        NAME…         which benchmarks; all of them when there is none
        --write FILE  writes the document, for example docs/benchmarks.md; what it holds of other benchmarks stays
        --seconds N   length of one round under load, 1 to 60; 3 by default
        --only INTENT of "primitives" that one, or those of that group, for example container.start or network; may be given several times; with --write the rest of that benchmark stays in the document

        """;

    private static readonly (string Name, string What, Func<BenchmarkOptions, Task<IReadOnlyList<Figure>>> Run)[] All =
    [
        ("canonical", "canonical form and hash of a span", CanonicalBenchmark.RunAsync),
        ("schema", "validation of a span", SchemaBenchmark.RunAsync),
        ("sentence", "a paragraph of 200 characters, compiled", SentenceBenchmark.RunAsync),
        ("gate", "the gate without network and disk", GateBenchmark.RunAsync),
        ("spans", "POST /v1/spans, single signed spans", SpansBenchmark.RunAsync),
        ("arrays", "POST /v1/spans, arrays of 100", ArraysBenchmark.RunAsync),
        ("retries", "POST /v1/spans, the same keys again", RetriesBenchmark.RunAsync),
        ("postgres", "POST /v1/spans, single signed spans, on PostgreSQL", PostgresBenchmark.RunAsync),
        ("fanout", "an event to 10,000 subscribers", FanOutBenchmark.RunAsync),
        ("latency", "from a commit to 100 subscribers at 1,000 events/s", LatencyBenchmark.RunAsync),
        ("webhooks", "webhook deliveries/s", WebhookBenchmark.RunAsync),
        ("sdk", "the TypeScript SDK: canonical form and signature", SdkBenchmark.RunAsync),
        ("startup", "logline --help as published", StartupBenchmark.RunAsync),
        ("verify", "a whole ledger, verified", VerifyBenchmark.RunAsync),
        ("list", "MiniContainers in a long log, listed", ListBenchmark.RunAsync),
        ("start", "a gateway starts on 1,000,000 spans", StartBenchmark.RunAsync),
        ("digests", "what the digests of the rows cost", DigestBenchmark.RunAsync),
        ("deploy", "deploy.apply to run_state.running", DeployBenchmark.RunAsync),
        ("exits", "a container that ends by itself, until that is on the ledger", ExitBenchmark.RunAsync),
        ("primitives", "container primitives", PrimitiveBenchmark.RunAsync),
        ("exec", "a command in a container", CommandBenchmark.RunAsync),
        ("many", "many containers at once", ManyBenchmark.RunAsync),
        ("sandbox", "a sandbox, beside the engine's command line", SandboxBenchmark.RunAsync),
        ("worker", "a worker in a process of its own", WorkerBenchmark.RunAsync),
    ];

    /// <summary>Exit code 0 when every target was met or skipped, 1 when one was missed or a benchmark broke down, 2 for wrong arguments.</summary>
    public static async Task<int> MainAsync(string[] args)
    {
        if (BenchmarkOptions.Parse(args, [.. All.Select(benchmark => benchmark.Name)]) is not { } options)
        {
            await Console.Error.WriteAsync(Usage);
            foreach (var (name, what, _) in All)
            {
                await Console.Error.WriteLineAsync($"  {name,-12} {what}");
            }
            return 2;
        }
        var figures = new List<Figure>();
        foreach (var (name, what, run) in All.Where(benchmark => options.Wants(benchmark.Name)))
        {
            Console.WriteLine($"==> {name}: {what}");
            foreach (var figure in await TryAsync(name, what, run, options))
            {
                figures.Add(figure);
                Console.WriteLine(figure);
            }
            if (options.Write is { } path)
            {
                var former = File.Exists(path) ? await File.ReadAllTextAsync(path) : "";
                await File.WriteAllTextAsync(path, BenchmarkDocument.Compose(figures, options, [.. All.Select(benchmark => benchmark.Name)], former));
            }
        }
        return figures.Any(figure => figure.IsMet == false || figure.HasFailed) ? 1 : 0;
    }

    // A benchmark that breaks down is a line of the report; the others are measured all the same.
    private static async Task<IReadOnlyList<Figure>> TryAsync(string name, string what, Func<BenchmarkOptions, Task<IReadOnlyList<Figure>>> run, BenchmarkOptions options)
    {
        try
        {
            return await run(options);
        }
        catch (Exception defect) when (defect is InvalidOperationException or IOException or HttpRequestException or TimeoutException or OperationCanceledException)
        {
            return [Figure.Failed(name, what, defect.Message)];
        }
    }
}

/// <summary>What the command line asks for.</summary>
/// <param name="Names">Which benchmarks; all when empty.</param>
/// <param name="Write">Where the document goes, or null.</param>
/// <param name="Seconds">Length of one round under load.</param>
/// <param name="Only">Which primitives, or groups of them; all when empty.</param>
internal sealed record BenchmarkOptions(IReadOnlyList<string> Names, string? Write, int Seconds, IReadOnlyList<string> Only)
{
    /// <summary>Rounds under load; an odd number, so that there is a median.</summary>
    public int Rounds => 7;

    public bool Wants(string name) => Names.Count == 0 || Names.Contains(name);

    /// <summary>True for a primitive that is to be measured.</summary>
    public bool WantsIntent(string intent) => Only.Count == 0 || Only.Any(only => intent == only || intent.StartsWith(only + '.', StringComparison.Ordinal));

    /// <summary>Null when an argument is not understood.</summary>
    public static BenchmarkOptions? Parse(string[] args, IReadOnlyList<string> known)
    {
        var (names, write, seconds, only) = (new List<string>(), (string?)null, 3, new List<string>());
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--write" when i + 1 < args.Length:
                    write = args[++i];
                    break;
                case "--seconds" when i + 1 < args.Length && int.TryParse(args[i + 1], out seconds) && seconds is >= 1 and <= 60:
                    i++;
                    break;
                case "--only" when i + 1 < args.Length:
                    only.Add(args[++i]);
                    break;
                case var name when known.Contains(name):
                    names.Add(name);
                    break;
                default:
                    return null;
            }
        }
        return new BenchmarkOptions(names, write, seconds, only);
    }
}
