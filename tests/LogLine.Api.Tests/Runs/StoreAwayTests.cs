using System.Collections.Concurrent;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Runs;

/// <summary>
/// The store does not answer while a job needs it. Leases last ten minutes here, which is longer than anybody waits: what goes on does so because the store answers again, not because a lease is over.
/// </summary>
public sealed class StoreAwayTests(PostgresCluster cluster) : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-away-").FullName;
    private readonly StoreFaults _faults = new();
    private readonly WorkerLog _log = new();
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
        var gateway = await StartAsync(new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = Pull } });

        var run = (await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""")).RunId();
        await FailedAsync("BeginAsync");
        _faults.Disarm();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", 0, 1, "once"), (ended.Text("state"), ended.Integer("exit_code"), carriedOut, ended.Member("result").Text("said")));
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
    private async Task<TestGateway> StartAsync(FakeAdapter target, ILedgerStore? inner = null)
    {
        var keys = Keys();
        var store = FaultyStore.Around(inner ?? SqliteLedgerStore.Open(Path.Combine(_folder, "ledger.db"), "logline.test/away"), _faults);
        _ledger = await SpanLedger.OpenAsync(store, keys, Path.Combine(_folder, "published"), TimeProvider.System, 4096, NullLogger<SpanLedger>.Instance);
        _gateway = await TestGateway.StartAsync([target], folder: Path.Combine(_folder, "gateway"), settings: new Dictionary<string, string?> { ["LogLine:Leases:Seconds"] = "600" }, adjust: builder =>
        {
            builder.Services.AddSingleton(_ledger);
            builder.Services.AddSingleton<ILogger<Worker>>(_log);
        });
        await _gateway.Services.GetRequiredService<OpenedLedger>().Ledger.DisposeAsync(); // the one that it would have without this test
        return await _gateway.RegisterKeyAsync();
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
