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

    static FakeEngine Engine(string info, string address, string ports, bool isRemote) => new(request => FakeEngine.Json(
        request == "GET /version" ? FakeEngine.Version
        : request.EndsWith("/info", StringComparison.Ordinal) ? info
        : $$$$"""{"Id":"c1","Name":"/dev-web","State":{"Status":"running"},"Config":{"Labels":{"logline.tenant":"dev","logline.name":"web","logline.run_id":"run_web"}},"NetworkSettings":{"IPAddress":"{{{{address}}}}","Ports":{{{{ports}}}}}}"""), isRemote);
}
