using System.Globalization;

namespace LogLine.Benchmarks.Reports;

/// <summary>One line of the table: a ratio, its target and what stands behind it.</summary>
internal sealed record Figure
{
    /// <summary>Name of the benchmark on the command line.</summary>
    public required string Benchmark { get; init; }

    /// <summary>What was measured.</summary>
    public required string Measured { get; init; }

    /// <summary>What it was measured against.</summary>
    public required string Yardstick { get; init; }

    /// <summary>Median of the rounds' ratios; null when it was skipped.</summary>
    public double? Ratio { get; init; }

    /// <summary>Lowest and highest ratio of a round.</summary>
    public (double Lowest, double Highest) Spread { get; init; }

    /// <summary>What the ratio should be, or null when there is no target.</summary>
    public Target? Target { get; init; }

    /// <summary>The two sides in their own units, and whatever else explains the ratio.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];

    /// <summary>What limits the figure, and what would lift it.</summary>
    public string Limit { get; init; } = "";

    /// <summary>Null when it was skipped or has no target.</summary>
    public bool? IsMet => Ratio is { } ratio ? Target?.IsMetBy(ratio) : null;

    /// <summary>What did not run, and why.</summary>
    public static Figure Skipped(string benchmark, string measured, string yardstick, string why) =>
        new() { Benchmark = benchmark, Measured = measured, Yardstick = yardstick, Limit = "Skipped: " + why };

    /// <summary>What broke down, and why.</summary>
    public static Figure Failed(string benchmark, string measured, string why) =>
        new() { Benchmark = benchmark, Measured = measured, Yardstick = "", HasFailed = true, Limit = "Broke down: " + why };

    /// <summary>True when it could not be measured to the end.</summary>
    public bool HasFailed { get; private init; }

    /// <summary>The ratio as it is shown.</summary>
    public string RatioText => Ratio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $"{ratio:0.###} ({Spread.Lowest:0.###} to {Spread.Highest:0.###})") : HasFailed ? "broke down" : "skipped";

    public override string ToString() =>
        $"    {RatioText}  {(Target is null ? "" : $"target {Target} {(IsMet switch { true => "met", false => "MISSED", null => "not measured" })}")}  {Measured} / {Yardstick}\n"
        + string.Concat(Details.Select(detail => $"      {detail}\n")) + (Ratio is null ? $"      {Limit}\n" : "");
}

/// <summary>A bound for a ratio.</summary>
internal sealed record Target(double Bound, bool AtLeast)
{
    public bool IsMetBy(double ratio) => AtLeast ? ratio >= Bound : ratio <= Bound;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(AtLeast ? "≥" : "≤")} {Bound:0.##}");
}
