using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>What stands between started and running, on a target that a test decides about.</summary>
public sealed class HealthGateTests : IAsyncDisposable
{
    private readonly FakeAdapter _fake = new();
    private TestGateway _gateway = null!;

    [Fact]
    public async Task FailuresOfTheStartPeriod_DoNotCount()
    {
        var probes = 0;
        _fake.Probe = _ => Interlocked.Increment(ref probes) < 6 ? ProbeOutcome.Bad("not yet") : ProbeOutcome.Good;
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"interval":"1ms","retries":1,"start_period":"1h","watch_interval":"1h"}}""");
        await _gateway.RunInAsync(run, "running");
        Assert.Equal(6, probes);
    }

    [Fact]
    public async Task FailuresAfterIt_CountInARow()
    {
        var probes = 0;
        _fake.Probe = _ => Interlocked.Increment(ref probes) is var probe && probe == 1 ? throw new AdapterException(AdapterFailure.Unavailable, "the engine is away") : ProbeOutcome.Bad("refused " + probe);
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"interval":"20ms","retries":4,"start_period":"1ms"}}""");
        var failed = await _gateway.RunInAsync(run, "failed");
        Assert.Equal("unhealthy", failed.Text("reason"));
        Assert.Contains("failed 4 times in a row; the last time: refused", failed.Text("error"));
        Assert.InRange(probes, 4, 5); // the first one may have come in the start period
        Assert.Equal(WorkloadState.Stopped, _fake.All.Single().State);
    }

    [Fact]
    public async Task NotHealthyInTime_FailsWithinTheStartPeriodToo()
    {
        _fake.Probe = _ => ProbeOutcome.Bad("warming up");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"interval":"10ms","start_period":"1h"},"start_timeout":"30ms"}""");
        Assert.Equal("start_timeout", (await _gateway.RunInAsync(run, "failed")).Text("reason"));
    }

    [Fact]
    public async Task NotHealthyInTime_FailsThen_HoweverFarApartProbesAre()
    {
        var probes = 0;
        _fake.Probe = _ => Interlocked.Increment(ref probes) > 0 ? ProbeOutcome.Bad("warming up") : ProbeOutcome.Good;
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"interval":"1h","start_period":"1ms","retries":20},"start_timeout":"300ms"}""");
        var failed = await _gateway.RunInAsync(run, "failed");
        Assert.Equal("start_timeout", failed.Text("reason"));
        Assert.Contains("warming up", failed.Text("error"));
        Assert.InRange(probes, 1, 2); // one more where the first was within the start period; none as the time runs out
    }

    /// <summary>The probe that is under way then has not failed.</summary>
    [Fact]
    public async Task NotHealthyInTime_FailsAsThat_WhenAProbeIsBrokenOff()
    {
        using var never = new ManualResetEventSlim();
        _fake.Probe = _ => never.Wait(TimeSpan.FromMilliseconds(200)) ? ProbeOutcome.Good : ProbeOutcome.Bad("no answer");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"retries":1,"start_period":"1ms"},"start_timeout":"100ms"}""");
        Assert.Equal("start_timeout", (await _gateway.RunInAsync(run, "failed")).Text("reason"));
    }

    /// <summary>An engine that is away says nothing of its containers.</summary>
    [Fact]
    public async Task EngineThatIsAwayForAMoment_IsNoFailedCheck()
    {
        var probes = 0;
        _fake.Probe = _ => Interlocked.Increment(ref probes) < 3 ? throw new AdapterException(AdapterFailure.Unavailable, "the engine is away") : ProbeOutcome.Good;
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"interval":"1ms","retries":1,"start_period":"1ms"},"start_timeout":"1ms"}""");
        var shown = await _gateway.RunInAsync(run, "running", "failed");
        Assert.Equal(("running", 3), (shown.Text("state"), probes));
    }

    /// <summary>One that a client paused before it was running is neither well nor sick.</summary>
    [Fact]
    public async Task PausedWhileItStarts_IsNoFailedCheck()
    {
        var probes = 0;
        _fake.Probe = _ => Interlocked.Increment(ref probes) < 6 ? throw new AdapterException(AdapterFailure.Conflict, "the container is paused") : ProbeOutcome.Good;
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"interval":"5ms","retries":1,"start_period":"1ms"}}""");
        Assert.Equal("running", (await _gateway.RunInAsync(run, "running", "failed")).Text("state"));
    }

    /// <summary>Those of the start period are not among the failures in a row that make it sick.</summary>
    [Fact]
    public async Task WhatIsStartedAgain_HasItsStartPeriod_AndAllItsRetriesAfterIt()
    {
        var well = true;
        _fake.Probe = _ => Volatile.Read(ref well) ? ProbeOutcome.Good : ProbeOutcome.Bad("refused");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"start_period":"300ms","watch_interval":"5ms","retries":2}}""", """{"policy":"always","max_restarts":1}""");
        await _gateway.RunInAsync(run, "running");
        Volatile.Write(ref well, false);
        _fake.Exit(run, 1);

        Assert.Contains("failed 2 times in a row", (await WhenAsync(run, "unhealthy")).Text("health_detail"));
    }

    /// <summary>However long it may take to start: once it has been healthy, its start is over.</summary>
    [Fact]
    public async Task OneSuccess_EndsTheStartPeriod_WhileItRunsToo()
    {
        var well = true;
        _fake.Probe = _ => Volatile.Read(ref well) ? ProbeOutcome.Good : ProbeOutcome.Bad("refused");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"start_period":"1h","watch_interval":"5ms","retries":2},"stop_timeout":"1s"}""", """{"policy":"no","on_unhealthy":true,"max_restarts":1}""");
        await _gateway.RunInAsync(run, "running");
        Volatile.Write(ref well, false);
        await WhenAsync(run, "starting");
        Volatile.Write(ref well, true);
        await WhenAsync(run, "healthy");
        Volatile.Write(ref well, false);

        Assert.Contains("failed 2 times in a row", (await WhenAsync(run, "unhealthy")).Text("health_detail"));
    }

    [Fact]
    public async Task EndsWhileItSettles_Fails()
    {
        var run = await DeployAsync("""{"settle":"1h"}""");
        await _gateway.RunInAsync(run, "applied");
        while (_fake.All is not [{ State: WorkloadState.Running }])
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        _fake.Exit(run, 0);
        var failed = await _gateway.RunInAsync(run, "failed");
        Assert.Equal(("exited_at_start", 0), (failed.Text("reason"), failed.Integer("exit_code")));
    }

    [Fact]
    public async Task WhatFallsSickWhileItRuns_IsSaid_AndSoIsThatItIsWellAgain_AndNothingIsDone()
    {
        var well = true;
        _fake.Probe = _ => Volatile.Read(ref well) ? ProbeOutcome.Good : ProbeOutcome.Bad("refused");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"start_period":"1ms","watch_interval":"5ms","retries":2}}""");
        var first = await _gateway.RunInAsync(run, "running");
        Volatile.Write(ref well, false);
        var sick = await WhenAsync(run, "unhealthy");
        Volatile.Write(ref well, true);
        var again = await WhenAsync(run, "healthy");

        Assert.Equal("running", sick.Text("state"));
        Assert.Contains("failed 2 times in a row; the last time: refused", sick.Text("health_detail"));
        Assert.Equal((first.Text("started_at"), null), (again.Text("started_at"), again.Text("restarts")));
        Assert.Equal(WorkloadState.Running, _fake.All.Single().State);
    }

    [Fact]
    public async Task WhatFallsSickWhileItRuns_IsStartedAgain_WhereTheManifestAsksForIt()
    {
        var well = true;
        _fake.Probe = _ => Volatile.Read(ref well) ? ProbeOutcome.Good : ProbeOutcome.Bad("refused");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"start_period":"1ms","watch_interval":"5ms","retries":1}}""", """{"policy":"no","on_unhealthy":true,"max_restarts":1}""");
        await _gateway.RunInAsync(run, "running");
        Volatile.Write(ref well, false);
        var restarted = await WhenAsync(run, "starting", "unhealthy", "exited");
        var ended = await _gateway.RunInAsync(run, "exited");

        Assert.NotNull(restarted.Text("state"));
        Assert.Equal((1, 143), (ended.Integer("restarts"), ended.Integer("exit_code")));
    }

    [Fact]
    public async Task WhatIsStartedAgain_IsSaidToBeHealthyWhenItIs()
    {
        var (isSick, isAnswered) = (false, false);
        _fake.Probe = _ => !Volatile.Read(ref isSick) ? ProbeOutcome.Good
            : _fake.Started == 1 ? ProbeOutcome.Bad("refused")
            : Volatile.Read(ref isAnswered) ? ProbeOutcome.Good
            : throw new AdapterException(AdapterFailure.Unavailable, "the engine is away");
        var run = await DeployAsync("""{"health":{"tcp":{"port":80},"start_period":"1ms","watch_interval":"5ms","retries":1}}""", """{"policy":"no","on_unhealthy":true}""");
        await _gateway.RunInAsync(run, "running");
        Volatile.Write(ref isSick, true);
        var starting = await WhenAsync(run, "starting", "exited");
        Volatile.Write(ref isAnswered, true);
        var healthy = await WhenAsync(run, "healthy", "exited");

        Assert.Equal(("running", 1L), (starting.Text("state"), starting.Integer("restarts")));
        Assert.Equal(("running", 1L, starting.Text("started_at")), (healthy.Text("state"), healthy.Integer("restarts"), healthy.Text("started_at")));
        Assert.Contains("succeeds again", healthy.Text("health_detail"));
    }

    /// <summary>The run once its health is one of these, or once it has ended.</summary>
    private async Task<System.Text.Json.JsonElement> WhenAsync(string run, params string[] health) => (await Patience.UntilThereAsync($"a run that is {string.Join(" or ", health)}", async () =>
    {
        var shown = await _gateway.GetAsync("/v1/runs/" + run);
        return health.Contains(shown.Json.Text("health")) || health.Contains(shown.Json.Text("state")) ? shown : null;
    })).Json;

    [Theory]
    [InlineData("""{"health":{"http":{"port":80},"tcp":{"port":80}}}""", "/payload/manifest/deploy/lifecycle/health")]
    [InlineData("""{"health":{"exec":{"argv":[]}}}""", "/payload/manifest/deploy/lifecycle/health/exec/argv")]
    [InlineData("""{"settle":"soon"}""", "/payload/manifest/deploy/lifecycle/settle")]
    [InlineData("""{"stop_timeout":"P1Y"}""", "/payload/manifest/deploy/lifecycle/stop_timeout")]
    [InlineData("""{"start_timeout":"61m"}""", "/payload/manifest/deploy/lifecycle/start_timeout")]
    [InlineData("""{"stop_timeout":"PT1D"}""", "/payload/manifest/deploy/lifecycle/stop_timeout")]
    public async Task Nonsense_IsRefusedWithItsPlace(string lifecycle, string path)
    {
        await StartAsync();
        var manifest = _gateway.Manifest($$"""{"image":"localhost/x:1","lifecycle":{{lifecycle}}}""");
        var answer = await _gateway.PostAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:dev/web","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""");
        Assert.Equal("422_SCHEMA_INVALID", answer.Code);
        Assert.Contains(answer.Json.Items("errors"), error => error.Text("path") == path);
    }

    private async Task<string> DeployAsync(string lifecycle, string restart = """{"policy":"no"}""")
    {
        await StartAsync();
        return (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(await _gateway.ApplyAsync("web", 1, ""","lifecycle":""" + lifecycle + ""","restart":""" + restart), "web"))).RunId();
    }

    private async Task StartAsync() => _gateway = await (await TestGateway.StartAsync([_fake])).RegisterKeyAsync();

    public async ValueTask DisposeAsync() => await _gateway.DisposeAsync();
}
