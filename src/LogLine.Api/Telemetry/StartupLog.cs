using LogLine.Api.Ledger;
using Serilog;
using Serilog.Events;

namespace LogLine.Api.Telemetry;

/// <summary>What the operator reads: one line per event, no payloads, no secrets.</summary>
internal static class StartupLog
{
    /// <summary>Logs to the console; levels from the section <c>Serilog</c> of the configuration.</summary>
    public static void AddLogs(this WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddSerilog(new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting", LogEventLevel.Warning)
            .ReadFrom.Configuration(builder.Configuration)
            .Enrich.FromLogContext()
            .Enrich.With<TicketRedaction>()
            .WriteTo.Console(outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}", formatProvider: System.Globalization.CultureInfo.InvariantCulture)
            .CreateLogger(), dispose: true);
    }

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
}
