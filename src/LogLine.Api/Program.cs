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
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;

try
{
    if (OperatorCommands.Find(args) is { } command)
    {
        return await command(args);
    }
    await using var app = GatewayProgram.Build(args);
    await app.ServeAsync();
    return 0;
}
catch (Exception defect) when (defect is DataFolderException or LedgerStoreException or CatalogueException or WitnessOptionsException or RedisOptionsException or EngineOptionsException or PlatformNotSupportedException or DllNotFoundException or IOException)
{
    // What an operator can mend is said in one line; everything else is a defect and keeps its trace.
    await Console.Error.WriteLineAsync("logline-api: " + defect.Message);
    return 1;
}

/// <summary>The gateway as a web application; tests start the same one.</summary>
public static class GatewayProgram
{
    /// <summary>Builds it from command line (<c>--role</c>, <c>--data</c>, <c>--urls</c>), environment and <c>appsettings.json</c>.</summary>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? adjust = null)
    {
        var builder = GatewayHost.CreateBuilder(args, out var options);
        builder.AddLogs(options.Logs);
        builder.AddTelemetry(options.Metrics, options.IsWorker ? "logline-worker" : "logline-gateway");
        builder.AddRole(options, () => RunAdapters.Discover(Environment.GetEnvironmentVariable, options.Engines, new(options.Policy), TimeProvider.System));
        adjust?.Invoke(builder);

        var app = builder.Build();
        if (options.IsWorker)
        {
            return app.MapWorkerHealth();
        }
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
        app.MapMiniContainerReads();
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
        app.MapWorkers(options.HasWorkersApart);
        return app;
    }
}
