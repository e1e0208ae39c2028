using System.Net;
using System.Net.Sockets;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>Where a health check goes from here.</summary>
public sealed class HealthProbeTests : IDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);

    public HealthProbeTests() => listener.Start();

    public void Dispose() => listener.Dispose();

    int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>An engine without root has a network of its own: what has a container's address outside of it is something else, perhaps another engine's container.</summary>
    [Theory]
    [InlineData("""{}""", false, true, null)]
    [InlineData("""{"SecurityOptions":["name=seccomp,profile=default","name=rootless"]}""", false, false, "reached from here (its engine runs without root), and its port ")]
    [InlineData("""{"Rootless":true}""", false, false, "reached from here (its engine runs without root), and its port ")]
    [InlineData("""{}""", true, false, "reached from here (its engine is on 127.0.0.1), and its port ")]
    public async Task ContainersOwnAddress_IsDialledWhereItIsReached(string info, bool isRemote, bool isHealthy, string? why)
    {
        await using var fake = Engine(info, "127.0.0.1", "{}", isRemote);
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        var found = await adapter.ProbeAsync("c1", new HealthCheck { Port = Port }, EngineLab.Cancel);

        Assert.Equal(isHealthy, found.Healthy);
        Assert.Contains(why ?? "", found.Why ?? "");
        Assert.Equal(why is not null, found.Why?.EndsWith("is not published: publish it (deploy.ports), or check by a command in the container (health.exec)", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("""{"SecurityOptions":["name=rootless"]}""", false)]
    [InlineData("""{}""", true)]
    public async Task ElseItsPublishedPort(string info, bool isRemote)
    {
        await using var fake = Engine(info, "127.0.0.2", $$"""{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"{{Port}}"}]}""", isRemote);
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        Assert.True((await adapter.ProbeAsync("c1", new HealthCheck { Port = 80 }, EngineLab.Cancel)).Healthy);
    }

    /// <summary>Neither on another machine nor with another user's engine can the process of a command be ended.</summary>
    [Fact]
    public async Task CommandThatGoesOnAfterItsTime_IsTheOnlyOne()
    {
        var goesOn = true;
        await using var fake = new FakeEngine(request =>
            request == "GET /version" ? FakeEngine.Json(FakeEngine.Version)
            : request.EndsWith("/containers/c1/exec", StringComparison.Ordinal) ? FakeEngine.Json("""{"Id":"e1"}""", "201 Created")
            : request.EndsWith("/exec/e1/start", StringComparison.Ordinal) ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"u8.ToArray()
            : request.EndsWith("/exec/e1/json", StringComparison.Ordinal) ? FakeEngine.Json(goesOn ? """{"Running":true,"Pid":1}""" : """{"Running":false,"ExitCode":0}""")
            : FakeEngine.Json("""{"Id":"c1","Name":"/dev-web","State":{"Status":"running"},"Config":{"Labels":{"logline.tenant":"dev","logline.name":"web","logline.run_id":"run_web"}}}"""));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var check = new HealthCheck { Argv = ["sleep", "600"], Timeout = TimeSpan.FromMilliseconds(50) };
        int Begun() => fake.Requests.Count(request => request.EndsWith("/containers/c1/exec", StringComparison.Ordinal));

        Assert.Equal("the command did not end within 0.05 s", (await adapter.ProbeAsync("c1", check, EngineLab.Cancel)).Why);
        for (var again = 0; again < 3; again++)
            Assert.StartsWith("the command of an earlier check has not ended", (await adapter.ProbeAsync("c1", check, EngineLab.Cancel)).Why);
        Assert.Equal(1, Begun());

        goesOn = false;
        await adapter.ProbeAsync("c1", check, EngineLab.Cancel);
        Assert.Equal(2, Begun());
    }

    static FakeEngine Engine(string info, string address, string ports, bool isRemote) => new(request => FakeEngine.Json(
        request == "GET /version" ? FakeEngine.Version
        : request.EndsWith("/info", StringComparison.Ordinal) ? info
        : $$$$"""{"Id":"c1","Name":"/dev-web","State":{"Status":"running"},"Config":{"Labels":{"logline.tenant":"dev","logline.name":"web","logline.run_id":"run_web"}},"NetworkSettings":{"IPAddress":"{{{{address}}}}","Ports":{{{{ports}}}}}}"""), isRemote);
}
