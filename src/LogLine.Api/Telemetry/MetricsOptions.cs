namespace LogLine.Api.Telemetry;

/// <summary>Metrics, section <c>LogLine:Metrics</c> of the configuration. Where traces and metrics are sent is said by the variables of OpenTelemetry (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, …).</summary>
public sealed class MetricsOptions
{
    /// <summary>Whether anything is measured. Default: true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// An address of its own for <c>/metrics</c>, for example <c>http://0.0.0.0:9464</c>, where no token is asked for: one that the network shows to nobody but Prometheus. Default: none;
    /// then <c>/metrics</c> is beside the other routes, with scope <c>metrics</c>.
    /// </summary>
    public string? Url { get; set; }
}
