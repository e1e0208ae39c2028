using LogLine.Api.Adapters;
using LogLine.Api.Artifacts;
using LogLine.Api.Delivery;
using LogLine.Api.Delivery.State;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Delivery.Webhooks;
using LogLine.Api.Delivery.Witnesses;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.OpenApi;
using LogLine.Api.Policy;
using LogLine.Api.Policy.Redis;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Api.Submissions;
using LogLine.Api.Telemetry;
using LogLine.Api.Tenants;
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace LogLine.Api;

/// <summary>Options of the gateway, section <c>LogLine</c> of the configuration; every default is here.</summary>
public sealed class GatewayOptions
{
    /// <summary>Data folder: <c>--data</c>, <c>LOGLINE_DATA</c> or <c>LogLine:Data</c>.</summary>
    public string Data { get; set; } = "data";

    /// <summary>Reads them from command line (<c>--role</c> and <c>--data</c> are short for settings), environment and <c>appsettings.json</c>.</summary>
    public static GatewayOptions Read(ConfigurationManager configuration, string[] args)
    {
        configuration.AddCommandLine(args, new Dictionary<string, string> { ["--role"] = "LogLine:Role" });
        SettingNames.Require(configuration);
        var options = Bind(configuration.GetSection("LogLine"));
        options.Data = configuration["data"] ?? configuration["LOGLINE_DATA"] ?? options.Data;
        if (options.IsWorker && string.IsNullOrEmpty(configuration["urls"]) && string.IsNullOrEmpty(configuration["http_ports"]))
        {
            configuration["urls"] = "http://127.0.0.1:0"; // health and metrics are for this machine unless said otherwise
        }
        return options;
    }

    private static GatewayOptions Bind(IConfigurationSection section)
    {
        try
        {
            return section.Get<GatewayOptions>() ?? new GatewayOptions();
        }
        catch (InvalidOperationException unreadable)
        {
            throw new DataFolderException(unreadable.Message, unreadable); // names the setting and what it holds
        }
    }

    /// <summary>What this process is: <c>all</c>; <c>gateway</c>, without engines and runner keys; or <c>worker</c>, without a ledger (docs/workers.md).</summary>
    public string Role { get; set; } = "all";

    /// <summary>True when the engines are other processes' (role <c>gateway</c>).</summary>
    public bool HasWorkersApart => Role == "gateway";

    /// <summary>True without a ledger (role <c>worker</c>).</summary>
    public bool IsWorker => Role == "worker";

    /// <summary>The role <c>worker</c>.</summary>
    public WorkerOptions Worker { get; set; } = new();

    /// <summary>Where the ledger lies: <c>sqlite</c>, in the data folder, or <c>postgres</c>, in the database of <c>ConnectionStrings:Ledger</c>.</summary>
    public string Store { get; set; } = "sqlite";

    /// <summary>A Redis that gateways share beside the store, as StackExchange.Redis writes its connections; null for none.</summary>
    public string? Redis { get; set; }

    /// <summary>Where the schemas lie; by default beside the program.</summary>
    public string Schemas { get; set; } = Path.Combine(AppContext.BaseDirectory, "schemas");

    /// <summary>Requests that may wait for the ledger before <c>503_BUSY</c>.</summary>
    public int QueueLength { get; set; } = 4096;

    /// <summary>What is allowed.</summary>
    public OperatorPolicy Policy { get; set; } = new();

    /// <summary>Webhooks.</summary>
    public WebhookPolicy Webhooks
    {
        get => Policy.Webhooks;
        set => Policy.Webhooks = value;
    }

    /// <summary>Event streams and WebSockets.</summary>
    public StreamOptions Streams { get; set; } = new();

    /// <summary>Command lines that stand for engines, and who the gateway is to registries.</summary>
    public AdapterOptions Engines { get; set; } = new();

    /// <summary>The worker of this process.</summary>
    public RunnerOptions Runner { get; set; } = new();

    /// <summary>What is logged, and how.</summary>
    public LogOptions Logs { get; set; } = new();

    /// <summary>What is measured, and where it is shown.</summary>
    public MetricsOptions Metrics { get; set; } = new();

    /// <summary>
    /// Seconds that a gateway goes on serving after it was told to stop: <c>/healthz/ready</c> says 503 at once, so that a balancer sends nothing new, and streams move to other gateways one
    /// after the other. Default: 0, which is right for a gateway that is alone.
    /// </summary>
    public double DrainSeconds { get; set; }

    /// <summary>How long workers have runs.</summary>
    public WorkerLeases Leases { get; set; } = new();

    /// <summary>Whom to ask for cosignatures.</summary>
    public WitnessOptions Witnesses { get; set; } = new();

    /// <summary>Where artifacts are kept, and how many.</summary>
    public ArtifactOptions Artifacts { get; set; } = new();
}

/// <summary>Puts the rooms together and takes them apart again.</summary>
internal static class GatewayHost
{
    /// <summary>The host's builder, and what command line, environment and files say.</summary>
    /// <exception cref="DataFolderException">Something in them is mistyped.</exception>
    public static WebApplicationBuilder CreateBuilder(string[] args, out GatewayOptions options)
    {
        SettingNames.Require(args); // first: of what the host cannot read it says less
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.AddSecretFiles();
        options = GatewayOptions.Read(builder.Configuration, args);
        return builder;
    }

    /// <summary>Registers what the role needs.</summary>
    /// <exception cref="DataFolderException">There is no such role.</exception>
    public static void AddRole(this WebApplicationBuilder builder, GatewayOptions options, Func<IReadOnlyList<IRunAdapter>> adapters)
    {
        switch (options.Role)
        {
            case "all" or "gateway":
                builder.AddGateway(options, adapters);
                break;
            case "worker":
                builder.Services.AddSingleton(options);
                builder.AddWorker(options.Data, options.Schemas, options.Worker, options.Runner, adapters());
                break;
            default:
                throw new DataFolderException($"LogLine:Role is '{options.Role}'; there are all, gateway and worker.");
        }
    }

    /// <summary>Runs until it is told to stop.</summary>
    public static async Task ServeAsync(this WebApplication app)
    {
        if (app.Services.GetRequiredService<GatewayOptions>().IsWorker)
        {
            app.OpenWorker();
            await app.BeginAsync();
            StartupLog.WorkerReady(app, Address(app));
        }
        else
        {
            await app.PrepareAsync();
            await app.OpenAsync();
        }
        await app.WaitForShutdownAsync();
    }

    /// <summary>Registers every room, in the direction in which they lean on one another.</summary>
    private static void AddGateway(this WebApplicationBuilder builder, GatewayOptions options, Func<IReadOnlyList<IRunAdapter>> adapters)
    {
        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(options.Policy);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => Catalogue.Load(options.Schemas));
        services.AddSingleton(_ => DataFolder.Open(options.Data));
        services.AddSingleton<OpenedLedger>();
        services.AddSingleton(provider => provider.GetRequiredService<OpenedLedger>().Ledger);
        services.AddSingleton(provider => ArtifactStore.Open(
            options.Artifacts.Path ?? Path.Combine(provider.GetRequiredService<DataFolder>().Path, DataFolder.ArtifactsName), options.Artifacts, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ArtifactDesk>();
        services.AddSingleton<TenantDirectory>();
        services.AddSingleton<RunDesk>();
        services.AddHostedService<RunGauges>();
        services.AddSingleton<EngineWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<EngineWatch>());
        services.AddSingleton(options.Leases);
        services.AddSingleton(provider => new RunnerDirectory(provider.GetRequiredService<SpanLedger>(), provider.GetService<RunnerKeys>()));
        if (options.HasWorkersApart)
        {
            services.AddWorkersApart();
        }
        else
        {
            services.AddOwnWorker(options.Runner, adapters());
        }
        services.AddSingleton(provider => new RedisServer(options.Redis, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RedisServer>>()));
        services.AddSingleton<RedisBuckets>();
        services.AddSingleton<TenantRules>();
        services.AddSingleton<TdlnGate>();
        services.AddSingleton<RefusalLog>();
        services.AddSingleton<RequestReader>();
        services.AddSingleton<Submitter>();
        services.AddSingleton(provider => new ReplyAdvice(provider.GetService<ReplyAdvisor>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ReplyAdvice>>()));
        services.AddDelivery(options.Streams, options.Witnesses);
        services.AddWebhooks(options.Webhooks);
        services.AddSingleton<ArtifactDoor>();
        services.AddHostedService(provider => provider.GetRequiredService<RefusalLog>());
        services.AddApiDocument(() => options.Schemas);
        services.AddDrain(() => TimeSpan.FromSeconds(options.DrainSeconds));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // RequestReader has the limit, and answers it with a problem document
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        });
    }

    /// <summary>The worker of this process, with its engines and its runner key.</summary>
    private static void AddOwnWorker(this IServiceCollection services, RunnerOptions options, IReadOnlyList<IRunAdapter> adapters)
    {
        services.AddSingleton(provider => new RunTargets(adapters, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => RunnerKeys.Open(provider.GetRequiredService<DataFolder>().Keys));
        services.AddSingleton<GrantOpener>();
        services.AddSingleton(provider => options.SecretsPath is { } path ? new SecretFiles(path) : SecretFiles.InMemory(provider.GetRequiredService<RunnerKeys>().Kid));
        services.AddSingleton<IRunGateway, LocalGateway>();
        services.AddSingleton<GrantVault>();
        services.AddSingleton<RunOutputs>();
        services.AddSingleton(provider => new UnsaidEnds(provider.GetRequiredService<DataFolder>().Unsaid, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<UnsaidEnds>>()));
        services.AddSingleton<IRunLogs, LocalRunLogs>();
        services.AddSingleton(options);
        services.AddHostedService<Worker>();
        services.PostConfigure<HostOptions>(host => host.ShutdownTimeout += options.DrainTime);
    }

    /// <summary>Workers that come over HTTP: no engine is connected to here, and no key opens a secret.</summary>
    private static void AddWorkersApart(this IServiceCollection services)
    {
        services.AddSingleton<WorkerBoard>();
        services.AddSingleton<WorkerRegistry>();
        services.AddSingleton<WorkOrders>();
        services.AddSingleton<WorkerReports>();
        services.AddSingleton<LeasePoll>();
        services.AddSingleton<IRunLogs, RemoteRunLogs>();
        services.AddSingleton(provider => new RunTargets(
            RunAdapters.EnginesOf(provider.GetRequiredService<GatewayOptions>().Engines).Select(name => new RemoteTarget(name, provider.GetRequiredService<WorkerBoard>()) { IsOptional = RunAdapters.IsOptional(name) }), provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Opens the data folder, loads the catalogue, and makes the first tenant: whatever is wrong is said before the first request.</summary>
    public static async Task PrepareAsync(this WebApplication app)
    {
        LogLine.Protocol.Json.UnicodeData.Require();
        _ = app.Services.GetRequiredService<Catalogue>();
        _ = app.Services.GetRequiredService<RedisServer>();
        _ = app.Services.GetRequiredService<StateRules>();
        await app.Services.GetRequiredService<OpenedLedger>().OpenAsync();
        var ledger = app.Services.GetRequiredService<SpanLedger>();
        _ = app.Services.GetRequiredService<TdlnGate>();
        await app.Services.GetRequiredService<ArtifactDesk>().SweepAsync();
        _ = app.Services.GetRequiredService<WitnessRounds>();
        await Bootstrap.InitialiseAsync(app.Services.GetRequiredService<DataFolder>(), ledger, ledger.Identity, app.Services.GetRequiredService<TimeProvider>());
    }

    /// <summary>Listens, and publishes the address.</summary>
    /// <returns>Where it listens.</returns>
    public static async Task<string> OpenAsync(this WebApplication app)
    {
        await app.BeginAsync();
        var address = Address(app);
        Bootstrap.Publish(app.Services.GetRequiredService<DataFolder>(), address, app.Services.GetRequiredService<SpanLedger>().Identity);
        StartupLog.Ready(app, address);
        return address;
    }

    /// <summary>Starts it. Where that fails, as its port is taken, what has begun already is ended as it is at any other time: just taken away it would be logged as a defect.</summary>
    private static async Task BeginAsync(this WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.StopAsync();
            throw;
        }
    }

    private static string Address(WebApplication app) =>
        (app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "http://localhost:5000")
        .Replace("[::]", "localhost").Replace("0.0.0.0", "127.0.0.1").Replace("+", "localhost").TrimEnd('/');
}

/// <summary>The ledger, once <see cref="GatewayHost.PrepareAsync"/> has opened it: opening waits for the store, and a constructor cannot.</summary>
internal sealed class OpenedLedger(DataFolder folder, GatewayOptions options, IConfiguration configuration, TimeProvider time, ILogger<SpanLedger> logger)
{
    private SpanLedger? _ledger;

    public SpanLedger Ledger => _ledger ?? throw new InvalidOperationException("The ledger is asked for before it is open.");

    /// <summary>The database of a shared ledger.</summary>
    /// <exception cref="DataFolderException">None is named.</exception>
    public static string ConnectionTo(IConfiguration configuration) =>
        configuration.GetConnectionString("Ledger") ?? throw new DataFolderException("LogLine:Store is postgres, but ConnectionStrings:Ledger names no database.");

    public async Task OpenAsync() => _ledger = options.Store switch
    {
        "sqlite" => await SqliteLedger.OpenAsync(folder, time, options.QueueLength, logger),
        "postgres" => await PostgresLedger.OpenAsync(
            ConnectionTo(configuration), folder, time, options.QueueLength, logger),
        var other => throw new DataFolderException($"LogLine:Store is '{other}'; there are sqlite and postgres."),
    };
}
