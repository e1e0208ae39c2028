using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>Engines that are absent, slow, talk nonsense, or are of a version that we do not speak.</summary>
public sealed class EngineFaultTests
{
    static readonly EngineLimits Impatient = new()
    {
        Settle = TimeSpan.FromMilliseconds(100),
        Glance = TimeSpan.FromMilliseconds(5),
        AnswerBytes = 4096,
    };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("docker", "DOCKER_HOST")]
    [InlineData("podman", "CONTAINER_HOST")]
    public async Task NoSocket_IsUnavailableWithAWayOut(string provider, string variable)
    {
        using var adapter = new EngineAdapter(EngineEndpoints.At(provider, "unix:///no/such/engine.sock"), TimeProvider.System);
        var status = await adapter.StatusAsync(Cancel);
        Assert.False(status.Available);
        Assert.Contains("/no/such/engine.sock", status.Reason);
        Assert.Contains(variable, status.Reason);
        await EngineLab.RefusedAsync(AdapterFailure.Unavailable, () => adapter.FindByRunAsync("run_1", Cancel));
    }

    [Fact]
    public async Task SocketWithoutListener_IsUnavailableWithAWayOut()
    {
        var path = Path.Combine(Path.GetTempPath(), $"lle-{Guid.NewGuid():N}");
        await File.WriteAllTextAsync(path, "", Cancel);
        try
        {
            using var adapter = new EngineAdapter(EngineEndpoints.At("docker", $"unix://{path}"), TimeProvider.System);
            var status = await adapter.StatusAsync(Cancel);
            Assert.False(status.Available);
            Assert.Contains("nobody answers", status.Reason);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"ApiVersion\":\"abc\"}")]
    public async Task Nonsense_IsUnavailable(string answer)
    {
        await using var fake = new FakeEngine(_ => Encoding.UTF8.GetBytes(answer));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var status = await adapter.StatusAsync(Cancel);
        Assert.False(status.Available);
        Assert.Contains("engine", status.Reason);
    }

    [Fact]
    public async Task NonsenseAfterTheVersion_IsUnavailable()
    {
        await using var fake = new FakeEngine(r => FakeEngine.Json(r == "GET /version" ? FakeEngine.Version : "[{]"));
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient, TimeProvider.System);
        await EngineLab.RefusedAsync(AdapterFailure.Unavailable, () => adapter.FindByRunAsync("run_1", Cancel));
    }

    [Fact]
    public async Task AnswerBeyondTheLimit_IsCutOff()
    {
        await using var fake = new FakeEngine(r => FakeEngine.Json(r == "GET /version" ? FakeEngine.Version : $"[{new string(' ', 5000)}]"));
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient, TimeProvider.System);
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.Unavailable, () => adapter.FindByRunAsync("run_1", Cancel));
        Assert.Contains("4096", refusal.Message);
    }

    [Fact]
    public async Task NoAnswer_IsUnavailableWithinTheLimit()
    {
        await using var fake = new FakeEngine(_ => null);
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient with { Status = TimeSpan.FromMilliseconds(200) }, TimeProvider.System);
        var status = await adapter.StatusAsync(Cancel);
        Assert.Contains("within 0.2 s", status.Reason);
    }

    [Fact]
    public async Task CallerGivesUp_IsCancelledNotRefused()
    {
        await using var fake = new FakeEngine(_ => null);
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        using var gone = new CancellationTokenSource();
        var find = adapter.FindByRunAsync("run_1", gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => find);
    }

    [Theory]
    [InlineData("1.52", "1.44", "/v1.47/")]
    [InlineData("1.41", "1.12", "/v1.41/")]
    [InlineData("1.47", "1.47", "/v1.47/")]
    public async Task VersionsOverlap_NewestCommonOneIsSpoken(string speaks, string least, string expected)
    {
        await using var fake = new FakeEngine(r => FakeEngine.Json(r == "GET /version" ? $$"""{"ApiVersion":"{{speaks}}","MinAPIVersion":"{{least}}"}""" : "[]"));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        Assert.Null(await adapter.FindByRunAsync("run_1", Cancel));
        Assert.StartsWith("GET " + expected, fake.Requests.Last());
    }

    [Theory]
    [InlineData("1.39", "1.12")]
    [InlineData("1.60", "1.48")]
    public async Task VersionsDoNotMeet_IsUnavailableAndSaysWhich(string speaks, string least)
    {
        await using var fake = new FakeEngine(_ => FakeEngine.Json($$"""{"ApiVersion":"{{speaks}}","MinAPIVersion":"{{least}}"}"""));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        Assert.Contains(speaks, (await adapter.StatusAsync(Cancel)).Reason);
    }

    [Fact]
    public async Task EnginesOwnError_IsKeptWhole()
    {
        await using var fake = new FakeEngine(r => r == "GET /version" ? FakeEngine.Json(FakeEngine.Version) : FakeEngine.Json("""{"message":"the disk is full"}""", "500 Internal Server Error"));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.Refused, () => adapter.FindByRunAsync("run_1", Cancel));
        Assert.Equal("the disk is full", refusal.Message);
    }

    [Fact]
    public async Task TransientStatePasses_IsWaitedOut()
    {
        var looks = 0;
        await using var fake = new FakeEngine(r => FakeEngine.Json(r == "GET /version" ? FakeEngine.Version : Container(++looks < 3 ? "restarting" : "running")));
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient with { Settle = TimeSpan.FromSeconds(30) }, TimeProvider.System);
        Assert.Equal(WorkloadState.Running, (await adapter.StartAsync("c1", Cancel)).State);
        Assert.Equal(3, looks);
    }

    [Fact]
    public async Task TransientStateStays_IsAConflictWithItsName()
    {
        await using var fake = new FakeEngine(r => FakeEngine.Json(r == "GET /version" ? FakeEngine.Version : Container("removing")));
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient, TimeProvider.System);
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.Conflict, () => adapter.StartAsync("c1", Cancel));
        Assert.Contains("'removing'", refusal.Message);
    }

    [Fact]
    public async Task EngineAwayWhileWaiting_IsAskedAgainUntilItKnowsTheEnd()
    {
        var asked = 0;
        await using var fake = new FakeEngine(r => r switch
        {
            "GET /version" => FakeEngine.Json(FakeEngine.Version),
            _ when r.StartsWith("POST", StringComparison.Ordinal) => null, // The wait is lost: only looking again tells.
            _ => ++asked switch
            {
                1 => FakeEngine.Json(Container("running")),
                2 => "nonsense\r\n"u8.ToArray(),
                3 => FakeEngine.Json("""{"message":"starting up"}""", "503 Service Unavailable"),
                _ => FakeEngine.Json(Container("exited", exitCode: 9)),
            },
        });
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient with { WaitSlice = TimeSpan.FromMilliseconds(50) }, TimeProvider.System);
        Assert.Equal(9, (await adapter.WaitAsync("c1", Cancel)).ExitCode);
    }

    [Fact]
    public async Task WaitThatTakesItsTime_IsNoLossOfTheEngine()
    {
        var looks = 0;
        await using var fake = new FakeEngine(r => r == "GET /version" ? FakeEngine.Json(FakeEngine.Version)
            : r.StartsWith("POST", StringComparison.Ordinal) ? null // The container lives on.
            : FakeEngine.Json(++looks < 6 ? Container("running") : Container("exited", exitCode: 9)));
        using var adapter = new EngineAdapter(fake.Endpoint, Impatient with { WaitSlice = TimeSpan.FromMilliseconds(20) }, TimeProvider.System);
        Assert.Equal(9, (await adapter.WaitAsync("c1", Cancel)).ExitCode);
        Assert.Single(fake.Requests, "GET /version");
    }

    [Fact]
    public async Task EngineOverTcp_IsSpokenToAsOverASocket()
    {
        await using var fake = new FakeEngine(r => FakeEngine.Json(r == "GET /version" ? FakeEngine.Version : "[]"), tcp: true);
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var status = await adapter.StatusAsync(Cancel);
        Assert.True(status.Available, status.Reason);
        Assert.StartsWith("tcp://127.0.0.1:", status.Endpoint);
    }

    static string Container(string status, int exitCode = 0) => $$$$"""
        {"Id":"c1","State":{"Status":"{{{{status}}}}","ExitCode":{{{{exitCode}}}}},
         "Config":{"Labels":{"logline.tenant":"t","logline.name":"n","logline.run_id":"r"}}}
        """;
}
