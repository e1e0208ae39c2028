using System.Collections.Concurrent;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Runs;

/// <summary>
/// The store does not answer while a job needs it. Leases last ten minutes here, which is longer than anybody waits: what goes on does so because the store answers again, not because a lease is over. Where the lease is to
/// be over before the store answers, it lasts two seconds.
/// </summary>
public sealed class StoreAwayTests(PostgresCluster cluster) : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-away-").FullName;
    private readonly StoreFaults _faults = new();
    private readonly WorkerLog _log = new();
    private Action<CommittedBatch> _committed = _ => { };
    private TestGateway? _gateway;
    private SpanLedger? _ledger;

    /// <summary>A look at the run that fails begins the job anew, and is said in a line; what the job says of the run is said again.</summary>
    [Theory]
    [InlineData("FindRunAsync", "after create"), InlineData("FindRunAsync", "after start")]
    [InlineData("BeginAsync", "after create"), InlineData("BeginAsync", "after start"), InlineData("CommitAsync", "after start")]
    public async Task Deploy_GoesOnAsSoonAsTheStoreAnswers(string call, string step)
    {
        var target = new FakeAdapter();
        var (gateway, armed) = (await StartAsync(target), 0);
        var reference = await gateway.ApplyAsync("web");
        target.Around = (what, _) =>
        {
            if (what == step && Interlocked.Exchange(ref armed, 1) == 0)
            {
                _faults.Arm(call, StoreFault.NotPersisted, times: int.MaxValue);
            }
            return Task.CompletedTask;
        };

        var run = (await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        var saysSo = call == "FindRunAsync";
        await FailedAsync(call);
        await Patience.UntilAsync("the worker's word", () => !saysSo || Warnings(run) > 0);
        _faults.Disarm();
        await gateway.RunInAsync(run, "running");

        Assert.Equal((1, 1), (target.Created, target.Started));
        Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"], await gateway.StatesAsync(run));
        Assert.Equal(saysSo ? 1 : 0, Warnings(run));
        Assert.DoesNotContain(_log.Lines, line => line.Level >= LogLevel.Error || line.Defect is not null);
        await gateway.AssertWholeAsync();
    }

    /// <summary>The step is on the ledger, and for longer than the writer asks nobody says so: said again, it is not there twice, and its job goes on.</summary>
    [Fact]
    public async Task StepOfWhichNobodyKnows_IsNotSaidTwice()
    {
        var (target, run) = (new FakeAdapter(), new TaskCompletionSource<string>());
        var gateway = await StartAsync(target, await ConnectAsync());
        var reference = await gateway.ApplyAsync("web");
        target.Around = async (what, _) =>
        {
            if (what == "after start")
            {
                await Patience.UntilAsync("that it is there", async () => (await gateway.StatesAsync(await run.Task)).Contains("deploy.applied"));
                _faults.Arm("CommitAsync", StoreFault.PersistedAnyway, times: 1);
                _faults.Arm("SettledCheckpointAsync", StoreFault.NotPersisted, times: int.MaxValue);
            }
        };

        run.SetResult((await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId());
        var id = await run.Task;
        await gateway.RunInAsync(id, "running");
        target.Exit(id, 3);
        await gateway.RunInAsync(id, "exited");

        Assert.True(_faults.Failed.ContainsKey(("SettledCheckpointAsync", StoreFault.NotPersisted)));
        Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run_state.exited"], await gateway.StatesAsync(id));
        Assert.Equal((1, 1), (target.Created, target.Started));
        await gateway.AssertWholeAsync();
    }

    /// <summary>What a command has brought is nowhere but in its job's hands: it is kept until it can be written.</summary>
    [Fact]
    public async Task ResultOfACommand_IsNotLost()
    {
        var carriedOut = 0;
        Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            carriedOut++;
            _faults.Arm("BeginAsync", StoreFault.NotPersisted, times: int.MaxValue);
            return Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("""{"said":"once"}"""u8).Root));
        }
        var gateway = await StartAsync(Pulling(Pull));

        var run = await PullAsync(gateway);
        await FailedAsync("BeginAsync");
        _faults.Disarm();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", 0, 1, "once"), (ended.Text("state"), ended.Integer("exit_code"), carriedOut, ended.Member("result").Text("said")));
    }

    /// <summary>The gateway stops before the store is back: it has kept what the command brought, and says it when it is started again.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task ResultOfACommand_OutlivesItsGateway(bool hasBegun)
    {
        var carriedOut = 0;
        async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            carriedOut++;
            await (hasBegun ? call.Begun() : Task.CompletedTask);
            _faults.Arm("BeginAsync", StoreFault.NotPersisted, times: int.MaxValue);
            return new PrimitiveResult(CanonicalJson.Parse("""{"said":"once"}"""u8).Root, 3);
        }
        // Not only when the store has been away for a second: on this clock that is never over.
        var gateway = await StartAsync(Pulling(Pull), time: new PatientTime(Absence.LongestPause, Timeout.InfiniteTimeSpan));
        var run = await PullAsync(gateway);
        await Patience.UntilAsync("its end, kept", () => File.Exists(Path.Combine(gateway.Folder, "unsaid", run)));
        await gateway.StopAsync();
        await _ledger!.DisposeAsync();
        _faults.Disarm();

        gateway = await StartAsync(Pulling(Pull), key: gateway.Key);
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", null, 3, 1, "once"), (ended.Text("state"), ended.Text("reason"), ended.Integer("exit_code"), carriedOut, ended.Member("result").Text("said")));
        Assert.Equal(["image.pull", "run_state.pending", "run_state.running", "run_state.exited"], await gateway.StatesAsync(run));
    }

    /// <summary>The store is away while a command that has begun says how far it is, and keeps what it made: it goes on, and what it made is kept once the store answers.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task WhatACommandSaysAndMakesOnItsWay_EndsNothing(bool isShared)
    {
        var carriedOut = 0;
        async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            carriedOut++;
            await call.Begun();
            _faults.Arm("BeginAsync", StoreFault.NotPersisted, times: int.MaxValue);
            await call.Progress(new RunProgress(1, 2, "steps"));
            var kept = await call.Artifacts.WriteAsync(made => made.WriteAsync("made"u8.ToArray(), cancel).AsTask(), cancel);
            return new PrimitiveResult(CanonicalJson.Compose(json =>
            {
                json.WriteStartObject();
                json.WriteString("artifact", kept.Hash.ToString());
                json.WriteEndObject();
            }).Root);
        }
        var gateway = await StartAsync(Pulling(Pull), isShared ? await ConnectAsync() : null);

        var run = await PullAsync(gateway);
        await FailedAsync("BeginAsync");
        _faults.Disarm();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", null, 0, 1), (ended.Text("state"), ended.Text("reason"), ended.Integer("exit_code"), carriedOut));
        Assert.Equal("made", (await gateway.GetAsync("/v1/artifacts/" + ended.Member("result").Text("artifact"))).Body);
    }

    /// <summary>What a command that has begun asks of the log in the middle of its work is asked until there is an answer.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task WhatACommandAsksOnItsWay_EndsNothing(bool isShared)
    {
        var carriedOut = 0;
        async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            carriedOut++;
            await call.Begun();
            _faults.Arm("ScanAsync", StoreFault.NotPersisted, times: int.MaxValue);
            var ended = await call.HasEnded("session", "s1");
            return new PrimitiveResult(CanonicalJson.Parse(ended ? "{}" : """{"said":"once"}""").Root);
        }
        var gateway = await StartAsync(Pulling(Pull), isShared ? await ConnectAsync() : null);

        var run = await PullAsync(gateway);
        await FailedAsync("ScanAsync");
        _faults.Disarm();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", null, 0, 1, "once"), (ended.Text("state"), ended.Text("reason"), ended.Integer("exit_code"), carriedOut, ended.Member("result").Text("said")));
    }

    /// <summary>A command that has begun is begun by nobody else: its worker has it again when the store answers, with what it brought meanwhile.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task CommandThatHasBegun_OutlivesItsLease_AndEndsOnce(bool isShared)
    {
        var (carriedOut, goesOn) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            carriedOut++;
            await call.Begun();
            await goesOn.Task.WaitAsync(cancel);
            return new PrimitiveResult(CanonicalJson.Parse("""{"said":"once"}"""u8).Root);
        }
        var gateway = await StartAsync(Pulling(Pull), isShared ? await ConnectAsync() : null, leaseSeconds: 2);

        var run = await PullAsync(gateway);
        await gateway.RunInAsync(run, "running");
        await OutliveAsync(() => Unrenewed >= 6);
        await LeasedAsync(run);
        goesOn.SetResult();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", null, 0, 1, "once"), (ended.Text("state"), ended.Text("reason"), ended.Integer("exit_code"), carriedOut, ended.Member("result").Text("said")));
        Assert.Equal(["image.pull", "run_state.pending", "run_state.running", "run_state.exited"], await gateway.StatesAsync(run));
    }

    /// <summary>Its job has not ended when its worker leases the run again: it is carried out behind that job, and not when the new lease is over.</summary>
    [Fact]
    public async Task RunThatIsLeasedAgain_WhileItsDroppedJobEnds_GoesOnBehindIt()
    {
        var (target, began, goesOn) = (new FakeAdapter(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        target.Around = async (what, _) =>
        {
            if (what == "before start")
            {
                began.TrySetResult();
                await goesOn.Task;
            }
        };
        var gateway = await StartAsync(target, leaseSeconds: 2);
        var reference = await gateway.ApplyAsync("web");
        var run = (await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        await began.Task;
        await OutliveAsync(() => _log.Lines.Any(line => line.Text.StartsWith($"The lease of {run} is lost", StringComparison.Ordinal)),
            () => gateway.Services.GetRequiredService<WorkerLeases>().Seconds = 600); // the next lease is not over while anybody waits
        await LeasedAsync(run);
        goesOn.SetResult();
        await gateway.RunInAsync(run, "running");

        Assert.Equal((1, 1), (target.Created, target.Started));
        Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"], await gateway.StatesAsync(run));
    }

    /// <summary>Who wants a run to end says so once; its worker could not look at that moment.</summary>
    [Fact]
    public async Task WishForARunsEnd_IsHeardLate()
    {
        var target = new FakeAdapter();
        var gateway = await StartAsync(target);
        var run = await gateway.RunAsync("web", await gateway.ApplyAsync("web"));
        _ledger!.Committed += batch =>
        {
            if (batch.Touched.Any(touched => touched.Id == run))
            {
                _faults.Arm("FindRunAsync", StoreFault.NotPersisted);
            }
        };

        await gateway.SendAsync("run.cancel", "web", new { run_id = run });
        await FailedAsync("FindRunAsync");
        await Patience.UntilAsync("the run's end", async () => (await gateway.StatesAsync(run)).Contains("run_state.cancelled"));

        Assert.Empty(target.All);
        Assert.DoesNotContain(_log.Lines, line => line.Level >= LogLevel.Error);
    }

    /// <summary>Whoever follows a command sees its end late, and what its result has kept of it.</summary>
    [Fact]
    public async Task EndOfAFollowedCommand_IsSeenLate()
    {
        var (isOver, goesOn) = (false, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        async Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            await goesOn.Task.WaitAsync(cancel);
            Volatile.Write(ref isOver, true);
            return new PrimitiveResult(CanonicalJson.Parse("""{"stdout":"kept"}"""u8).Root);
        }
        var gateway = await StartAsync(new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = Exec } });
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));
        var run = (await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["x"]}}""")).RunId();
        await gateway.RunInAsync(run, "running");
        _committed = batch =>
        {
            if (Volatile.Read(ref isOver) && batch.Touched.Any(touched => touched.Id == run))
            {
                _faults.Arm("FindRunAsync", StoreFault.NotPersisted, times: int.MaxValue);
            }
        };

        using var follower = await gateway.Client.GetAsync($"/v1/runs/{run}/logs?follow=true", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        goesOn.SetResult();
        await FailedAsync("FindRunAsync");
        _faults.Disarm();
        var followed = await follower.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Contains("\"kept\"", followed);
        Assert.Contains("event: end", followed);
    }

    /// <summary>Another worker has leased the run right before its command would begin: it is begun there, and not here.</summary>
    [Fact]
    public async Task CommandOfWhichAnotherWorkerHasTheRun_IsNotBegun()
    {
        var (begun, stolen) = (false, new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously));
        async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            do
            {
                await _ledger!.Store.ReleaseLeasesAsync("local:"); // the gateway's own worker may be the first to ask
            }
            while ((await _ledger.Store.LeaseRunsAsync("other", LeaseReach.Everything, 10, DateTimeOffset.UtcNow.AddMinutes(10), DateTimeOffset.UtcNow)).Count == 0);
            try
            {
                await call.Begun();
                begun = true;
                stolen.SetResult(null);
            }
            catch (Exception refused)
            {
                stolen.SetResult(refused);
                throw;
            }
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        var gateway = await StartAsync(Pulling(Pull), await ConnectAsync());

        var run = await PullAsync(gateway);
        Assert.IsType<OperationCanceledException>(await stolen.Task, exactMatch: false);

        Assert.False(begun);
        Assert.Equal(["image.pull", "run_state.pending"], await gateway.StatesAsync(run));
    }

    /// <summary>Gateway or store was away for longer than a lease: who had a run keeps it by asking again, whoever asks first.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task RunWhoseLeaseCouldNotBeRenewed_IsNotGivenToAnotherWorkerAtOnce(bool isStoreAway)
    {
        var (clock, life) = (new JumpingTime(), TimeSpan.FromSeconds(30));
        var gateway = await StartAsync(new FakeAdapter(), role: "gateway");
        var run = (await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(await gateway.ApplyAsync("web"), "web"))).RunId();
        var desk = new RunDesk(_ledger!, clock);
        Assert.Equal([run], await GiveAsync("one"));

        clock.Pass(life * 2);
        await AwayAsync();
        Assert.Empty(await GiveAsync("two"));
        Assert.Equal([run], await desk.RenewAsync("one", [run], life));
        clock.Pass(life / 2);
        Assert.Empty(await GiveAsync("two"));

        // It does not ask again.
        clock.Pass(life * 2);
        await AwayAsync();
        clock.Pass(life / 2);
        Assert.Equal([run], await GiveAsync("two"));
        clock.Pass(life * 2);
        await AwayAsync();
        Assert.Equal([run], await GiveAsync("two"));

        async Task<IEnumerable<string>> GiveAsync(string worker) => (await desk.LeaseAsync(worker, LeaseReach.Everything, 10, life)).Select(given => given.RunId);

        async Task AwayAsync()
        {
            if (!isStoreAway)
            {
                desk = new RunDesk(_ledger!, clock);
                return;
            }
            _faults.Arm("RenewLeasesAsync", StoreFault.NotPersisted, times: 1);
            await Assert.ThrowsAnyAsync<Exception>(() => desk.RenewAsync("one", [run], life).AsTask());
        }
    }

    /// <summary>In the time that workers get to renew, somebody puts the clock right: that is no time in which anybody renewed, or none in which nobody did.</summary>
    [Theory, InlineData(600), InlineData(-600)]
    public async Task ClockThatIsPutRight_NeitherEndsNorProlongsTheTimeToRenew(int seconds)
    {
        var (clock, life) = (new JumpingTime(), TimeSpan.FromSeconds(30));
        var gateway = await StartAsync(new FakeAdapter(), role: "gateway");
        var run = (await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(await gateway.ApplyAsync("web"), "web"))).RunId();
        Assert.Equal([run], await GiveAsync(new RunDesk(_ledger!, clock), "one"));
        clock.Jump(TimeSpan.FromHours(1));
        var desk = new RunDesk(_ledger!, clock);

        clock.Jump(TimeSpan.FromSeconds(seconds));
        Assert.Empty(await GiveAsync(desk, "two"));
        clock.Pass(life / 2);
        Assert.Equal([run], await GiveAsync(desk, "two"));

        async Task<IEnumerable<string>> GiveAsync(RunDesk desk, string worker) => (await desk.LeaseAsync(worker, LeaseReach.Everything, 10, life)).Select(given => given.RunId);
    }

    /// <summary>A clock on the wall, and beside it the time that passes.</summary>
    private sealed class JumpingTime : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UtcNow;
        private TimeSpan _passed;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _passed.Ticks;

        public override DateTimeOffset GetUtcNow() => _now;

        public void Jump(TimeSpan by) => _now += by;

        public void Pass(TimeSpan by) => (_now, _passed) = (_now + by, _passed + by);
    }

    private static FakeAdapter Pulling(Primitive pull) => new() { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = pull } };

    private static async Task<string> PullAsync(TestGateway gateway) =>
        (await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""")).RunId();

    /// <summary>Leases can neither be renewed nor given until something holds.</summary>
    private async Task OutliveAsync(Func<bool> until, Action? then = null)
    {
        _faults.Arm("RenewLeasesAsync", StoreFault.NotPersisted, times: int.MaxValue);
        _faults.Arm("LeaseRunsAsync", StoreFault.NotPersisted, times: int.MaxValue);
        await Patience.UntilAsync("the lease's end", until);
        then?.Invoke();
        _faults.Disarm();
    }

    /// <summary>Somebody has the run for longer than now.</summary>
    private Task LeasedAsync(string run) => Patience.UntilAsync($"a lease of {run}", async () => (await _ledger!.Store.FindRunAsync(run))!.LeaseUntil > DateTimeOffset.UtcNow);

    private int Unrenewed => _log.Lines.Count(line => line.Text.StartsWith("Leases are not renewed", StringComparison.Ordinal));

    private Task FailedAsync(string call) => Patience.UntilAsync($"a failure of {call}", () => _faults.Failed.ContainsKey((call, StoreFault.NotPersisted)));

    private int Warnings(string run) => _log.Lines.Count(line => line.Level == LogLevel.Warning && line.Text.StartsWith($"{run} waits until the store answers: ", StringComparison.Ordinal));

    private async Task<ILedgerStore> ConnectAsync()
    {
        var connection = await cluster.CreateDatabaseAsync();
        await PostgresLedger.MigrateAsync(connection);
        var store = await PostgresLedgerStore.ConnectAsync(connection, TimeProvider.System);
        using var keys = Keys();
        await store.CreateAsync("logline.test/away", keys.Begin(), keys.WebhookKid);
        return store;
    }

    private ServerKeys Keys()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "keys"));
        return ServerKeys.Open(folder.FullName, create: folder.GetFiles().Length == 0);
    }

    /// <summary>A gateway on a store that can be made to fail; on the embedded one without another.</summary>
    private async Task<TestGateway> StartAsync(FakeAdapter target, ILedgerStore? inner = null, int leaseSeconds = 600, string role = "all", SigningKey? key = null, TimeProvider? time = null)
    {
        var keys = Keys();
        var store = FaultyStore.Around(inner ?? SqliteLedgerStore.Open(Path.Combine(_folder, "ledger.db"), "logline.test/away"), _faults);
        _ledger = await SpanLedger.OpenAsync(store, keys, Path.Combine(_folder, "published"), TimeProvider.System, 4096, NullLogger<SpanLedger>.Instance);
        _ledger.Committed += batch => _committed(batch); // before any of the gateway's hears of it
        _gateway = await TestGateway.StartAsync([target], time, folder: Path.Combine(_folder, "gateway"), settings: new Dictionary<string, string?> { ["LogLine:Leases:Seconds"] = $"{leaseSeconds}" }, key: key, role: role, adjust: builder =>
        {
            builder.Services.AddSingleton(_ledger);
            builder.Services.AddSingleton<ILogger<Worker>>(_log);
        });
        await _gateway.Services.GetRequiredService<OpenedLedger>().Ledger.DisposeAsync(); // the one that it would have without this test
        return key is null ? await _gateway.RegisterKeyAsync() : _gateway;
    }

    public async ValueTask DisposeAsync()
    {
        _faults.Disarm();
        if (_gateway is not null)
        {
            await _gateway.StopAsync();
            await _ledger!.DisposeAsync();
        }
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>What the worker has said to its operator.</summary>
    private sealed class WorkerLog : ILogger<Worker>
    {
        private readonly ConcurrentQueue<(LogLevel Level, string Text, Exception? Defect)> _lines = new();

        public IReadOnlyList<(LogLevel Level, string Text, Exception? Defect)> Lines => [.. _lines];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                _lines.Enqueue((logLevel, formatter(state, exception), exception));
            }
        }
    }
}
