using System.Text;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>Several workers on one engine change networks at the same moment, and a connection that fails leaves nothing behind.</summary>
public sealed class NetworkRaceTests
{
    /// <summary>Docker gives one name to all that ask for it at the same moment.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ManyWorkersMakeOneNetwork_OneHasIt(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        using var workers = new Workers(lab, 4);
        for (var round = 0; round < 5; round++)
        {
            var name = $"n{round}";
            var made = await workers.EachAsync("network.create", name, "{}");

            Assert.True(made.Count(failure => failure is null) == 1, string.Join("\n", made.Select(failure => failure?.Message ?? "made")));
            Assert.All(made, failure => Assert.True(failure is null or { Failure: AdapterFailure.NameTaken }, failure?.Message));
            Assert.Equal(name, (await workers.DoAsync("network.inspect", name, "{}")).Text("name"));
            await workers.DoAsync("network.remove", name, "{}");
        }
    }

    /// <summary>The oldest waits until the others have let go, and then has the name.</summary>
    [Theory, InlineData("2026-01-01T00:00:01Z", true), InlineData("2026-01-01T00:00:03.5Z", false)]
    public async Task NameThatTwoHave_IsTheOldests(string madeAt, bool isOurs)
    {
        var looks = 0;
        await using var fake = new FakeEngine(request => request switch
        {
            "GET /version" => FakeEngine.Json(FakeEngine.Version),
            "POST /v1.47/networks/create" => FakeEngine.Json("""{"Id":"ours"}""", "201 Created"),
            "GET /v1.47/networks/dev-net" => Interlocked.Increment(ref looks) > 2 ? FakeEngine.Json("""{"Id":"ours","Name":"dev-net"}""") : FakeEngine.Json("""{"message":"network dev-net is ambiguous (2 matches found based on name)"}""", "400 Bad Request"),
            _ when request.StartsWith("GET /v1.47/networks?", StringComparison.Ordinal) => FakeEngine.Json($$"""[{"Id":"other","Name":"dev-net","Created":"2026-01-01T00:00:03Z"},{"Id":"ours","Name":"dev-net","Created":"{{madeAt}}"},{"Id":"third","Name":"dev-net2","Created":"2025-01-01T00:00:00Z"}]"""),
            _ => FakeEngine.Json("", "204 No Content"),
        });
        using var client = new EngineClient(fake.Endpoint, EngineLimits.Default with { Glance = TimeSpan.FromMilliseconds(1) }, TimeProvider.System, RegistryCredentials.Of([]));

        var failure = await Record.ExceptionAsync(() => client.CreateNetworkAsync(new NetworkRequest("dev-net", true, "bridge", false, []), EngineLab.Cancel));

        Assert.Equal(isOurs, failure is null);
        Assert.Equal(!isOurs, fake.Requests.Contains("DELETE /v1.47/networks/ours"));
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ManyWorkersLinkTheSameTwo_AllAreAnsweredTheSame(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        using var workers = new Workers(lab, 4);
        foreach (var name in new[] { "one", "two" })
            await lab.StartedAsync(lab.Spec("/bin/sleep", "600") with { Name = name, RunId = $"run_{name}" });
        const string Ends = """{"from":"one","to":"two","port":80}""";
        for (var round = 0; round < 3; round++)
        {
            Assert.All(await workers.EachAsync("network.establish", "", Ends), failure => Assert.True(failure is null, failure?.Message));
            Assert.Equal(2, Assert.Single((await workers.DoAsync("network.topology", "", "{}")).Items("networks")).Items("containers").Count());
            Assert.Contains(null, await workers.EachAsync("network.sever", "", Ends));
            Assert.Empty((await workers.DoAsync("network.topology", "", "{}")).Items("networks"));
        }
    }

    /// <summary>Podman 4 would keep in mind that the container is to be there, and not show it any more, nor any list that it is in.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ConnectionThatFails_LeavesTheContainerAsItWas(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        using var workers = new Workers(lab, 1);
        await FilledAsync(lab);
        var left = await lab.StartedAsync(lab.Spec("/bin/sleep", "600") with { Name = "left", RunId = "run_left" });
        try
        {
            for (var time = 0; time < 2; time++) // Docker names the network among its own afterwards, as if it were there
                Assert.NotNull((await workers.EachAsync("network.connect", "tiny", """{"container":"left"}"""))[0]);

            Assert.NotNull(await lab.Client.InspectAsync(left.Id, EngineLab.Cancel));
            Assert.Equal(["full"], (await workers.DoAsync("network.inspect", "tiny", "{}")).Items("containers").Select(one => one.Text("name")));
        }
        finally
        {
            await UnfilledAsync(lab);
        }
    }

    /// <summary>Whoever left it so, with Podman 4 it lasts until the container is stopped. Everything else goes on meanwhile, and so does that.</summary>
    [Fact]
    public async Task ContainerThatTheEngineCannotShow_IsListedAndEnded()
    {
        await using var lab = EngineLab.Open("podman");
        using var workers = new Workers(lab, 1, EngineLimits.Default with { Settle = TimeSpan.FromMilliseconds(200) });
        await FilledAsync(lab);
        var left = await lab.StartedAsync(lab.Spec("/bin/sleep", "600") with { Name = "left", RunId = "run_left", Strategy = "session", SessionId = "s" });
        try
        {
            await Assert.ThrowsAsync<AdapterException>(() => lab.Client.ConnectAsync($"{lab.Tenant}-tiny", left.Id, "left", EngineLab.Cancel));
            Assert.Contains("mismatch", (await Assert.ThrowsAsync<AdapterException>(() => lab.Client.InspectAsync(left.Id, EngineLab.Cancel))).Message);

            var listed = (await workers.DoAsync("container.list", "", "{}")).Items("containers").ToList();
            Assert.Equal([("full", "running"), ("left", "running")], listed.Select(one => (one.Text("name"), one.Text("state"))));
            var shown = await workers.DoAsync("container.inspect", "left", "{}");
            Assert.Equal((listed[1].Text("container_id"), "running"), (shown.Member("container").Text("container_id"), shown.Member("container").Text("state")));
            Assert.Equal(["full", "left"], (await workers.DoAsync("network.inspect", "tiny", "{}")).Items("containers").Select(one => one.Text("name")));
            Assert.Single((await workers.DoAsync("network.topology", "", "{}")).Items("networks"));
            await workers.DoAsync("system.prune", "", """{"what":["networks"]}""");
            Assert.Equal(["left"], (await workers.DoAsync("session.end", "s", "{}")).Texts("removed"));
        }
        finally
        {
            await UnfilledAsync(lab);
        }
    }

    /// <summary>A network that has room for one, with one in it.</summary>
    static async Task FilledAsync(EngineLab lab)
    {
        var name = $"{lab.Tenant}-tiny";
        var subnet = $"10.{200 + Random.Shared.Next(50)}.{Random.Shared.Next(256)}.{4 * Random.Shared.Next(64)}/30";
        await CallAsync(lab, "/networks/create", $$$"""{"Name":"{{{name}}}","Driver":"bridge","IPAM":{"Config":[{"Subnet":"{{{subnet}}}"}]},"Labels":{"logline.tenant":"{{{lab.Tenant}}}","logline.name":"tiny","logline.run_id":"run_net"} }""");
        var full = await lab.StartedAsync(lab.Spec("/bin/sleep", "600") with { Name = "full", RunId = "run_full" });
        await lab.Client.ConnectAsync(name, full.Id, "full", EngineLab.Cancel);
    }

    static async Task UnfilledAsync(EngineLab lab)
    {
        foreach (var container in await lab.Client.ListAsync([(EngineLabels.Tenant, lab.Tenant)], CancellationToken.None))
            await lab.Client.RemoveAsync(container.Id, force: true, CancellationToken.None);
        await lab.Client.RemoveNetworkAsync($"{lab.Tenant}-tiny", CancellationToken.None);
    }

    static async Task CallAsync(EngineLab lab, string path, string body)
    {
        using var connection = new EngineConnection(lab.Endpoint, EngineLimits.Default, TimeProvider.System, 1);
        (await connection.CallAsync(HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, "application/json"), "make a network", EngineLimits.Default.Answer, EngineLab.Cancel)).OrThrow();
    }

    /// <summary>Adapters of their own, as several workers have them.</summary>
    sealed class Workers(EngineLab lab, int count, EngineLimits? limits = null) : IDisposable
    {
        readonly EngineAdapter[] adapters = [.. Enumerable.Range(0, count).Select(_ => new EngineAdapter(lab.Endpoint, limits ?? EngineLimits.Default, TimeProvider.System))];
        readonly WorkloadTurns turns = new();

        /// <summary>All at once; what failed, in no order.</summary>
        public async Task<AdapterException?[]> EachAsync(string intent, string name, string arguments) => await Task.WhenAll(adapters.Select(async (adapter, at) =>
        {
            try
            {
                await adapter.Primitives[intent](Call($"run_{at}", name, arguments), EngineLab.Cancel);
                return null;
            }
            catch (AdapterException failure)
            {
                return failure;
            }
        }));

        public async Task<JsonElement> DoAsync(string intent, string name, string arguments) => (await adapters[0].Primitives[intent](Call("run_x", name, arguments), EngineLab.Cancel)).Body;

        public void Dispose()
        {
            foreach (var adapter in adapters)
                adapter.Dispose();
        }

        PrimitiveCall Call(string runId, string name, string arguments) => new()
        {
            RunId = runId, Tenant = lab.Tenant, Name = name, Arguments = CanonicalJson.Parse(Encoding.UTF8.GetBytes(arguments)).Root, Begun = () => Task.CompletedTask, Artifacts = null!,
            HasEnded = (_, _) => ValueTask.FromResult(true), Progress = _ => Task.CompletedTask, TurnOf = async (one, cancel) => await turns.TakeAsync("podman", lab.Tenant, one, cancel),
        };
    }
}
