using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>An image that the engine does not have is fetched once, and then the container is made; no registry is needed to see that.</summary>
public sealed class EnginePullTests
{
    const string NoImage = """{"message":"No such image: shop/web:7"}""";
    const string Progress = """
        {"status":"Pulling from shop/web","id":"7"}
        {"status":"Downloading","progressDetail":{"current":1,"total":2}}

        """;

    static readonly WorkloadSpec Spec = new() { Tenant = "dev", Name = "web", RunId = "run_1", Image = "shop/web:7" };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ImageFetched_ContainerIsMade()
    {
        await using var fake = Registry(FakeEngine.Json(Progress));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        Assert.Equal("c1", (await adapter.CreateAsync(Spec, Cancel)).Id);
        Assert.Contains("POST /v1.47/images/create?fromImage=docker.io%2Fshop%2Fweb&tag=7", fake.Requests);
    }

    [Fact]
    public async Task FetchFailsInTheStream_IsImageNotFoundInTheEnginesWords()
    {
        await using var fake = Registry(FakeEngine.Json(Progress + """{"error":"toomanyrequests: slow down"}"""), imageArrives: false);
        await RefusedAsync(fake, EngineLimits.Default, "toomanyrequests: slow down");
    }

    [Fact]
    public async Task FetchRefused_IsImageNotFoundInTheEnginesWords()
    {
        await using var fake = Registry(FakeEngine.Json("""{"message":"pull access denied for shop/web"}""", "404 Not Found"), imageArrives: false);
        await RefusedAsync(fake, EngineLimits.Default, "pull access denied for shop/web");
    }

    [Fact]
    public async Task FetchNeverEnds_IsImageNotFoundAfterTheLimit()
    {
        await using var fake = Registry(null, imageArrives: false);
        await RefusedAsync(fake, EngineLimits.Default with { Pull = TimeSpan.FromMilliseconds(100) }, "within 0.1 s");
    }

    static async Task RefusedAsync(FakeEngine fake, EngineLimits limits, string words)
    {
        using var adapter = new EngineAdapter(fake.Endpoint, limits, TimeProvider.System);
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.ImageNotFound, () => adapter.CreateAsync(Spec, Cancel));
        Assert.Contains(words, refusal.Message);
    }

    /// <summary>A pull takes minutes; what is short does not wait behind it for a connection.</summary>
    [Fact]
    public async Task PullThatTakesItsTime_KeepsNobodyFromTheEngine()
    {
        await using var fake = Registry(null, imageArrives: false);
        using var client = new EngineClient(fake.Endpoint, new EngineLimits { Connections = 1 }, TimeProvider.System, RegistryCredentials.Of([]));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);

        var pulling = client.PullAsync(ImageReference.Parse("docker.io/shop/web:1"), null, stop.Token);
        await Patience.UntilAsync("the pull", () => fake.Requests.Any(request => request.Contains("/images/create?", StringComparison.Ordinal)));
        var found = await client.InspectAsync("c1", Cancel);
        await stop.CancelAsync();

        Assert.Equal("c1", found?.Id);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pulling);
    }

    static FakeEngine Registry(byte[]? pull, bool imageArrives = true)
    {
        var fetched = false;
        return new FakeEngine(request => request switch
        {
            "GET /version" => FakeEngine.Json(FakeEngine.Version),
            "GET /v1.47/containers/c1/json" => FakeEngine.Json("""{"Id":"c1","State":{"Status":"created"},"Config":{"Labels":{"logline.tenant":"dev","logline.name":"web","logline.run_id":"run_1"}}}"""),
            _ when request.StartsWith("GET /v1.47/containers/json?", StringComparison.Ordinal) => FakeEngine.Json("[]"),
            _ when request.StartsWith("POST /v1.47/images/create?", StringComparison.Ordinal) => Fetch(),
            _ when fetched => FakeEngine.Json("""{"Id":"c1"}""", "201 Created"),
            _ => FakeEngine.Json(NoImage, "404 Not Found"),
        });

        byte[]? Fetch()
        {
            fetched = imageArrives;
            return pull;
        }
    }
}
