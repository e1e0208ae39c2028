namespace LogLine.Benchmarks.Spans;

/// <summary>What limits the figures under load, in words for the document.</summary>
internal static class SpanLimits
{
    public const string Spans = "";

    public const string Retries = "";
}
