using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LogLine.Api.Gate;

/// <summary>What the gate measures (docs/observability.md). Labels are names of the catalogue and codes of the contract, never a client's own words.</summary>
internal static class GateMetrics
{
    /// <summary>Name of its meter and of its traces.</summary>
    public const string Name = "LogLine.Gate";

    private const string Unknown = "unknown";

    /// <summary>Spans <c>gate</c>, one for each judgement.</summary>
    public static readonly ActivitySource Activities = new(Name);

    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Verdicts = Meter.CreateCounter<long>(
        "logline.gate.verdicts", "{item}", "Spans judged, by intent and by code: ok, replay, or why it was refused.");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "logline.gate.duration", "s", "Time from a submission to its verdict, waiting for another request's claims included.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5] });

    /// <summary>Counts a verdict on an item.</summary>
    public static void Judged(IntentDefinition? intent, string code) =>
        Verdicts.Add(1, new KeyValuePair<string, object?>("intent", intent?.Name ?? Unknown), new KeyValuePair<string, object?>("code", code));

    /// <summary>Records how long a submission was judged.</summary>
    public static void Took(TimeSpan elapsed) => Duration.Record(elapsed.TotalSeconds);
}
