using System.Globalization;
using System.Text.RegularExpressions;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;

namespace LogLine.Benchmarks.Sdk;

/// <summary>The TypeScript SDK beside the public packages, in one Node process and in turns (<c>src/logline-sdk/test/bench.mjs</c>).</summary>
internal static partial class SdkBenchmark
{
    private const string Measured = "`@logline/sdk`: canonical form and signature of a `deploy.apply` of 1 KiB; operations/s";
    private const string Yardstick = "`canonicalize` and `@noble/ed25519`";

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var folder = Checkout.At("src", "logline-sdk");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
        {
            return [Figure.Skipped("sdk", Measured, Yardstick, "the npm packages of src/logline-sdk are not installed; tests/run installs them.")];
        }
        await Checkout.RunAsync(folder, "npm", "run", "--silent", "build");
        var said = await Checkout.RunAsync(folder, "node", "test/bench.mjs");
        var lines = Line().Matches(said).ToDictionary(match => match.Groups["what"].Value, match => match);
        var both = lines["canonicalise and sign"];
        return
        [
            new Figure
            {
                Benchmark = "sdk",
                Measured = Measured,
                Yardstick = Yardstick,
                Ratio = Number(both, "ratio"),
                Spread = (Number(both, "low"), Number(both, "high")),
                Target = new Target(1, AtLeast: true),
                Details = [.. lines.Values.Select(match => match.Value), $"Node {(await Checkout.RunAsync(folder, "node", "--version")).Trim()}"],
                Limit = "The signature: one multiplication on the curve. A signer computes once what depends on its key alone.",
            },
        ];
    }

    private static double Number(Match match, string name) => double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?m)^(?<what>[a-z ]+): ratio (?<ratio>[0-9.]+) \((?<low>[0-9.]+) to (?<high>[0-9.]+)\), [0-9.]+ µs$")]
    private static partial Regex Line();
}
