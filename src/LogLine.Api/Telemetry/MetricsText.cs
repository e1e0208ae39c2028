using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace LogLine.Api.Telemetry;

/// <summary>
/// All metrics in Prometheus' text format 0.0.4, collected when they are asked for. Names as OpenTelemetry maps them: dots become underscores, the unit goes to the end, counters
/// end in <c>_total</c>.
/// </summary>
internal sealed class MetricsText
{
    /// <summary>Media type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Lock _turn = new();
    private readonly Exporter _exporter = new();

    public MetricsText() => Reader = new BaseExportingMetricReader(_exporter);

    /// <summary>What reads the meters.</summary>
    public BaseExportingMetricReader Reader { get; }

    /// <summary>The metrics as they are now; null when nothing is measured.</summary>
    public string? Collect()
    {
        lock (_turn)
        {
            _exporter.Text = null;
            return Reader.Collect() && _exporter.Text is { Length: > 0 } text ? text : null;
        }
    }

    /// <summary>The name in Prometheus.</summary>
    public static string NameOf(string name, string? unit, bool isCounter)
    {
        var text = new StringBuilder(name.Length + 16);
        foreach (var character in name)
        {
            text.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        }
        var suffix = unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        return $"{text}{suffix}{(isCounter ? "_total" : "")}";
    }

    private sealed class Exporter : BaseExporter<Metric>
    {
        public string? Text { get; set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            var text = new StringBuilder(64 << 10);
            foreach (var metric in batch)
            {
                Write(text, metric);
            }
            Text = text.ToString();
            return ExportResult.Success;
        }

        private static void Write(StringBuilder text, Metric metric)
        {
            var kind = metric.MetricType switch
            {
                MetricType.LongSum or MetricType.DoubleSum => "counter",
                MetricType.Histogram => "histogram",
                _ => "gauge",
            };
            var name = NameOf(metric.Name, metric.Unit, kind == "counter");
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(metric.Description)).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(kind).Append('\n');
            foreach (ref readonly var point in metric.GetMetricPoints())
            {
                var labels = Labels(point.Tags);
                switch (metric.MetricType)
                {
                    case MetricType.Histogram:
                        WriteHistogram(text, name, labels, point);
                        break;
                    case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                        Line(text, name, labels, point.GetSumLong());
                        break;
                    case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                        Line(text, name, labels, point.GetSumDouble());
                        break;
                    case MetricType.LongGauge:
                        Line(text, name, labels, point.GetGaugeLastValueLong());
                        break;
                    default:
                        Line(text, name, labels, point.GetGaugeLastValueDouble());
                        break;
                }
            }
        }

        private static void WriteHistogram(StringBuilder text, string name, string labels, in MetricPoint point)
        {
            var below = 0L;
            foreach (var bucket in point.GetHistogramBuckets())
            {
                below += bucket.BucketCount;
                var bound = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : Number(bucket.ExplicitBound);
                Line(text, name + "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{bound}\"", below);
            }
            Line(text, name + "_sum", labels, point.GetHistogramSum());
            Line(text, name + "_count", labels, point.GetHistogramCount());
        }

        private static string Labels(ReadOnlyTagCollection tags)
        {
            var labels = new StringBuilder();
            foreach (var (key, value) in tags)
            {
                labels.Append(labels.Length > 0 ? "," : "").Append(NameOf(key, null, isCounter: false)).Append("=\"")
                    .Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "").Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
            }
            return labels.ToString();
        }

        private static void Line(StringBuilder text, string name, string labels, double value)
        {
            text.Append(name);
            if (labels.Length > 0)
            {
                text.Append('{').Append(labels).Append('}');
            }
            text.Append(' ').Append(Number(value)).Append('\n');
        }

        private static string Number(double value) =>
            double.IsNaN(value) ? "NaN" : double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

        private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
    }
}
