using System.Diagnostics.Metrics;

namespace LogLine.Api.Workers.Working;

/// <summary>What a worker in a process of its own says of its connection to the gateway (docs/observability.md).</summary>
internal sealed class WorkerGauges : IDisposable
{
    private readonly Meter _meter = new("LogLine.Workers");

    /// <summary>Measures <paramref name="gateway"/>.</summary>
    public WorkerGauges(HttpGateway gateway)
    {
        _meter.CreateObservableGauge("logline.worker.runs", () => gateway.Held, "{run}", "Runs that this worker holds.");
        _meter.CreateObservableGauge("logline.worker.gateway.silence", () => gateway.Silence is { } silence ? [new Measurement<double>(silence.TotalSeconds)] : Array.Empty<Measurement<double>>(), "s", "How long ago a gateway last answered this worker.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
