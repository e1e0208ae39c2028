using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Api.Telemetry;

namespace LogLine.Api.Workers.Working;

/// <summary>
/// The role <c>worker</c>: engines, a runner token, the worker's own keys, and a gateway that it asks for work. It has no database and serves nothing but its health and its metrics.
/// </summary>
internal static class WorkerHost
{
    /// <summary>Registers what a worker is made of.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="data">Its data folder: keys, and the gateway's pinned one.</param>
    /// <param name="options">Options of the worker.</param>
    /// <param name="schemas">Where the catalogue of intents lies.</param>
    /// <param name="runner">Options of what it does with secrets.</param>
    /// <param name="adapters">Its engines.</param>
    public static void AddWorker(this WebApplicationBuilder builder, string data, string schemas, WorkerOptions options, RunnerOptions runner, IReadOnlyList<IRunAdapter> adapters)
    {
        options.CheckName();
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(_ => Catalogue.Load(schemas));
        services.AddSingleton(_ => DataFolder.Open(data));
        services.AddSingleton(provider => WorkerIdentity.Open(provider.GetRequiredService<DataFolder>(), options.Name));
        services.AddSingleton(provider => provider.GetRequiredService<WorkerIdentity>().Runner);
        services.AddSingleton(provider => new ServerPin(provider.GetRequiredService<DataFolder>(), options.ServerKey));
        services.AddSingleton<GatewayConnection>();
        services.AddSingleton<OrderCheck>();
        services.AddSingleton(provider => new RunTargets(adapters, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<EngineWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<EngineWatch>());
        services.AddSingleton(_ => Effects(adapters));
        services.AddSingleton<AnsweredLooks>();
        services.AddSingleton<HttpGateway>();
        services.AddSingleton<IRunGateway>(provider => provider.GetRequiredService<HttpGateway>());
        services.AddSingleton<WorkerGauges>();
        services.AddSingleton(runner);
        services.AddSingleton<GrantOpener>();
        services.AddSingleton(provider => runner.SecretsPath is { } path ? new SecretFiles(path) : SecretFiles.InMemory(provider.GetRequiredService<RunnerKeys>().Kid));
        services.AddSingleton<GrantVault>();
        services.AddSingleton<RunOutputs>();
        services.AddSingleton(provider => new UnsaidEnds(provider.GetRequiredService<DataFolder>().Unsaid, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<UnsaidEnds>>()));
        services.AddSingleton<IRunLogs, LocalRunLogs>();
        services.AddSingleton<QuestionDesk>();
        services.AddHostedService<Worker>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = runner.DrainTime + TimeSpan.FromSeconds(8));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
    }

    /// <summary><c>/healthz/live</c>, <c>/healthz/ready</c> while a gateway answers, and <c>/metrics</c>: a worker has no tokens to ask for, so its address is for those who may see them.</summary>
    public static WebApplication MapWorkerHealth(this WebApplication app)
    {
        app.UseMetricsAddress();
        app.MapGet("/healthz/live", () => Results.Text("live\n"));
        app.MapGet("/healthz/ready", ReadyAsync);
        app.MapGet("/metrics", MetricsAsync);
        return app;
    }

    /// <summary>Opens keys and connection, so that whatever is wrong with them is said at once, and ties what cannot be made in one direction.</summary>
    public static void OpenWorker(this WebApplication app)
    {
        LogLine.Protocol.Json.UnicodeData.Require();
        var (gateway, questions) = (app.Services.GetRequiredService<HttpGateway>(), app.Services.GetRequiredService<QuestionDesk>());
        _ = app.Services.GetRequiredService<WorkerGauges>();
        gateway.Asked = (address, question) => questions.Take(address, question, app.Lifetime.ApplicationStopping);
    }

    /// <summary>200 for <c>ready</c> and <c>degraded</c> (no engine answers; each is named), 503 for <c>waiting</c> (no gateway answers) and <c>draining</c> (it was told to stop).</summary>
    private static async Task ReadyAsync(HttpContext http, HttpGateway gateway, EngineWatch watch, IHostApplicationLifetime life)
    {
        var engines = await watch.SeenAsync(http.RequestAborted);
        var silence = gateway.Silence;
        var status = life.ApplicationStopping.IsCancellationRequested ? "draining" : !(silence < WorkerWire.LongestPoll * 2) ? "waiting" : engines.Any(engine => engine.Status.Available) ? "ready" : "degraded";
        http.Response.StatusCode = status is "ready" or "degraded" ? 200 : 503;
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("status", status);
            json.WriteString("worker", gateway.WorkerName);
            json.WriteNumber("runs", gateway.Held);
            if (silence is { } quiet)
            {
                json.WriteNumber("gateway_answered_s_ago", (long)quiet.TotalSeconds);
            }
            json.WriteStartObject("engines");
            foreach (var (provider, found) in engines)
            {
                json.WriteStartObject(provider);
                json.WriteBoolean("available", found.Available);
                json.WriteString(found.Available ? "version" : "reason", found.Available ? found.Version : found.Reason);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private static IResult MetricsAsync(HttpContext http, MetricsText metrics, MetricsDoor door, MetricsOptions options) =>
        options.Url is not null && !door.IsUsedBy(http) ? Results.Text($"The metrics are at {options.Url}.\n", statusCode: StatusCodes.Status404NotFound)
        : metrics.Collect() is { } text ? Results.Text(text, MetricsText.ContentType)
        : Results.Text("Nothing is measured here: LogLine:Metrics:Enabled is false.\n", statusCode: StatusCodes.Status404NotFound);

    private static Func<IReadOnlyList<(string, IEnumerable<string>)>> Effects(IReadOnlyList<IRunAdapter> adapters)
    {
        IReadOnlyList<(string, IEnumerable<string>)> effects = [.. adapters.Select(adapter => (adapter.Provider, (IEnumerable<string>)PrimitiveTable.EffectsOf(adapter)))];
        return () => effects;
    }
}
