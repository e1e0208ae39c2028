using System.Diagnostics.Metrics;
using System.Reflection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LogLine.Api.Telemetry;

/// <summary>
/// What the rooms measure and trace, brought to the outside: always to <c>/metrics</c>, and by OTLP when the environment says where to (<c>OTEL_*</c>, as OpenTelemetry specifies them).
/// The rooms know nothing of it: they write to meters and activity sources of the base library, named <c>LogLine.*</c>.
/// </summary>
internal static class Exports
{
    private const string Ours = "LogLine.*";
    private const string WebServer = "Microsoft.AspNetCore.Hosting";
    private const string Connections = "Microsoft.AspNetCore.Server.Kestrel";
    private const int MaxSeries = 4000;
    private static readonly double[] RequestSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

    /// <summary>Registers the exports; they begin before the first request and end after the last.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="options">What is measured, and where it is shown.</param>
    /// <param name="service">What the program is called where its metrics and traces arrive, unless <c>OTEL_SERVICE_NAME</c> says otherwise.</param>
    public static void AddTelemetry(this WebApplicationBuilder builder, MetricsOptions options, string service)
    {
        builder.AddMetricsAddress(options);
        var services = builder.Services;
        // The web server would describe each request for a trace that nobody may ask for: RequestSpans does it where traces are sent.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", true);
        services.AddSingleton(options);
        services.AddSingleton<MetricsText>();
        services.AddSingleton<MetricsDoor>();
        services.AddHostedService(provider => new ExportsHost(service, options, provider.GetRequiredService<MetricsText>(), provider.GetRequiredService<IConfiguration>()));
    }

    /// <summary>Begins to listen.</summary>
    public static OpenTelemetrySdk Open(string service, MetricsOptions options, MetricsText text, IConfiguration environment) => OpenTelemetrySdk.Create(sdk =>
    {
        sdk.Services.AddSingleton(environment); // where OpenTelemetry looks for OTEL_*: not in the environment alone
        var traces = IsSent(environment, "TRACES");
        sdk.ConfigureResource(resource => resource.AddService(service, serviceVersion: Version).AddEnvironmentVariableDetector());
        if (options.Enabled)
        {
            sdk.WithMetrics(meters => meters.AddMeter(Ours, WebServer, Connections, "System.Runtime").AddView(Select).AddReader(text.Reader));
        }
        if (traces)
        {
            sdk.WithTracing(tracer => tracer.AddSource(Ours, "Microsoft.AspNetCore"));
        }
        if (traces || (options.Enabled && IsSent(environment, "METRICS")))
        {
            sdk.UseOtlpExporter();
        }
    });

    /// <summary>Of the web server only what is bounded: method, route and status of requests, and how many requests and connections there are.</summary>
    private static MetricStreamConfiguration? Select(Instrument instrument) => (instrument.Meter.Name, instrument.Name) switch
    {
        (WebServer, "http.server.request.duration") =>
            new ExplicitBucketHistogramConfiguration { Boundaries = RequestSeconds, TagKeys = ["http.request.method", "http.route", "http.response.status_code"], CardinalityLimit = MaxSeries },
        (WebServer, "http.server.active_requests") or (Connections, "kestrel.active_connections") => new MetricStreamConfiguration { TagKeys = [] },
        (WebServer or Connections, _) => MetricStreamConfiguration.Drop,
        ("System.Runtime", "dotnet.assembly.count" or "dotnet.process.cpu.count" or "dotnet.timer.count") => MetricStreamConfiguration.Drop, // names that are histograms' in Prometheus
        ("LogLine.Gate", "logline.gate.verdicts") => new MetricStreamConfiguration { CardinalityLimit = MaxSeries },
        _ => null,
    };

    /// <summary>Whether the environment says where a signal (<c>TRACES</c>, <c>METRICS</c>) is sent.</summary>
    public static bool IsSent(IConfiguration environment, string signal) =>
        !string.Equals(environment["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase)
        && environment[$"OTEL_{signal}_EXPORTER"] is null or "" or "otlp"
        && (environment["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? environment[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"]) is { Length: > 0 };

    /// <summary>The version of this program.</summary>
    private static readonly string Version = typeof(Exports).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}

/// <summary>Holds the exports for as long as the gateway runs; what was not sent yet is sent at the end, for a few seconds at most.</summary>
internal sealed class ExportsHost(string service, MetricsOptions options, MetricsText text, IConfiguration environment) : IHostedService, IDisposable
{
    private const int FlushMilliseconds = 3000;
    private OpenTelemetrySdk? _sdk;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _sdk = Exports.Open(service, options, text, environment);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            _sdk?.TracerProvider.ForceFlush(FlushMilliseconds);
            _sdk?.MeterProvider.ForceFlush(FlushMilliseconds);
        }, cancellationToken);

    public void Dispose() => _sdk?.Dispose();
}
