using LogLine.Api;
using LogLine.Api.Adapters;
using LogLine.Api.Delivery;
using LogLine.Api.Delivery.State;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Delivery.Webhooks;
using LogLine.Api.Delivery.Tlog;
using LogLine.Api.Delivery.Witnesses;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Policy.Redis;
using LogLine.Api.Submissions;
using LogLine.Api.Telemetry;

try
{
    if (OperatorCommands.Find(args) is { } command)
    {
        return await command(args);
    }
    await using var app = GatewayProgram.Build(args);
    await app.PrepareAsync();
    await app.OpenAsync();
    await app.WaitForShutdownAsync();
    return 0;
}
catch (Exception defect) when (defect is DataFolderException or CatalogueException or WitnessOptionsException or RedisOptionsException or PlatformNotSupportedException or DllNotFoundException or IOException)
{
    // What an operator can mend is said in one line; everything else is a defect and keeps its trace.
    await Console.Error.WriteLineAsync("logline-api: " + defect.Message);
    return 1;
}

/// <summary>The gateway as a web application; tests start the same one.</summary>
public static class GatewayProgram
{
    /// <summary>Builds it from command line (<c>--data</c>, <c>--urls</c>), environment and <c>appsettings.json</c>.</summary>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? adjust = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.AddSecretFiles();
        builder.AddLogs();
        var options = builder.Configuration.GetSection("LogLine").Get<GatewayOptions>() ?? new GatewayOptions();
        options.Data = builder.Configuration["data"] ?? Environment.GetEnvironmentVariable("LOGLINE_DATA") ?? options.Data;
        builder.AddTelemetry(options.Metrics);
        builder.AddGateway(options, RunAdapters.Discover(Environment.GetEnvironmentVariable, options.Engines, TimeProvider.System));
        adjust?.Invoke(builder);

        var app = builder.Build();
        app.UseMetricsAddress();
        app.UseRequestSpans();
        app.UseProblemsForDefects(isAway: defect => defect is LedgerStoreException or LedgerUnavailableException);
        app.UseWebSockets();
        app.MapSubmissions();
        app.MapUniversal();
        app.MapAdministration();
        app.MapArtifactWrites();
        app.MapSpanReads();
        app.MapStateView();
        app.MapRunReads();
        app.MapArtifactReads();
        app.MapStream();
        app.MapStreamTickets();
        app.MapWebhooks();
        app.MapServerReads();
        app.MapMetrics();
        app.MapLedgerExport();
        app.MapConsistency();
        app.MapTlog();
        app.MapApiDocument();
        return app;
    }
}
