using LogLine.Api.Ledger;
using Serilog;
using Serilog.Events;

namespace LogLine.Api.Telemetry;

/// <summary>What the operator reads: one line per event, no payloads, no secrets.</summary>
internal static class StartupLog
{
    private const string Line = "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <summary>Logs to the console, lines for people or (<c>LogLine:Logs:Format</c> = <c>json</c>) for programs; levels from the section <c>Serilog</c> of the configuration.</summary>
    public static void AddLogs(this WebApplicationBuilder builder, LogOptions options)
    {
        builder.Logging.ClearProviders();
        // A line has its event's own properties and its trace: what the web server would say of every request besides is made for every request, logged or not.
        builder.Services.Configure<LoggerFilterOptions>(filter => filter.CaptureScopes = false);
        var configured = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting", LogEventLevel.Warning)
            .ReadFrom.Configuration(builder.Configuration)
            .Filter.ByExcluding(IsFailedStart)
            .Enrich.FromLogContext()
            .Enrich.With<TicketRedaction>();
        var written = options.Format switch
        {
            "text" => configured.WriteTo.Console(outputTemplate: Line, formatProvider: System.Globalization.CultureInfo.InvariantCulture),
            "json" => configured.WriteTo.Console(new CompactLog()),
            var other => throw new DataFolderException($"LogLine:Logs:Format is '{other}'; there are text and json."),
        };
        builder.Logging.AddSerilog(written.CreateLogger(), dispose: true);
    }

    /// <summary>The host's own word on a start that fails, with a trace. The exception reaches <c>Program</c> all the same, which says it in a line, or leaves a defect its trace.</summary>
    private static bool IsFailedStart(LogEvent one) =>
        one.Exception is not null
        && one.Properties.GetValueOrDefault("SourceContext") is ScalarValue { Value: "Microsoft.Extensions.Hosting.Internal.Host" }
        && one.Properties.GetValueOrDefault("EventId") is StructureValue id && id.Properties.Any(part => part is { Name: "Name", Value: ScalarValue { Value: "HostedServiceStartupFaulted" } });

    /// <summary>Says where the gateway listens and how to begin.</summary>
    public static void Ready(WebApplication app, string address)
    {
        var folder = app.Services.GetRequiredService<DataFolder>();
        app.Logger.LogInformation("LogLine listens on {Address}; data in {Data}", address, folder.Path);
        if (File.Exists(folder.BootstrapFile))
        {
            app.Logger.LogInformation("To begin: logline init --bootstrap {Bootstrap}", folder.BootstrapFile);
        }
    }

    /// <summary>Says that a worker is up, and where its health and its metrics are.</summary>
    public static void WorkerReady(WebApplication app, string address) =>
        app.Logger.LogInformation("The worker's health is on {Address}; its metrics too; data in {Data}", address, app.Services.GetRequiredService<DataFolder>().Path);
}
