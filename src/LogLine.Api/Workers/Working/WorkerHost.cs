using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;

namespace LogLine.Api.Workers.Working;

/// <summary>
/// The role <c>worker</c>: engines, a runner token, the worker's own keys, and a gateway that it asks for work. It has no database and serves nothing but its health.
/// </summary>
internal static class WorkerHost
{
    /// <summary>Registers what a worker is made of.</summary>
    /// <param name="builder">The program.</param>
    /// <param name="data">Its data folder: keys, and the gateway's pinned one.</param>
    /// <param name="options">Options of the worker.</param>
    /// <param name="runner">Options of what it does with secrets.</param>
    /// <param name="adapters">Its engines.</param>
    public static void AddWorker(this WebApplicationBuilder builder, string data, WorkerOptions options, RunnerOptions runner, IReadOnlyList<IRunAdapter> adapters)
    {
        options.CheckName();
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(_ => DataFolder.Open(data));
        services.AddSingleton(provider => WorkerIdentity.Open(provider.GetRequiredService<DataFolder>(), options.Name));
        services.AddSingleton(provider => provider.GetRequiredService<WorkerIdentity>().Runner);
        services.AddSingleton(provider => new ServerPin(provider.GetRequiredService<DataFolder>(), options.ServerKey));
        services.AddSingleton<GatewayConnection>();
        services.AddSingleton<OrderCheck>();
        services.AddSingleton(provider => new RunTargets(adapters, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(_ => Effects(adapters));
        services.AddSingleton<HttpGateway>();
        services.AddSingleton<IRunGateway>(provider => provider.GetRequiredService<HttpGateway>());
        services.AddSingleton<GrantOpener>();
        services.AddSingleton(provider => runner.SecretsPath is { } path ? new SecretFiles(path) : SecretFiles.InMemory(provider.GetRequiredService<RunnerKeys>().Kid));
        services.AddSingleton<GrantVault>();
        services.AddSingleton<RunOutputs>();
        services.AddSingleton<IRunLogs, LocalRunLogs>();
        services.AddSingleton<QuestionDesk>();
        services.AddHostedService<Worker>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(8));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        if (string.IsNullOrEmpty(builder.Configuration["urls"]))
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        }
    }

    /// <summary><c>/healthz/live</c>, and <c>/healthz/ready</c> while a gateway answers.</summary>
    public static WebApplication MapWorkerHealth(this WebApplication app)
    {
        app.MapGet("/healthz/live", () => Results.Text("live\n"));
        app.MapGet("/healthz/ready", ReadyAsync);
        return app;
    }

    /// <summary>Opens keys and connection, so that whatever is wrong with them is said at once, and ties what cannot be made in one direction.</summary>
    public static void OpenWorker(this WebApplication app)
    {
        LogLine.Protocol.Json.UnicodeData.Require();
        var (gateway, questions) = (app.Services.GetRequiredService<HttpGateway>(), app.Services.GetRequiredService<QuestionDesk>());
        gateway.Asked = (address, question) => questions.Take(address, question, app.Lifetime.ApplicationStopping);
    }

    private static async Task ReadyAsync(HttpContext http, HttpGateway gateway)
    {
        var silence = gateway.Silence;
        var isReady = silence < WorkerWire.LongestPoll * 2;
        http.Response.StatusCode = isReady ? 200 : 503;
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("status", isReady ? "ready" : "waiting");
            json.WriteString("worker", gateway.WorkerName);
            if (silence is { } quiet)
            {
                json.WriteNumber("gateway_answered_s_ago", (long)quiet.TotalSeconds);
            }
            json.WriteEndObject();
        });
    }

    private static Func<IReadOnlyList<(string, IEnumerable<string>)>> Effects(IReadOnlyList<IRunAdapter> adapters)
    {
        IReadOnlyList<(string, IEnumerable<string>)> effects = [.. adapters.Select(adapter => (adapter.Provider, (IEnumerable<string>)PrimitiveTable.EffectsOf(adapter)))];
        return () => effects;
    }
}
