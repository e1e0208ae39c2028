using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using LogLine.Api.Telemetry;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Telemetry;

/// <summary>docs/observability.md lists the metrics that there are, with their kinds; deploy/prometheus asks for none that are not there.</summary>
public sealed partial class ObservabilityPageTests
{
    private static readonly string[] OfOthers = ["up", "http_server_request_duration_seconds", "dotnet_process_memory_working_set_bytes"];

    [Fact]
    public async Task Page_HasEveryMetric_WithItsKind()
    {
        var page = File.ReadAllText(Repository.At("docs", "observability.md"));
        var shown = Rows().Matches(page).Select(row => (row.Groups["name"].Value, row.Groups["kind"].Value)).ToHashSet();

        Assert.Equal((await InstrumentsAsync()).Order(), shown.Order());
    }

    [Fact]
    public async Task Alerts_AskForMetricsThatThereAre()
    {
        var names = (await InstrumentsAsync()).Select(instrument => instrument.Name).Concat(OfOthers).ToHashSet();
        var rules = File.ReadAllText(Repository.At("deploy", "prometheus", "rules.yml"));
        var asked = Expressions().Matches(rules).SelectMany(rule => Names().Matches(Labels().Replace(rule.Groups[1].Value, ""))).Select(name => Suffix().Replace(name.Value, "")).Distinct().ToList();

        Assert.True(asked.Count > 10, "no expressions found");
        Assert.All(asked, name => Assert.True(names.Contains(name) || names.Contains(name + "_total"), $"{name} is no metric"));
    }

    [Fact]
    public async Task Alerts_AreOnThePage()
    {
        var alerts = Alert().Matches(await File.ReadAllTextAsync(Repository.At("deploy", "prometheus", "rules.yml"), TestContext.Current.CancellationToken)).Select(alert => alert.Groups[1].Value).ToList();
        var page = await File.ReadAllTextAsync(Repository.At("docs", "observability.md"), TestContext.Current.CancellationToken);

        Assert.Equal(alerts.Order(StringComparer.Ordinal), AlertRow().Matches(page).Select(row => row.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Prometheus_TakesTheFiles_AndTheAlertsFireWhenTheyShould()
    {
        var folder = Repository.At("deploy", "prometheus");
        await Promtool.AssertContentAsync(null, "check", "config", "--syntax-only", Path.Combine(folder, "prometheus.yml"));
        await Promtool.AssertContentAsync(null, "check", "rules", Path.Combine(folder, "rules.yml"));
        await Promtool.AssertContentAsync(null, "test", "rules", Path.Combine(folder, "rules.test.yml"));
    }

    /// <summary>Every instrument of the gateway: what a started one has, and what stands in static fields and is made when it is first used.</summary>
    private static async Task<HashSet<(string Name, string Kind)>> InstrumentsAsync()
    {
        var found = new HashSet<(string, string)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith("LogLine.", StringComparison.Ordinal))
                {
                    var kind = Generic().Replace(instrument.GetType().Name, "");
                    lock (found)
                    {
                        found.Add((MetricsText.NameOf(instrument.Name, instrument.Unit, kind is "Counter" or "ObservableCounter"), kind switch { "Histogram" => "histogram", "Counter" or "ObservableCounter" => "counter", _ => "gauge" }));
                    }
                }
            },
        };
        listener.Start();
        foreach (var type in typeof(GatewayProgram).Assembly.GetTypes().Where(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public).Any(field => field.FieldType == typeof(Meter))))
        {
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }
        await using var gateway = await TestGateway.StartAsync();
        await using var worker = GatewayProgram.Build(["--role", "worker", "--data", Path.Combine(gateway.Folder, "worker"), "--LogLine:Worker:Gateway=http://127.0.0.1:1", "--LogLine:Worker:Token=none"]);
        _ = worker.Services.GetRequiredService<LogLine.Api.Workers.Working.WorkerGauges>();
        lock (found)
        {
            return [.. found];
        }
    }

    [GeneratedRegex(@"^\| `(?<name>logline_[a-z_]+)` \| (?<kind>counter|gauge|histogram) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex(@"^ +expr: (?:\|\n)?((?:.|\n +(?! *(?:for|labels|annotations):))*)", RegexOptions.Multiline)]
    private static partial Regex Expressions();

    [GeneratedRegex(@"\{[^}]*\}|\bby \([^)]*\)")]
    private static partial Regex Labels();

    [GeneratedRegex(@"\b(?:logline|http|dotnet)_[a-z_]+\b|\bup\b")]
    private static partial Regex Names();

    [GeneratedRegex("_(?:bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex Alert();

    [GeneratedRegex(@"^\| `(LogLine\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex AlertRow();

    [GeneratedRegex("`.*")]
    private static partial Regex Generic();
}
