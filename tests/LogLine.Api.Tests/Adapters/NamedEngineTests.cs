using System.Net;
using LogLine.Api.Adapters;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters;

/// <summary>Engines that the operator has named, beside the default one of their provider. The one that is called podman/edge here is a Docker: another engine, in which nothing of the first one's is.</summary>
public sealed class NamedEngineTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Container_IsMadeWhereTheTargetSays_AndNowhereElse()
    {
        await using var lab = await OpenAsync();

        await lab.DoAsync("container.create", "edge", $$""","image":"{{EngineLab.TestImage}}","auto_start":true""");

        Assert.Null(await lab.Default.Adapter.FindByNameAsync("dev", lab.Name, Cancel));
        Assert.Equal(WorkloadState.Running, (await lab.Edge.Adapter.FindByNameAsync("dev", lab.Name, Cancel))!.State);
        // The same name on the other engine is another container, judged by where that one stands.
        await lab.DoAsync("container.create", null, $$""","image":"{{EngineLab.TestImage}}" """);
        Assert.Equal("created", (await lab.DoAsync("container.inspect", "default")).Member("container").Text("state"));
        Assert.Equal("running", (await lab.DoAsync("container.inspect", "edge")).Member("container").Text("state"));
        Assert.Equal("409_LIFECYCLE_CONFLICT", (await lab.SendAsync("container.pause", null)).Code);
        Assert.Equal("paused", (await lab.DoAsync("container.pause", "edge")).Text("state"));
    }

    [Theory]
    [InlineData("podman", "is not an engine of podman that the operator configured; there is: default, edge")]
    [InlineData("auto", "is not an engine of auto that the operator configured; there is: default, edge")]
    [InlineData("docker", "/payload/target/provider: is 'docker', for which this gateway has no adapter; it has: podman")]
    public async Task EndpointThatIsNot_IsRefusedWithThoseThatAre(string provider, string message)
    {
        await using var lab = await OpenAsync();

        var answer = await lab.SendAsync("container.inspect", "no-such", provider: provider);

        Assert.Equal((HttpStatusCode)422, answer.Status);
        Assert.Contains(message.Split(": ")[^1], answer.Body);
    }

    [Fact]
    public async Task Auto_IsAProviderThatHasTheEndpoint()
    {
        await using var lab = await OpenAsync();
        await lab.DoAsync("container.create", "edge", $$""","image":"{{EngineLab.TestImage}}" """);

        var answer = await lab.SendAsync("container.inspect", "edge", provider: "auto");

        Assert.Equal("created", answer.Json.Member("result").Member("container").Text("state"));
    }

    [Fact]
    public async Task Deploy_RunsOnTheNamedEngine_AndSaysSo()
    {
        await using var lab = await OpenAsync();
        var reference = await lab.Gateway.ApplyAsync(lab.Name, 1, image: EngineLab.TestImage);
        var payload = new { @ref = reference, target = new { provider = "podman", endpoint = "edge", service = lab.Name } };

        var deployed = await lab.Gateway.ProvedAsync("deploy.apply", lab.Name, payload, wait: 55);

        Assert.Equal("running", deployed.Json.Member("run").Text("state"));
        Assert.Null(await lab.Default.Adapter.FindByNameAsync("dev", lab.Name, Cancel));
        Assert.Equal(deployed.RunId(), (await lab.Edge.Adapter.FindByNameAsync("dev", lab.Name, Cancel))!.RunId);
        Assert.Equal("edge", (await lab.Gateway.GetAsync("/v1/runs/" + deployed.RunId())).Json.Member("target").Text("endpoint"));
        var spans = await lab.Gateway.PostAsync($$"""{"run_id":"{{deployed.RunId()}}","intent":"deploy.applied"}""", path: "/v1/spans/query");
        var applied = spans.Json.Items("items").Single().Member("payload");
        Assert.Equal(("podman", "edge"), (applied.Text("provider"), applied.Text("endpoint")));
        // The same again starts nothing; on the default engine nothing of it is known.
        Assert.Equal(deployed.RunId(), (await lab.Gateway.ProvedAsync("deploy.apply", lab.Name, payload)).RunId());
        Assert.Equal("create", (await lab.Gateway.PlanAsync(lab.Name, reference, "podman")).Text("strategy"));
        await lab.Gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Name}}}","payload":{"run_id":"{{{deployed.RunId()}}}"}}""");
        await lab.Gateway.RunInAsync(deployed.RunId(), "cancelled");
        Assert.Null(await lab.Edge.Adapter.FindByNameAsync("dev", lab.Name, Cancel));
    }

    [Theory]
    [InlineData("Edge", "podman", "unix:///x", null, null, "Name is 'Edge'")]
    [InlineData("default", "podman", "unix:///x", null, null, "is not 'default'")]
    [InlineData("", "podman", "unix:///x", null, null, "Name is ''")]
    [InlineData("edge", "kubernetes", "unix:///x", null, null, "Provider is 'kubernetes'; there are podman, nerdctl, docker")]
    [InlineData("edge", "docker", null, null, null, "Address is missing")]
    [InlineData("edge", "docker", "http://x:1", null, null, "only unix:///PATH and tcp://HOST:PORT")]
    [InlineData("edge", "docker", "tcp://x", null, null, "it has no port")]
    [InlineData("edge", "docker", "unix:///x", "/certs", null, "a socket has none")]
    [InlineData("edge", "docker", "unix:///x", null, "podman", "Binary and Arguments are for nerdctl")]
    [InlineData("edge", "nerdctl", "unix:///x", null, null, "Address and Certificates are for podman and docker")]
    public void WhatCannotBe_IsNamedWithItsSetting(string name, string provider, string? address, string? certificates, string? binary, string message)
    {
        var options = new AdapterOptions { Named = [new() { Name = name, Provider = provider, Address = address, Certificates = certificates, Binary = binary }] };

        var wrong = Assert.Throws<EngineOptionsException>(() => RunAdapters.Discover(_ => null, options, WorkloadPolicy.Default, TimeProvider.System));

        Assert.StartsWith("LogLine:Engines:Named", wrong.Message);
        Assert.Contains(message, wrong.Message);
    }

    [Fact]
    public void NamesOfOneProvider_AreDifferent()
    {
        NamedEngineOptions Edge(string provider) => new() { Name = "edge", Provider = provider, Address = $"unix:///{provider}" };
        NamedEngineOptions Space(string name, params string[] arguments) => new() { Name = name, Provider = "nerdctl", Arguments = arguments };
        string Wrong(params NamedEngineOptions[] named) => Assert.Throws<EngineOptionsException>(() => RunAdapters.Discover(_ => null, new() { Named = named }, WorkloadPolicy.Default, TimeProvider.System)).Message;
        var options = new AdapterOptions { Named = [Edge("podman"), Edge("docker"), Edge("podman")] };

        Assert.Contains("'podman/edge' twice", Assert.Throws<EngineOptionsException>(() => RunAdapters.EnginesOf(options)).Message);
        Assert.Equal(["podman", "nerdctl", "docker", "podman/edge", "docker/edge"], RunAdapters.EnginesOf(new() { Named = [Edge("podman"), Edge("docker")] }));
        Assert.Contains("'nerdctl/a', 'nerdctl/b'", Wrong(Space("a", "-n", "x"), Space("b", "-n", "x"), Space("c")));
        Assert.Contains("'podman/here', 'docker/there'", Wrong(new() { Name = "here", Provider = "podman", Address = "unix:///x" }, new() { Name = "there", Provider = "docker", Address = "unix:///x" }));
        Assert.Equal(["podman/edge"], RunAdapters.EnginesOf(new() { Defaults = false, Named = [Edge("podman")] }));
        Assert.Contains("LogLine:Engines:Defaults", Assert.Throws<EngineOptionsException>(() => RunAdapters.EnginesOf(new() { Defaults = false })).Message);
    }

    [Theory]
    [InlineData("CONTAINER_HOST", "tcp://edge:1", "podman", "tcp://edge:1", null, "'podman/edge', 'podman'")]
    [InlineData("DOCKER_HOST", "unix:///var/run/x.sock", "docker", "unix:///run/x.sock", null, "'docker/edge', 'docker'")]
    [InlineData("DOCKER_HOST", "unix:///run/x.sock", "podman", "unix:///run/x.sock", null, "'podman/edge', 'docker'")]
    [InlineData(null, null, "nerdctl", null, "nerdctl", "'nerdctl/edge', 'nerdctl'")]
    public void DefaultEngineThatIsChosen_HasNoOtherName(string? variable, string? host, string provider, string? address, string? binary, string message)
    {
        NamedEngineOptions edge = new() { Name = "edge", Provider = provider, Address = address, Binary = binary };
        IReadOnlyList<IRunAdapter> Discover(bool defaults) => RunAdapters.Discover(name => name == variable ? host : null, new() { Named = [edge], Defaults = defaults }, WorkloadPolicy.Default, TimeProvider.System);

        Assert.Contains(message, Assert.Throws<EngineOptionsException>(() => Discover(defaults: true)).Message);
        var only = Assert.Single(Discover(defaults: false));
        Assert.Equal(provider + "/edge", only.Provider);
    }

    [Fact]
    public void DefaultEngine_IsNotLookedForWhereANamedOneIs()
    {
        EngineEndpoint Docker(params string[] named) => EngineEndpoints.Discover(name => name == "HOME" ? "/home/a" : null)[1].Without([.. named.Select(one => EngineEndpoints.At("docker/edge", one))]);

        Assert.Equal(["/home/a/.docker/run/docker.sock", "/var/run/docker.sock"], Docker("unix:///elsewhere").Sockets);
        Assert.Equal(["/home/a/.docker/run/docker.sock"], Docker("unix:///run/docker.sock").Sockets);
        Assert.Contains("LogLine:Engines:Named", Docker("unix:///run/docker.sock", "unix:///home/a/.docker/run/docker.sock").Absence());
    }

    [Fact]
    public async Task AbsentEngine_IsNamedWithItsSetting()
    {
        var options = new AdapterOptions { Named = [new() { Name = "edge", Provider = "podman", Address = "unix:///nowhere/podman.sock" }, new() { Name = "edge", Provider = "nerdctl", Binary = "no-such-nerdctl" }] };
        var adapters = RunAdapters.Discover(_ => null, options, WorkloadPolicy.Default, TimeProvider.System);

        var status = await adapters.Single(adapter => adapter.Provider == "podman/edge").StatusAsync(Cancel);

        Assert.False(status.Available);
        Assert.Contains("/nowhere/podman.sock", status.Reason);
        Assert.Contains("LogLine:Engines:Named, 'edge'", status.Reason);
        Assert.Contains("no-such-nerdctl", (await adapters.Single(adapter => adapter.Provider == "nerdctl/edge").StatusAsync(Cancel)).Reason);
        Assert.False(((IRunTarget)adapters.Single(adapter => adapter.Provider == "nerdctl/edge")).IsOptional);
    }

    private static async Task<Lab> OpenAsync()
    {
        var (here, edge) = (EngineLab.Open("podman"), EngineLab.Open("docker", foundAs: "podman/edge"));
        return new Lab(here, edge, await (await TestGateway.StartAsync([here.Adapter, edge.Adapter])).RegisterKeyAsync());
    }

    private sealed record Lab(EngineLab Default, EngineLab Edge, TestGateway Gateway) : IAsyncDisposable
    {
        public string Name { get; } = $"named-{Guid.NewGuid():N}"[..14];

        public Task<Answer> SendAsync(string intent, string? endpoint, string members = "", string provider = "podman") => Gateway.PostAsync(
            $$"""{"intent":"{{intent}}","subject":"urn:container:dev/{{Name}}","payload":{"name":"{{Name}}","target":{"provider":"{{provider}}"{{(endpoint is null ? "" : $",\"endpoint\":\"{endpoint}\"")}} }{{members}} } }""",
            request => request.Headers.Add("Prefer", "wait=50"));

        public async Task<System.Text.Json.JsonElement> DoAsync(string intent, string? endpoint, string members = "")
        {
            var answer = await SendAsync(intent, endpoint, members);
            Assert.True(answer.Status == HttpStatusCode.OK && answer.Json.Member("run").Text("state") == "exited", answer.Body);
            return answer.Json.Member("result");
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            foreach (var lab in (EngineLab[])[Default, Edge])
            {
                if (await lab.Adapter.FindByNameAsync("dev", Name, CancellationToken.None) is { } left)
                {
                    await lab.Adapter.RemoveAsync(left.Id, force: true, CancellationToken.None);
                }
                await lab.DisposeAsync();
            }
        }
    }
}
