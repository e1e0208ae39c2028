using System.Text;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>What is refused before an engine is called, and where engines are looked for.</summary>
public sealed class EngineInputTests
{
    static readonly WorkloadSpec Good = new() { Tenant = "dev", Name = "web", RunId = "run_1", Image = "nginx" };

    public static TheoryData<string, WorkloadSpec> Refused => new()
    {
        { "begins with '-'", Good with { Image = "--privileged" } },
        { "image: empty", Good with { Image = "" } },
        { "image: white space", Good with { Image = "nginx latest" } },
        { "image: white space", Good with { Image = "nginx\0" } },
        { "at most 512", Good with { Image = new string('a', 513) } },
        { "tenant and name", Good with { Name = "-rm" } },
        { "tenant and name", Good with { Name = "a/../b" } },
        { "tenant and name", Good with { Tenant = "" } },
        { "env: 'A=B'", Good with { Env = new Dictionary<string, string> { ["A=B"] = "c" } } },
        { "env: ''", Good with { Env = new Dictionary<string, string> { [""] = "c" } } },
        { "env.A", Good with { Env = new Dictionary<string, string> { ["A"] = "c\0" } } },
        { "argv", Good with { Argv = ["a\0b"] } },
        { "argv", Good with { Argv = ["\ud800"] } },
        { "argv", Good with { Entrypoint = ["\udc00\ud800"] } },
        { "user", Good with { User = "0\0" } },
        { "ports", Good with { Ports = [new(0, 0)] } },
        { "ports", Good with { Ports = [new(70000, 80)] } },
        { "memory", Good with { MemoryBytes = 0 } },
        { "cpus", Good with { CpuMillis = -1 } },
        { "pids", Good with { Pids = 0 } },
    };

    [Theory, MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task BadInput_IsRefusedBeforeTheEngineIsCalled(string words, WorkloadSpec spec)
    {
        await using var fake = new FakeEngine(_ => FakeEngine.Json("{}"));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.Refused, () => adapter.CreateAsync(spec, TestContext.Current.CancellationToken));
        Assert.Contains(words, refusal.Message);
        Assert.Empty(fake.Requests);
    }

    [Theory]
    [InlineData("nginx", "nginx", "latest")]
    [InlineData("nginx:1.27", "nginx", "1.27")]
    [InlineData("localhost:5000/a/b", "localhost:5000/a/b", "latest")]
    [InlineData("localhost:5000/a/b:2", "localhost:5000/a/b", "2")]
    [InlineData("a/b@sha256:00", "a/b", "sha256:00")]
    public void Reference_IsSplitAsThePullWantsIt(string image, string name, string tag) =>
        Assert.Equal(new ImageReference(name, tag), ImageReference.Parse(image));

    [Fact]
    public void NothingSet_DefaultSocketsRootlessFirst()
    {
        var found = EngineEndpoints.Discover(name => name switch { "XDG_RUNTIME_DIR" => "/run/user/7", "HOME" => "/home/a", _ => null });
        Assert.Equal(["podman", "docker"], found.Select(e => e.Provider));
        Assert.Equal("/run/user/7/podman/podman.sock", found[0].Candidates[0].AbsolutePath);
        Assert.Equal("/run/podman/podman.sock", found[0].Candidates[^1].AbsolutePath);
        Assert.Equal(["/run/user/7/docker.sock", "/home/a/.docker/run/docker.sock", "/var/run/docker.sock"], found[1].Candidates.Select(c => c.AbsolutePath));
    }

    [Fact]
    public void VariablesSet_NothingElseIsLookedAt()
    {
        var found = EngineEndpoints.Discover(name => name switch { "DOCKER_HOST" => "tcp://127.0.0.1:2375", "CONTAINER_HOST" => "unix:///tmp/p.sock", _ => null });
        Assert.Equal([new Uri("unix:///tmp/p.sock")], found[0].Candidates);
        Assert.Equal([new Uri("tcp://127.0.0.1:2375")], found[1].Candidates);
    }

    [Theory]
    [InlineData("ssh://host/run/podman.sock")]
    [InlineData("tcp://127.0.0.1")]
    [InlineData("/run/podman.sock")]
    public void AddressOfAnotherKind_IsAProblemThatNamesTheVariable(string address)
    {
        var found = EngineEndpoints.Discover(name => name == "DOCKER_HOST" ? address : null);
        Assert.Contains("DOCKER_HOST", found[1].Problem);
        Assert.Contains(address, found[1].Absence());
    }

    [Fact]
    public void PodmanBehindDockerHost_IsTreatedAsPodman() =>
        Assert.Same(EngineQuirks.Podman, EngineQuirks.Of(new("4.3.1", "1.41", "1.24", [new("Podman Engine", "4.3.1")])));

    [Theory]
    [InlineData(true, false, "POST /v1.41/libpod/containers/web/wait?condition=stopped&condition=exited&interval=250ms")]
    [InlineData(true, true, "POST /v1.41/containers/web/wait?condition=next-exit")]
    [InlineData(false, false, "POST /v1.47/containers/web/wait?condition=not-running")]
    public async Task WhoWaitsForAnEnd_TellsPodmanToPauseBetweenItsLooks(bool isPodman, bool notStartedYet, string expected)
    {
        await using var fake = new FakeEngine(request => FakeEngine.Json(request == "GET /version" ? VersionOf(isPodman) : "{}"));
        using var engine = new EngineClient(fake.Endpoint, EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));

        await engine.AwaitEndAsync("web", notStartedYet, TestContext.Current.CancellationToken);

        Assert.Equal(expected, fake.Requests.Last());
    }

    [Theory]
    [InlineData("""{"Rootless":true}""", true, "keep-id"), InlineData("""{"Rootless":false}""", true, ""), InlineData("""{"Rootless":true}""", false, "")]
    public async Task PodmanWithoutRoot_KeepsItsUsersId_NobodyElseDoes(string info, bool isPodman, string expected)
    {
        await using var fake = new FakeEngine(request => FakeEngine.Json(request == "GET /version" ? VersionOf(isPodman) : info));
        using var engine = new EngineClient(fake.Endpoint, EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));

        var quirks = (await engine.DialectAsync(TestContext.Current.CancellationToken)).Quirks;

        var request = JsonSerializer.SerializeToElement(ContainerRequests.Of(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_1", Image = "x" }, quirks), EngineJson.Default.ContainerRequest);
        Assert.Equal(expected, request.Member("HostConfig").Text("UsernsMode") ?? "");
    }

    [Theory]
    [InlineData(true, "1 a|2 x|1 b|1 op", "1 a|1 b|1 open|2 x|2 y|1 last", "a b open last|x y")]
    [InlineData(true, "", "1 a|2 x", "a|x")]
    [InlineData(true, "1 a|1 b", "1 a|1 b", "a b|")]
    [InlineData(true, "1 a|1 b", "1 b", "a b|")] // started over in between
    [InlineData(true, "1 a", null, "a|")] // removed when it had ended
    [InlineData(false, "1 a", "1 a|1 b", "a|")]
    public async Task WhatPodmanLeavesOutAtTheEndOfAFollowedLog_IsReadBehindIt(bool isPodman, string followed, string? read, string expected)
    {
        await using var fake = new FakeEngine(request => request switch
        {
            "GET /version" => FakeEngine.Json(VersionOf(isPodman)),
            _ when !request.Contains("/logs", StringComparison.Ordinal) => FakeEngine.Json("{}"),
            _ when request.EndsWith("&follow=true", StringComparison.Ordinal) => Frames(followed),
            _ => read is null ? FakeEngine.Json("""{"message":"no such container"}""", "404 Not Found") : Frames(read),
        });
        using var engine = new EngineClient(fake.Endpoint, EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
        string[] told = ["", "", ""];

        await engine.FollowAsync(new ContainerDetail("web", null, new ContainerState("exited", 0, false, null, null), null, null, null), backlog: null, since: null, (source, piece) => told[source] += Encoding.UTF8.GetString(piece.Span), TestContext.Current.CancellationToken);

        Assert.Equal(expected, string.Join('|', told[1..].Select(lines => lines.TrimEnd('\n').Replace('\n', ' '))));
        Assert.Equal(isPodman ? 2 : 1, fake.Requests.Count(request => request.Contains("/logs", StringComparison.Ordinal)));
    }

    /// <summary>Podman, asked what a container uses that is being stopped, says 200 and nothing more.</summary>
    [Fact]
    public async Task ContainerThatIsBeingStopped_HasNoMeasurement()
    {
        await using var fake = new FakeEngine(request => FakeEngine.Json(request == "GET /version" ? VersionOf(isPodman: true) : request.Contains("/stats", StringComparison.Ordinal) ? "" : "{}"));
        using var engine = new EngineClient(fake.Endpoint, EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));

        var refused = await Assert.ThrowsAsync<AdapterException>(() => engine.StatsAsync("web", TestContext.Current.CancellationToken));

        Assert.Equal(AdapterFailure.Conflict, refused.Failure);
    }

    /// <summary>Frames of a line each; "op" is the beginning of one.</summary>
    static byte[] Frames(string lines)
    {
        var body = lines.Split('|', StringSplitOptions.RemoveEmptyEntries).SelectMany(line =>
        {
            var text = Encoding.UTF8.GetBytes(line[2..] == "op" ? line[2..] : line[2..] + "\n");
            return new byte[] { (byte)(line[0] - '0'), 0, 0, 0, 0, 0, 0, (byte)text.Length }.Concat(text);
        }).ToArray();
        return [.. Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n"), .. body];
    }

    static string VersionOf(bool isPodman) => isPodman ? """{"Version":"4.3.1","ApiVersion":"1.41","MinAPIVersion":"1.24","Components":[{"Name":"Podman Engine"}]}""" : FakeEngine.Version;
}
