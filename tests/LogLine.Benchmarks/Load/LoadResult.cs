using System.Globalization;

namespace LogLine.Benchmarks.Load;

/// <summary>What came of a run under load.</summary>
/// <param name="Count">Requests, all answered with 200.</param>
/// <param name="Elapsed">From first to last.</param>
/// <param name="Milliseconds">Latency of each, in no order.</param>
/// <param name="GeneratorTime">Processor time of this process.</param>
internal sealed record LoadResult(int Count, TimeSpan Elapsed, double[] Milliseconds, TimeSpan GeneratorTime)
{
    public double PerSecond => Count / Elapsed.TotalSeconds;

    /// <summary>Processor time of the generator per request.</summary>
    public double GeneratorMicroseconds => GeneratorTime.TotalMicroseconds / Count;

    /// <summary>p50, p99 and p99.9, in words.</summary>
    public string Latencies => LatenciesOf([this]);

    public static string LatenciesOf(IEnumerable<LoadResult> results)
    {
        var sorted = results.SelectMany(result => result.Milliseconds).Order().ToArray();
        string At(double part) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * part))].ToString("0.00", CultureInfo.InvariantCulture);
        return $"p50 {At(0.5)} ms, p99 {At(0.99)} ms, p99.9 {At(0.999)} ms";
    }
}
