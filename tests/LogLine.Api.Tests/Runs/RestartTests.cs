using System.Collections.Concurrent;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>A container that is to be started again, and what else may happen to it just then, on a target that a test can stop at each step.</summary>
public sealed class RestartTests : IAsyncDisposable
{
    private const string Port = ""","ports":[{"host":8081,"container":80}]""";
    private const string Always = ""","restart":{"policy":"always"}""";
    private const string Sick = ""","lifecycle":{"health":{"tcp":{"port":80},"start_period":"1ms","watch_interval":"5ms","retries":1}},"restart":{"policy":"no","on_unhealthy":true}""";

    private readonly TaskCompletionSource _stops = new();
    private readonly FakeAdapter _fake;
    private Primitive _restart = (_, _) => throw new InvalidOperationException("It was cancelled before it was its turn.");
    private TestGateway _gateway = null!;
    private bool _well = true;

    public RestartTests() => _fake = new FakeAdapter
    {
        Probe = _ => Volatile.Read(ref _well) ? ProbeOutcome.Good : ProbeOutcome.Bad("refused"),
        Primitives = new Dictionary<string, Primitive>
        {
            ["container.stop"] = async (call, cancel) =>
            {
                await _stops.Task.WaitAsync(cancel);
                await _fake!.StopAsync(call.Workload!.Id, TimeSpan.Zero, cancel);
                return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
            },
            ["container.kill"] = (_, _) => Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root)),
            ["container.exec"] = async (call, cancel) =>
            {
                await call.Begun();
                await _stops.Task.WaitAsync(cancel);
                return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
            },
            ["container.restart"] = (call, cancel) => _restart(call, cancel),
            ["container.top"] = (_, _) => Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root)),
        },
    };

    /// <summary>Between its end and its next start it does not run, and its port is its own all the same.</summary>
    [Fact]
    public async Task BetweenTwoLives_ItHoldsItsPort_AndWhatReplacesItStopsItFirst()
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Port + Always));
        var (reached, goes, calls) = (new TaskCompletionSource(), new TaskCompletionSource(), new ConcurrentQueue<string>());
        _fake.Around = async (what, cancel) =>
        {
            if (what == "before start again")
            {
                reached.TrySetResult();
                await goes.Task.WaitAsync(cancel);
            }
            calls.Enqueue(what);
        };
        _fake.Exit(old, 1);
        await reached.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        var reference = await _gateway.ApplyAsync("web", 2, Port);
        var plan = await _gateway.PlanAsync("web", reference);
        Assert.Equal(["create", "stop", "start", "check", "remove", "rename"], plan.Actions());
        var run = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        await _gateway.RunInAsync(run, "applied", "running");
        goes.SetResult();
        await _gateway.RunInAsync(run, "running");

        Assert.Equal("replaced", (await _gateway.RunInAsync(old, "exited")).Text("reason"));
        // The start that was under way is over before the old one is stopped, and that before the new one starts.
        Assert.Equal(["after start again", "before stop", "after stop", "before start", "after start"], calls.Where(call => call is not ("before start again" or "before create" or "after create")).Take(5));
        await Patience.UntilAsync("the new one alone", () => _fake.All is [{ Name: "dev-web", State: WorkloadState.Running } left] && left.RunId == run);
    }

    [Fact]
    public async Task WorkerLostWhenItHadStoppedASickOne_NextOneStartsItAgain()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Sick));
        var stopped = new TaskCompletionSource();
        _fake.Around = async (what, cancel) =>
        {
            if (what == "after stop")
            {
                stopped.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancel);
            }
        };
        Volatile.Write(ref _well, false);
        await stopped.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await _gateway.StopAsync();
        Volatile.Write(ref _well, true);
        _fake.Around = (_, _) => Task.CompletedTask;
        _gateway = await TestGateway.StartAsync([_fake], folder: _gateway.Folder, key: _gateway.Key);

        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal(("running", 1L), (shown.Text("state"), shown.Integer("restarts")));
    }

    [Fact]
    public async Task SickOneThatTheTargetDoesNotStop_IsWatchedOn()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Sick));
        var refusals = 0;
        _fake.Around = (what, _) =>
        {
            if (what == "before start again")
            {
                Volatile.Write(ref _well, true); // its next life is well
            }
            return what == "before stop" && Interlocked.Increment(ref refusals) < 3 ? throw new AdapterException(AdapterFailure.Refused, "did not receive an exit event") : Task.CompletedTask;
        };
        Volatile.Write(ref _well, false);

        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal(("running", 1L, 3), (shown.Text("state"), shown.Integer("restarts"), refusals));
    }

    /// <summary>While it takes that time it need not be healthy any more.</summary>
    [Fact]
    public async Task SickOneThatAClientStops_HasTheGraceOfThatClient()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Sick));
        await SendAsync("container.stop");
        var (looks, stops) = (0, 0);
        _fake.Around = (what, _) =>
        {
            stops += what == "before stop" ? 1 : 0;
            return Task.CompletedTask;
        };
        _fake.Probe = _ =>
        {
            Interlocked.Increment(ref looks);
            return ProbeOutcome.Bad("draining");
        };
        await Patience.UntilAsync("several looks", () => Volatile.Read(ref looks) > 5);
        Assert.Equal(0, stops);
        _stops.SetResult();

        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal(("exited", null, 1), (shown.Text("state"), shown.Integer("restarts"), stops));
    }

    /// <summary>However much else is asked of it while it takes its time to stop.</summary>
    [Fact]
    public async Task StoppedByAClient_StaysStopped_WhateverElseIsAskedMeanwhile()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        await SendAsync("container.stop");
        for (var look = 0; look < 25; look++)
        {
            await SendAsync("container.top");
        }
        _stops.SetResult();

        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal(("exited", null), (shown.Text("state"), shown.Integer("restarts")));
    }

    /// <summary>In the middle of it the container has ended, and nothing of it says that it starts again.</summary>
    [Theory, InlineData(true, "running"), InlineData(false, "exited")]
    public async Task RestartOfAClient_IsNoEnd_UnlessTheTargetDoesNotStartItAgain(bool starts, string state)
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1));
        var began = (await _gateway.GetAsync("/v1/runs/" + run)).Json.Text("started_at");
        var stopped = new TaskCompletionSource();
        _restart = async (call, cancel) =>
        {
            await call.Begun();
            await _fake.StopAsync(call.Workload!.Id, TimeSpan.Zero, cancel);
            stopped.SetResult();
            await _stops.Task.WaitAsync(cancel);
            _ = starts ? await _fake.StartAgainAsync(call.Workload.Id, cancel) : throw new AdapterException(AdapterFailure.Refused, "its network is gone");
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        };
        var restart = await SendAsync("container.restart");
        await stopped.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        for (var other = 1; other <= 25; other++)
        {
            await _gateway.ApplyAsync("other", other); // time in which its end would long be on the ledger
        }
        Assert.Equal("running", (await _gateway.GetAsync("/v1/runs/" + run)).Json.Text("state"));
        _stops.SetResult();
        await _gateway.RunInAsync(restart, "exited");

        var shown = await Patience.UntilThereAsync("an end or a new beginning", async () =>
        {
            var answer = await _gateway.GetAsync("/v1/runs/" + run);
            return answer.Json.Text("state") != "running" || answer.Json.Text("started_at") != began ? answer : null;
        });
        Assert.Equal((state, null), (shown.Json.Text("state"), shown.Json.Integer("restarts")));
    }

    /// <summary>It reads its settings again, and goes on.</summary>
    [Theory, InlineData("SIGHUP", "running", 1L), InlineData("SIGTERM", "exited", null)]
    public async Task CrashAfterASignalOfAClient_IsStartedAgain_UnlessThatAskedItToEnd(string signal, string state, long? restarts)
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        await _gateway.RunInAsync(await SendAsync("container.kill", $$""","signal":"{{signal}}" """), "exited");
        _fake.Exit(run, 1);

        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal((state, restarts), (shown.Text("state"), shown.Integer("restarts")));
    }

    /// <summary>One that ends again and again is not started at once by each worker that comes to watch it.</summary>
    [Fact]
    public async Task PauseBetweenTwoLives_GrowsOn_UnderTheNextWorker()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        _fake.Exit(run, 1);
        Assert.Equal(1, await BackoffAsync(1));
        await _gateway.StopAsync();
        _gateway = await TestGateway.StartAsync([_fake], folder: _gateway.Folder, key: _gateway.Key);
        _fake.Exit(run, 1);

        Assert.Equal(2, await BackoffAsync(2));

        async Task<long?> BackoffAsync(int restarts) => (await Patience.UntilThereAsync($"restart {restarts}", async () =>
        {
            var shown = await _gateway.GetAsync("/v1/runs/" + run);
            return shown.Json.Integer("restarts") == restarts ? shown : null;
        })).Json.Integer("backoff_s");
    }

    [Fact]
    public async Task RestartThatTheTargetRefuses_EndsTheRun_WhichSaysHowItEndedAndWhyItStaysSo()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        _fake.Around = (what, _) => what == "before start again" ? throw new AdapterException(AdapterFailure.PortTaken, "somebody else has the port") : Task.CompletedTask;
        _fake.Exit(run, 7);

        var shown = await _gateway.RunInAsync(run, "exited");
        Assert.Equal((7L, "port_taken", "It was to be started again: somebody else has the port"), (shown.Integer("exit_code"), shown.Text("reason"), shown.Text("error")));
        Assert.Equal(["last line"], shown.Texts("log_tail"));
    }

    /// <summary>An engine on another machine has a clock of its own.</summary>
    [Theory, InlineData(1), InlineData(-1)]
    public async Task ClockOfTheTarget_DoesNotDecideWhetherAClientStoppedIt(int hoursAhead)
    {
        await StartAsync();
        _fake.Ahead = TimeSpan.FromHours(hoursAhead);
        _stops.SetResult();
        var stopped = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        await SendAsync("container.stop");
        var shown = await EndedOrRestartedAsync(stopped);
        Assert.Equal(("exited", null), (shown.Text("state"), shown.Integer("restarts")));

        var crashed = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 2, Always));
        _fake.Exit(crashed, 1);
        shown = await EndedOrRestartedAsync(crashed);
        Assert.Equal(("running", 1L), (shown.Text("state"), shown.Integer("restarts")));
    }

    /// <summary>Until the new one runs, the service's name is the old one's.</summary>
    [Fact]
    public async Task StopOfTheOneThatIsReplaced_IsNoneOfTheNewOne()
    {
        await StartAsync();
        var old = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1));
        _fake.Probe = run => run == old || Volatile.Read(ref _well) ? ProbeOutcome.Good : ProbeOutcome.Bad("refused");
        Volatile.Write(ref _well, false);
        var reference = await _gateway.ApplyAsync("web", 2, Always + ""","lifecycle":{"health":{"tcp":{"port":80},"start_period":"1h"}}""");
        var run = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        await Patience.UntilAsync("the new one's start", () => _fake.All.Any(one => one.RunId == run && one.State == WorkloadState.Running));
        _stops.SetResult();
        await SendAsync("container.stop");
        await _gateway.RunInAsync(old, "exited");
        Volatile.Write(ref _well, true);
        await _gateway.RunInAsync(run, "running");
        _fake.Exit(run, 1);

        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal(("running", 1L), (shown.Text("state"), shown.Integer("restarts")));
    }

    /// <summary>Who cancels a replacement is told when what was there before does not run again.</summary>
    [Fact]
    public async Task Cancelled_SaysThatTheWayBackFailed()
    {
        await StartAsync();
        await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Port));
        Volatile.Write(ref _well, false);
        _fake.Around = (what, _) => what == "before start again" ? throw new AdapterException(AdapterFailure.PortTaken, "somebody else has the port") : Task.CompletedTask;
        var reference = await _gateway.ApplyAsync("web", 2, Port + ""","lifecycle":{"health":{"tcp":{"port":80},"start_period":"1h"}}""");
        var run = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        await Patience.UntilAsync("the new one's start", () => _fake.All.Any(one => one.RunId == run && one.State == WorkloadState.Running));
        await _gateway.SendAsync("run.cancel", "web", new { run_id = run });

        var cancelled = await _gateway.RunInAsync(run, "cancelled");
        Assert.Null(cancelled.Text("serving"));
        Assert.Contains("What ran before could not be started again: somebody else has the port", cancelled.Text("error"));
    }

    /// <summary>It waits for a command that a client gave, which may go on for long after the container's end.</summary>
    [Fact]
    public async Task CancelledWhileItsNextStartWaitsForItsTurn_EndsAtOnce()
    {
        var time = new RestartPauses();
        await StartAsync(time);
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        _fake.Exit(run, 1);
        await EndedOrRestartedAsync(run);
        var command = await SendAsync("container.exec", ""","argv":["x"]""");
        await _gateway.RunInAsync(command, "running");

        _fake.Exit(run, 1);
        await time.SecondIsOver.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await CancelAsync(run, "minicontainer");

        await _gateway.RunInAsync(run, "cancelled");
        Assert.Equal("running", (await _gateway.GetAsync("/v1/runs/" + command)).Json.Text("state"));
        Assert.Equal((2, 0), (_fake.Started, _fake.All.Count));
        _stops.SetResult();
        await _gateway.RunInAsync(command, "exited");
    }

    /// <summary>A client's restart that waits for the one that the manifest wants.</summary>
    [Fact]
    public async Task ClientsRestartThatIsCancelledBeforeItsTurn_DoesNothing()
    {
        await StartAsync();
        var run = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, Always));
        var (reached, goes) = (new TaskCompletionSource(), new TaskCompletionSource());
        _fake.Around = async (what, cancel) =>
        {
            if (what == "before start again")
            {
                reached.TrySetResult();
                await goes.Task.WaitAsync(cancel);
            }
        };
        _fake.Exit(run, 1);
        await reached.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        var restart = await SendAsync("container.restart");
        await _gateway.RunInAsync(restart, "pending");
        await CancelAsync(restart, "container");

        Assert.Equal("cancelled", (await _gateway.RunInAsync(restart, "cancelled", "exited", "failed")).Text("state"));
        goes.SetResult();
        var shown = await EndedOrRestartedAsync(run);
        Assert.Equal(("running", 1L, 2), (shown.Text("state"), shown.Integer("restarts"), _fake.Started));
    }

    private async Task<System.Text.Json.JsonElement> EndedOrRestartedAsync(string run) => (await Patience.UntilThereAsync("an end or a restart", async () =>
    {
        var shown = await _gateway.GetAsync("/v1/runs/" + run);
        return shown.Json.Text("state") != "running" || shown.Json.Integer("restarts") is not null ? shown : null;
    })).Json;

    private async Task<string> SendAsync(string intent, string more = "") =>
        (await _gateway.PostAsync($$$"""{"intent":"{{{intent}}}","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web"{{{more}}}}}""")).RunId();

    private async Task CancelAsync(string run, string kind)
    {
        var answer = await _gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:{{{kind}}}:dev/web","payload":{"run_id":"{{{run}}}"}}""");
        Assert.True(answer.Status == System.Net.HttpStatusCode.OK, answer.Body);
    }

    private async Task StartAsync(TimeProvider? time = null) => _gateway = await (await TestGateway.StartAsync([_fake], time)).RegisterKeyAsync();

    public async ValueTask DisposeAsync() => await _gateway.DisposeAsync();

    /// <summary>The machine's time, on which the pause before a second restart, which is twice as long as the one before the first, is over at once.</summary>
    private sealed class RestartPauses : TimeProvider
    {
        /// <summary>From then on it waits for its turn alone.</summary>
        public TaskCompletionSource SecondIsOver { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => dueTime != TimeSpan.FromSeconds(2) ? base.CreateTimer(callback, state, dueTime, period)
            : base.CreateTimer(waiting =>
            {
                callback(waiting);
                SecondIsOver.TrySetResult();
            }, state, TimeSpan.Zero, period);
    }
}
