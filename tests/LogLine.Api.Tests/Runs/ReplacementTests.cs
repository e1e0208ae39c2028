using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>One container takes another's place, by the steps that are planned, on a target that a test can stop at each of them.</summary>
public sealed class ReplacementTests : IAsyncDisposable
{
    private const string Port = ""","ports":[{"host":8081,"container":80}]""";
    private const string Health = ""","lifecycle":{"health":{"tcp":{"port":80},"interval":"10ms","retries":2,"start_period":"1ms"}}""";

    private readonly List<string> _calls = [];
    private readonly FakeAdapter _fake = new();
    private TestGateway _gateway = null!;

    [Fact]
    public async Task FreePorts_NewOneIsHealthyBeforeTheOldOneStops()
    {
        var (old, new_) = await ReplaceAsync("");

        var ended = await _gateway.RunInAsync(old, "exited");
        Assert.Equal(("replaced", new_), (ended.Text("reason"), ended.Text("replaced_by")));
        await SettledAsync(new_);
        Assert.Equal(["create", "start", "stop", "remove", "rename"], _calls);
        Assert.Equal(DeployActs.Ends[0], (await _gateway.StatesAsync(old))[^1]);
    }

    [Fact]
    public async Task SameHostPort_OldOneStopsBeforeTheNewOneStarts_AndItsRunEndsOnlyThen()
    {
        var (old, new_) = await ReplaceAsync(Port);

        Assert.Equal("replaced", (await _gateway.RunInAsync(old, "exited")).Text("reason"));
        await SettledAsync(new_);
        Assert.Equal(["create", "stop", "start", "stop", "remove", "rename"], _calls); // the second stop finds it stopped
        var (ends, runs) = (await IndexAsync(old, "run_state.exited"), await IndexAsync(new_, "run_state.running"));
        Assert.True(ends > runs, $"the old run ended at {ends}, the new one ran at {runs}");
    }

    [Theory]
    [InlineData("")]
    [InlineData(Port)]
    public async Task NewOneNeverHealthy_FailsAndTheOldOneServesOn(string ports)
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, ports));
        _fake.Probe = _ => ProbeOutcome.Bad("not yet");
        var failed = await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(await _gateway.ApplyAsync("web", 2, ports + Health), "web"));
        var run = await _gateway.RunInAsync(failed.RunId(), "failed");

        Assert.Equal(("unhealthy", old), (run.Text("reason"), run.Text("serving")));
        Assert.Contains("not yet", run.Text("error"));
        Assert.Equal("last line", run.Texts("log_tail").Single());
        Assert.Equal([("dev-web", old, WorkloadState.Running, ports.Length == 0 ? 1 : 2)], _fake.All);
        Assert.Equal("running", (await _gateway.GetAsync("/v1/runs/" + old)).Json.Text("state"));
        _fake.Exit(old, 3);
        Assert.Equal(3, (await _gateway.RunInAsync(old, "exited")).Integer("exit_code"));
    }

    [Fact]
    public async Task NewOneNeverHealthy_WithoutTheWayBack_EndsBoth()
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Port));
        _fake.Probe = _ => ProbeOutcome.Bad("not yet");
        var reference = await _gateway.ApplyAsync("web", 2, Port + Health);
        var failed = await _gateway.ProvedAsync("deploy.apply", "web", new { @ref = reference, target = new { provider = "fake", service = "web" }, options = new { rollback_on_failure = false } });

        Assert.Null((await _gateway.RunInAsync(failed.RunId(), "failed")).Text("serving"));
        Assert.Equal("replaced", (await _gateway.RunInAsync(old, "exited")).Text("reason"));
        Assert.Equal([("dev-web", old, WorkloadState.Stopped, 1)], _fake.All);
    }

    [Fact]
    public async Task CancelledWhileItStarts_TheOldOneServesOn()
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Port));
        _fake.Probe = _ => ProbeOutcome.Bad("not yet");
        var reference = await _gateway.ApplyAsync("web", 2, Port + Health.Replace("1ms", "1h", StringComparison.Ordinal));
        var starting = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        await _gateway.RunInAsync(starting, "applied");

        // One deploy of a service at a time.
        var third = await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(await _gateway.ApplyAsync("web", 3), "web"));
        Assert.Equal(("409_LIFECYCLE_CONFLICT", starting), (third.Code, third.Detail("pending_run")));
        await _gateway.SendAsync("run.cancel", "web", new { run_id = starting });
        Assert.Equal(old, (await _gateway.RunInAsync(starting, "cancelled")).Text("serving"));
        Assert.Equal((old, WorkloadState.Running), (_fake.All.Single().RunId, _fake.All.Single().State));
    }

    [Fact]
    public async Task OldOneEndsByItselfMeanwhile_HasAnEndOfItsOwn()
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1));
        var hold = new TaskCompletionSource();
        _fake.BeforeCreate = _ => hold.Task;
        var reference = await _gateway.ApplyAsync("web", 2);
        var run = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        _fake.Exit(old, 9);
        var ended = await _gateway.RunInAsync(old, "exited");
        hold.SetResult();

        Assert.Equal((9, null), (ended.Integer("exit_code"), ended.Text("reason")));
        await _gateway.RunInAsync(run, "running");
        await SettledAsync(run);
    }

    [Theory]
    [InlineData("created"), InlineData("running"), InlineData("stopped")]
    public async Task ContainerOfTheClient_IsNotReplaced(string state)
    {
        await StartAsync();
        var cancel = TestContext.Current.CancellationToken;
        var own = await _fake.CreateAsync(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_primitive", Image = "x" }, cancel);
        if (state != "created")
        {
            await _fake.StartAsync(own.Id, cancel);
        }
        if (state == "stopped")
        {
            _fake.Exit(own.RunId, 0);
        }
        var answer = await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(await _gateway.ApplyAsync("web", 1), "web"));
        Assert.Equal(("409_LIFECYCLE_CONFLICT", state), (answer.Code, answer.Detail("from")));
        Assert.Equal("run_primitive", Assert.Single(_fake.All).RunId);
    }

    /// <summary>
    /// The worker ends before or after each call that changes something, and another one goes on: whatever the step, in the end there is one
    /// container, it was started once, and each run has one end.
    /// </summary>
    [Theory]
    [InlineData(""), InlineData(Port)]
    public async Task WorkerLostAtAnyStep_NextOneFinishes(string ports)
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, ports));
        foreach (var step in Enumerable.Range(0, ports.Length == 0 ? 10 : 12)) // each of the calls above, before and after
        {
            var reference = await _gateway.ApplyAsync("web", step + 2, ports);
            var lost = LoseWorkerAt(step);
            var new_ = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
            await lost;
            await RestartAsync();

            await _gateway.RunInAsync(new_, "running");
            Assert.Equal("replaced", (await _gateway.RunInAsync(old, "exited")).Text("reason"));
            await SettledAsync(new_);
            Assert.Single(await _gateway.StatesAsync(old), state => DeployActs.Ends.Contains(state));
            old = new_;
        }
    }

    [Theory]
    [InlineData("", false), InlineData(Port, false), InlineData("", true), InlineData(Port, true)]
    public async Task WorkerLostOnTheWayBack_NextOneGoesBack(string ports, bool isPaused)
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, ports));
        if (isPaused)
        {
            _fake.Pause(old);
        }
        _fake.Probe = _ => ProbeOutcome.Bad("never");
        var steps = ports.Length == 0 ? 8 : isPaused ? 14 : 12; // create, (stop,) start, stop, remove, (start again, (pause)): each before and after
        foreach (var step in Enumerable.Range(0, steps))
        {
            var reference = await _gateway.ApplyAsync("web", step + 2, ports + Health);
            var lost = LoseWorkerAt(step);
            var new_ = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
            await lost;
            await RestartAsync();

            Assert.Equal(old, (await _gateway.RunInAsync(new_, "failed")).Text("serving"));
            Assert.Equal((old, isPaused ? WorkloadState.Paused : WorkloadState.Running), (_fake.All.Single().RunId, _fake.All.Single().State));
            Assert.Equal("running", (await _gateway.GetAsync("/v1/runs/" + old)).Json.Text("state"));
            Assert.Single(await _gateway.StatesAsync(new_), state => DeployActs.Ends.Contains(state));
        }
    }

    private async Task<(string Old, string New)> ReplaceAsync(string ports)
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, ports));
        _fake.Around = (call, _) =>
        {
            if (call.StartsWith("before ", StringComparison.Ordinal))
            {
                _calls.Add(call["before ".Length..]);
            }
            return Task.CompletedTask;
        };
        return (old, await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 2, ports)));
    }

    /// <summary>Completes when the worker hangs at its n-th moment, before or after a call; it hangs until it is stopped.</summary>
    private Task LoseWorkerAt(int step)
    {
        var (count, reached) = (0, new TaskCompletionSource());
        _fake.Around = async (_, cancel) =>
        {
            if (Interlocked.Increment(ref count) == step + 1)
            {
                reached.SetResult();
                await Task.Delay(Timeout.Infinite, cancel);
            }
        };
        return reached.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
    }

    private async Task RestartAsync()
    {
        await _gateway.StopAsync();
        _fake.Around = (_, _) => Task.CompletedTask;
        _gateway = await TestGateway.StartAsync([_fake], folder: _gateway.Folder, key: _gateway.Key);
    }

    /// <summary>The new container alone is left, under the service's name, and was started once.</summary>
    private async Task SettledAsync(string run)
    {
        await Patience.UntilAsync("one container", () => _fake.All is [{ Name: "dev-web" }]);
        Assert.Equal([("dev-web", run, WorkloadState.Running, 1)], _fake.All);
    }

    private async Task<int> IndexAsync(string run, string intent)
    {
        var spans = await _gateway.PostAsync("""{"subject":"urn:minicontainer:dev/web","limit":1000}""", path: "/v1/spans/query");
        return spans.Json.Items("items").ToList().FindIndex(span => span.Text("intent") == intent && span.Member("payload").Text("run_id") == run);
    }

    private async Task StartAsync() => _gateway = await (await TestGateway.StartAsync([_fake])).RegisterKeyAsync();

    public async ValueTask DisposeAsync()
    {
        var folder = _gateway.Folder;
        await _gateway.DisposeAsync();
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
