using System.Net;
using System.Text;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>A real engine whose socket vanishes, hangs, talks nonsense or breaks off in the middle of a call: what is asked then is answered with a refusal, what runs goes on, and nothing is said that is not so.</summary>
public sealed class EngineOutageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task SocketGoneAndBack_ContainerEndsMeanwhile_TheRunGoesOnAndEndsOnce(string provider)
    {
        await using var outage = await Outage.OpenAsync(provider);
        var run = await outage.DeployAsync();
        outage.Wire.Vanish();

        Assert.Equal("503_ADAPTER_UNAVAILABLE", (await outage.SendAsync("container.stop")).Code);
        await outage.AvailableAsync(false);
        await outage.Lab.Client.StopAsync((await outage.ContainerAsync())!.Id, 0, Cancel);
        Assert.Equal("running", (await outage.Gateway.GetAsync("/v1/runs/" + run)).Json.Text("state"));

        outage.Wire.Appear();
        var ended = await outage.Gateway.RunInAsync(run, "exited");
        Assert.Contains(ended.Integer("exit_code"), new long?[] { 137, 143 });
        Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run_state.exited"], await outage.Gateway.StatesAsync(run));
        await outage.AvailableAsync(true);
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ConnectionsBroken_AsWhenAnEngineIsRestarted_ChangeNothing(string provider)
    {
        await using var outage = await Outage.OpenAsync(provider);
        var run = await outage.DeployAsync();
        for (var restart = 0; restart < 3; restart++)
        {
            outage.Wire.Vanish();
            outage.Wire.Appear();
        }
        Assert.Equal("running", (await outage.UntilAnsweredAsync("container.inspect")).Member("container").Text("state"));
        Assert.Equal("running", (await outage.Gateway.GetAsync("/v1/runs/" + run)).Json.Text("state"));
        await outage.Lab.Client.KillAsync((await outage.ContainerAsync())!.Id, "SIGKILL", Cancel);
        Assert.Equal(137, (await outage.Gateway.RunInAsync(run, "exited")).Integer("exit_code"));
    }

    [Theory]
    [InlineData("podman", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[{]"), InlineData("docker", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[{]")]
    [InlineData("podman", "SSH-2.0-OpenSSH_9.2\r\n"), InlineData("docker", "SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("podman", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), InlineData("docker", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")]
    public async Task Nonsense_IsNoState(string provider, string nonsense)
    {
        await using var outage = await Outage.OpenAsync(provider);
        var run = await outage.DeployAsync();
        outage.Wire.Nonsense = Encoding.ASCII.GetBytes(nonsense);
        outage.Wire.Break();

        var answer = await outage.SendAsync("container.stop");
        Assert.True(answer.Code is "503_ADAPTER_UNAVAILABLE" or "500_INTERNAL" || answer.Json.Member("run").Text("state") == "failed", answer.Body);
        Assert.NotEqual("500_INTERNAL", answer.Code);
        outage.Wire.Nonsense = null;
        Assert.Equal("running", (await outage.UntilAnsweredAsync("container.inspect")).Member("container").Text("state"));
        Assert.Equal("running", (await outage.Gateway.GetAsync("/v1/runs/" + run)).Json.Text("state"));
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Silence_IsARefusalWithinTheLimit(string provider)
    {
        await using var outage = await Outage.OpenAsync(provider, EngineLimits.Default with { Answer = TimeSpan.FromSeconds(2), Status = TimeSpan.FromSeconds(2) });
        outage.Wire.IsMute = true;
        Assert.Equal("503_ADAPTER_UNAVAILABLE", (await outage.SendAsync("container.inspect")).Code);
        await outage.AvailableAsync(false);
        outage.Wire.IsMute = false;
        await outage.AvailableAsync(true);
    }

    /// <summary>The engine has done it, and its answer is lost: the run does not say that it was done, and whoever looks sees what is.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task AnswerLost_IsNotCalledDone_AndTheEnginesTruthIsShown(string provider)
    {
        await using var outage = await Outage.OpenAsync(provider);
        await outage.DeployAsync();
        outage.Wire.Behind = call => Task.FromResult(!call.Contains("/stop?", StringComparison.Ordinal));
        outage.Wire.Break();

        var answer = await outage.SendAsync("container.stop");
        Assert.Equal(("failed", "adapter_unavailable"), (answer.Json.Member("run").Text("state"), answer.Json.Member("result").Text("reason")));
        outage.Wire.Behind = null;
        Assert.Equal("stopped", (await outage.UntilAnsweredAsync("container.inspect")).Member("container").Text("state"));
    }

    /// <summary>The engine has made the container of a deploy, and its answer is lost: the run fails, and the container, which would keep the name, goes with it.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task AnswerToTheMakingOfADeploysContainerLost_LeavesNoContainer(string provider)
    {
        await using var outage = await Outage.OpenAsync(provider);
        outage.Wire.Behind = call => Task.FromResult(!call.Contains("/containers/create?", StringComparison.Ordinal));

        var ended = await outage.Gateway.RunInAsync(await outage.BeginAsync(), "running", "failed");

        Assert.Equal(("failed", "adapter_unavailable"), (ended.Text("state"), ended.Text("reason")));
        Assert.Null(await outage.ContainerAsync());
    }

    /// <summary>The same of what a client makes by itself: the run fails, and what the client was told nothing of goes with it.</summary>
    [Theory]
    [InlineData("podman", "container", "/containers/create?"), InlineData("podman", "network", "/networks/create"), InlineData("podman", "volume", "/volumes/create")]
    [InlineData("docker", "container", "/containers/create?"), InlineData("docker", "network", "/networks/create"), InlineData("docker", "volume", "/volumes/create")]
    public async Task AnswerToTheMakingLost_LeavesNothing(string provider, string kind, string path)
    {
        await using var outage = await Outage.OpenAsync(provider);
        outage.Wire.Behind = call => Task.FromResult(!call.Contains(path, StringComparison.Ordinal));

        var ended = await outage.Gateway.RunInAsync((await outage.SendAsync(kind + ".create", wait: 0)).RunId(), "exited", "failed", "cancelled");

        outage.Wire.Behind = null;
        Assert.Equal(("failed", "adapter_unavailable"), (ended.Text("state"), ended.Text("reason")));
        Assert.False(await IsThereAsync(outage, kind));
    }

    /// <summary>An image that the engine has made of a container: its name goes, unless another image had it before.</summary>
    [Theory, InlineData("podman", false), InlineData("docker", false), InlineData("podman", true), InlineData("docker", true)]
    public async Task AnswerToACommitLost_LeavesNoNameThatWasNotThere(string provider, bool wasThere)
    {
        await using var outage = await Outage.OpenAsync(provider);
        foreach (var intent in (string[])["container.create", "container.start", .. wasThere ? ["container.commit"] : Array.Empty<string>()])
        {
            Assert.Equal("exited", (await outage.SendAsync(intent)).Json.Member("run").Text("state"));
        }
        var before = await outage.ImageAsync();
        outage.Wire.Behind = call => Task.FromResult(!call.Contains("/commit?", StringComparison.Ordinal));

        var ended = await outage.Gateway.RunInAsync((await outage.SendAsync("container.commit", wait: 0)).RunId(), "exited", "failed", "cancelled");

        outage.Wire.Behind = null;
        Assert.Equal(("failed", "adapter_unavailable"), (ended.Text("state"), ended.Text("reason")));
        Assert.Equal((wasThere, wasThere), (before is not null, await outage.ImageAsync() is not null));
    }

    /// <summary>A run is cancelled while the engine makes something: what the run says is so. Either it was made, or nothing of it is there.</summary>
    [Theory]
    [InlineData("podman", "container", "/containers/create?"), InlineData("podman", "network", "/networks/create"), InlineData("podman", "volume", "/volumes/create")]
    [InlineData("docker", "container", "/containers/create?"), InlineData("docker", "network", "/networks/create"), InlineData("docker", "volume", "/volumes/create")]
    public async Task CancelledWhileTheEngineMakesIt_LeavesNothingThatNobodyIsToldOf(string provider, string kind, string path)
    {
        const int Looks = 20;
        await using var outage = await Outage.OpenAsync(provider);
        var (made, goesOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        outage.Wire.Behind = async call =>
        {
            if (call.Contains(path, StringComparison.Ordinal))
            {
                made.TrySetResult();
                await goesOn.Task;
            }
            return true;
        };
        var run = (await outage.SendAsync(kind + ".create", wait: 0)).RunId();
        await made.Task.WaitAsync(TimeSpan.FromMinutes(5), Cancel);

        var cancel = await outage.Gateway.PostAsync(TestGateway.Json(new { intent = "run.cancel", subject = outage.SubjectOf(kind), payload = new { run_id = run } }));
        Assert.True(cancel.Status == HttpStatusCode.OK, cancel.Body);
        for (var look = 0; look < Looks; look++) // time enough for a worker that does not wait for the engine
        {
            await outage.Gateway.GetAsync("/v1/runs/" + run);
        }
        goesOn.SetResult();
        var ended = await outage.Gateway.RunInAsync(run, "exited", "failed", "cancelled");

        outage.Wire.Behind = null;
        var isThere = await IsThereAsync(outage, kind);
        Assert.Equal(ended.Text("state") == "exited", isThere);
        Assert.Contains(ended.Text("state"), new[] { "exited", "cancelled" });
        if (isThere)
        {
            await outage.SendAsync(kind + ".remove");
        }
    }

    private static async Task<bool> IsThereAsync(Outage outage, string kind) =>
        await outage.SendAsync(kind + ".inspect") is { Code: not "404_NOT_FOUND" } seen && seen.Json.Member("run").Text("state") == "exited";

    /// <summary>A gateway, and a real engine with somebody in between.</summary>
    private sealed class Outage : IAsyncDisposable
    {
        private readonly EngineAdapter _adapter;
        private readonly string _name = "out-" + Guid.NewGuid().ToString("N")[..8];

        private Outage(EngineLab lab, EngineWire wire, EngineAdapter adapter, TestGateway gateway) => (Lab, Wire, _adapter, Gateway) = (lab, wire, adapter, gateway);

        public EngineLab Lab { get; }

        public EngineWire Wire { get; }

        public TestGateway Gateway { get; }

        public static async Task<Outage> OpenAsync(string provider, EngineLimits? limits = null)
        {
            var lab = EngineLab.Open(provider);
            var wire = new EngineWire(lab.Endpoint.Current()!.ToString());
            var adapter = new EngineAdapter(EngineEndpoints.At(provider, wire.Address), limits ?? EngineLimits.Default, TimeProvider.System);
            return new Outage(lab, wire, adapter, await (await TestGateway.StartAsync([adapter])).RegisterKeyAsync());
        }

        public string SubjectOf(string kind) => $"urn:{kind}:{TestGateway.Tenant}/{_name}";

        /// <summary>A deploy of which nobody knows what becomes of it.</summary>
        public async Task<string> BeginAsync() =>
            (await Gateway.ProvedAsync("deploy.apply", _name, DeployActs.Order(await Gateway.ApplyAsync(_name, 1, ""","entrypoint":["/bin/sh","-c","exec sleep 600"]""", EngineLab.TestImage), _name, _adapter.Provider))).RunId();

        public async Task<string> DeployAsync() =>
            await Gateway.RunAsync(_name, await Gateway.ApplyAsync(_name, 1, ""","entrypoint":["/bin/sh","-c","exec sleep 600"],"lifecycle":{"stop_timeout":"1s"}""", EngineLab.TestImage), _adapter.Provider);

        /// <summary>The container, seen past the wire.</summary>
        public Task<ContainerDetail?> ContainerAsync() => Lab.Client.InspectAsync($"{TestGateway.Tenant}-{_name}", Cancel);

        /// <summary>The image that was made of the container.</summary>
        public Task<ImageDetail?> ImageAsync() => Lab.Client.FindImageAsync(Committed, Cancel);

        private string Committed => $"localhost/{TestGateway.Tenant}/{_name}:1";

        public Task<Answer> SendAsync(string intent, int wait = 50)
        {
            var payload = new Dictionary<string, object> { ["name"] = _name, ["target"] = new { provider = _adapter.Provider } };
            if (intent == "container.create")
            {
                payload["image"] = EngineLab.TestImage;
            }
            if (intent == "container.commit")
            {
                payload["image"] = $"{_name}:1";
            }
            return Gateway.PostAsync(TestGateway.Json(new { intent, subject = SubjectOf(intent.Split('.')[0]), payload }), request => request.Headers.Add("Prefer", $"wait={wait}"));
        }

        /// <summary>The result once the engine is heard again.</summary>
        public async Task<JsonElement> UntilAnsweredAsync(string intent) => (await Patience.UntilThereAsync($"an answer to {intent}", async () =>
            await SendAsync(intent) is { Status: HttpStatusCode.OK } answer && answer.Json.Member("run").Text("state") == "exited" ? answer : null)).Json.Member("result");

        /// <summary>Waits until the gateway says so of the engine.</summary>
        public Task AvailableAsync(bool isAvailable) => Patience.UntilAsync($"an engine of which available is {isAvailable}",
            async () => (await Gateway.GetAsync("/healthz/ready")).Json.Member("engines").Member(_adapter.Provider).Flag("available") == isAvailable);

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            _adapter.Dispose();
            await Wire.DisposeAsync();
            if (await Lab.Client.InspectAsync($"{TestGateway.Tenant}-{_name}", CancellationToken.None) is { } left)
            {
                await Lab.Client.RemoveAsync(left.Id, force: true, CancellationToken.None);
            }
            await Lab.Client.UntagAsync(Committed, CancellationToken.None);
            await Lab.DisposeAsync();
        }
    }
}
