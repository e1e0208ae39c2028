using System.Globalization;
using System.Text.RegularExpressions;

namespace LogLine.Api.Tests.Telemetry;

/// <summary>
/// Prometheus' text format 0.0.4, read strictly: every line has a form that the format knows, every family its HELP and TYPE first and all its lines together, no series
/// stands twice, and a histogram's buckets only grow and end in <c>+Inf</c>, which is its count.
/// </summary>
internal sealed partial record MetricFamily(string Name, string Type, string Help)
{
    public List<(string Name, IReadOnlyDictionary<string, string> Labels, double Value)> Samples { get; } = [];

    /// <summary>The value of the one series that has these labels.</summary>
    public double Value(params (string Name, string Value)[] labels) =>
        Assert.Single(Samples, sample => labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value) && !sample.Labels.ContainsKey("le") && !sample.Name.EndsWith("_sum", StringComparison.Ordinal)).Value;

    public static Dictionary<string, MetricFamily> Read(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var families = new Dictionary<string, MetricFamily>();
        MetricFamily? family = null;
        (string Name, string Help)? announced = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (HelpLine().Match(line) is { Success: true } help)
            {
                announced = (help.Groups["name"].Value, help.Groups["text"].Value);
            }
            else if (TypeLine().Match(line) is { Success: true } kind)
            {
                Assert.Equal(announced?.Name, kind.Groups["name"].Value);
                family = new MetricFamily(announced!.Value.Name, kind.Groups["type"].Value, announced.Value.Help);
                Assert.True(families.TryAdd(family.Name, family), $"{family.Name} stands twice");
            }
            else
            {
                var sample = SampleLine().Match(line);
                Assert.True(sample.Success, $"no line of the format: {line}");
                family!.Add(sample, line);
            }
        }
        Assert.All(families.Values, one => one.Check());
        return families;
    }

    private void Add(Match sample, string line)
    {
        var name = sample.Groups["name"].Value;
        var suffixes = Type == "histogram" ? new[] { "_bucket", "_sum", "_count" } : [""];
        Assert.True(suffixes.Any(suffix => name == Name + suffix), $"{line} stands among {Name}");
        var labels = Label().Matches(sample.Groups["labels"].Value).ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value);
        var value = sample.Groups["value"].Value switch { "+Inf" => double.PositiveInfinity, "NaN" => double.NaN, var number => double.Parse(number, CultureInfo.InvariantCulture) };
        Assert.DoesNotContain(Samples, other => other.Name == name && other.Labels.Count == labels.Count && other.Labels.All(label => labels.GetValueOrDefault(label.Key) == label.Value));
        Samples.Add((name, labels, value));
    }

    private void Check()
    {
        Assert.NotEmpty(Samples);
        Assert.True(Type != "counter" || Name.EndsWith("_total", StringComparison.Ordinal), Name);
        foreach (var series in Samples.Where(sample => Type == "histogram").GroupBy(sample => string.Join(',', sample.Labels.Where(label => label.Key != "le").Select(label => label.Key + "=" + label.Value))))
        {
            var buckets = series.Where(sample => sample.Name == Name + "_bucket").ToList();
            Assert.Equal(buckets.Select(bucket => bucket.Value).Order(), buckets.Select(bucket => bucket.Value));
            Assert.Equal("+Inf", buckets[^1].Labels["le"]);
            Assert.Equal(buckets[^1].Value, Assert.Single(series, sample => sample.Name == Name + "_count").Value);
            Assert.Single(series, sample => sample.Name == Name + "_sum");
        }
    }

    [GeneratedRegex(@"^# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<text>(?:[^\\]|\\\\|\\n)*)$")]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\]|\\[\\""n])*""(?:,[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\]|\\[\\""n])*"")*)\})? (?<value>NaN|[+-]Inf|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$")]
    private static partial Regex SampleLine();

    [GeneratedRegex(@"(?<name>[a-zA-Z_][a-zA-Z0-9_]*)=""(?<value>(?:[^""\\]|\\[\\""n])*)""")]
    private static partial Regex Label();
}
