using System.Net.Http.Headers;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Deploy;

/// <summary>
/// A deployment as docker-compose.yml and deploy/kubernetes have it: two gateways and a worker, each a process, on one PostgreSQL and one Redis, with the same keys, behind a balancer.
/// The worker alone reaches the engine, a real Podman, and each gateway by its own address.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    private const string Engine = "podman";

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-site-").FullName;
    private readonly GatewayProcess[] _gateways = new GatewayProcess[2];
    private readonly Dictionary<string, string> _settings;
    private readonly string _engine;
    // An address that nobody else of this machine uses, so that a gateway which is replaced finds its port free.
    private readonly string _network = $"127.{Random.Shared.Next(1, 255)}.{Random.Shared.Next(1, 255)}.";
    private GatewayProcess _worker = null!;
    private Balancer _balancer = null!;

    private Site(string database, string redis, string engine)
    {
        _engine = engine;
        _settings = new Dictionary<string, string>
        {
            ["LogLine__Role"] = "gateway", ["LogLine__Store"] = "postgres", ["ConnectionStrings__Ledger"] = database, ["LogLine__Redis"] = redis, ["LogLine__DrainSeconds"] = "2",
        };
    }

    /// <summary>Of the balancer.</summary>
    public Uri Address => _balancer.Address;

    public string ApiKey => _gateways[0].ApiKey;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts all of it; returns when the worker's engine can be used.</summary>
    public static async Task<Site> StartAsync(string database, string redis)
    {
        Balancer.Require();
        if (Environment.GetEnvironmentVariable("LOGLINE_TEST_PODMAN") is not { Length: > 0 } engine)
        {
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", "LOGLINE_TEST_PODMAN names no engine; tests/run starts one.");
            Assert.Skip("LOGLINE_TEST_PODMAN names no engine; tests/run starts one.");
            throw new InvalidOperationException();
        }
        var site = new Site(database, redis, engine);
        site._gateways[0] = await site.StartGatewayAsync(0, null);
        var keys = Directory.CreateDirectory(Path.Combine(site.DataOf("gateway1"), "keys")).FullName;
        foreach (var key in Directory.GetFiles(Path.Combine(site.DataOf("gateway0"), "keys")))
        {
            File.Copy(key, Path.Combine(keys, Path.GetFileName(key)));
        }
        site._gateways[1] = await site.StartGatewayAsync(1, site.ApiKey);
        site._balancer = await Balancer.StartAsync(site.SocketOf(0), site.SocketOf(1));
        await site.StartFirstWorkerAsync();
        return site;
    }

    /// <summary>Tells a gateway to stop, as an orchestrator does, and starts the next one in its place; returns when the balancer has had time to see it.</summary>
    public async Task ReplaceGatewayAsync(int gateway)
    {
        var apiKey = ApiKey;
        await EndAsync(_gateways[gateway]);
        _gateways[gateway] = await StartGatewayAsync(gateway, apiKey);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel); // as minReadySeconds does: two looks of the balancer
    }

    /// <summary>The same with the worker: what runs on its engine goes on, and the next one takes it up.</summary>
    public async Task ReplaceWorkerAsync()
    {
        await EndAsync(_worker);
        _worker = await StartWorkerAsync();
    }

    /// <summary>A client of the balancer.</summary>
    public HttpClient Connect()
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", ApiKey);
        return client;
    }

    /// <summary>The whole ledger of the tenant, in order, or what of it is about a run.</summary>
    public async Task<List<JsonElement>> SpansAsync(string? runId = null)
    {
        using var client = new RepeatingClient(this);
        var spans = new List<JsonElement>();
        for (long? cursor = 0; cursor is { } after;)
        {
            var about = runId is null ? "" : $"\"run_id\":\"{runId}\",";
            var page = await client.PostAsync($$"""{{{about}}"after":{{after}},"limit":1000}""", "/v1/spans/query");
            spans.AddRange(page.Items("items"));
            cursor = page.Integer("cursor");
        }
        return spans;
    }

    /// <summary>Removes the container of a service, if there is one.</summary>
    public async Task RemoveAsync(string service)
    {
        using var engine = new EngineAdapter(EngineEndpoints.At(Engine, _engine), TimeProvider.System);
        while (await engine.FindByNameAsync(TestGateway.Tenant, service, CancellationToken.None) is { } left)
        {
            await engine.RemoveAsync(left.Id, force: true, CancellationToken.None);
        }
    }

    private async Task StartFirstWorkerAsync()
    {
        using var client = new RepeatingClient(this);
        await File.WriteAllTextAsync(TokenFile, (await client.PostAsync("""{"scopes":["runner"]}""", "/v1/tokens")).Text("api_key"), Cancel);
        _worker = await StartWorkerAsync();
        await Patience.UntilAsync("a worker for the engine", async () => (await client.GetAsync("/healthz/ready")).Member("engines").Member(Engine).Flag("available") == true);
    }

    private Task<GatewayProcess> StartGatewayAsync(int gateway, string? apiKey)
    {
        File.Delete(SocketOf(gateway)); // the web server leaves it behind
        return GatewayProcess.StartAsync(_settings, DataOf("gateway" + gateway), apiKey, $"http://unix:{SocketOf(gateway)};{UrlOf(gateway)}");
    }

    private Task<GatewayProcess> StartWorkerAsync() => GatewayProcess.StartAsync(new Dictionary<string, string>
    {
        ["LogLine__Role"] = "worker", ["LogLine__Worker__Gateway"] = $"{UrlOf(0)},{UrlOf(1)}", ["LogLine__Worker__TokenFile"] = TokenFile, ["LogLine__Worker__Name"] = "worker-1",
        ["CONTAINER_HOST"] = _engine, ["DOCKER_HOST"] = "unix:///nowhere/engine.sock",
    }, DataOf("worker"), apiKey: "");

    private static async Task EndAsync(GatewayProcess process)
    {
        process.Signal("TERM");
        Assert.True(await process.EndAsync() == 0, string.Join('\n', process.Lines.TakeLast(40)));
        await process.DisposeAsync();
    }

    private string TokenFile => Path.Combine(_folder, "worker.token");

    private string DataOf(string process) => Path.Combine(_folder, process);

    private string SocketOf(int gateway) => Path.Combine(_folder, $"g{gateway}.sock");

    private string UrlOf(int gateway) => $"http://{_network}{gateway + 1}:5080";

    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[_balancer, _worker, .. _gateways])
        {
            await (part?.DisposeAsync() ?? default);
        }
        Directory.Delete(_folder, recursive: true);
    }
}
