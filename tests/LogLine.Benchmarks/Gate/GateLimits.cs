namespace LogLine.Benchmarks.Gate;

/// <summary>What limits the figures of the gate, in words for the document.</summary>
internal static class GateLimits
{
    public const string Rate = "";

    public const string Allocation = "";
}
