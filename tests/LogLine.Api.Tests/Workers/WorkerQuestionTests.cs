using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Workers.Serving;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Workers;

/// <summary>What a gateway asks workers, and what becomes of answers that do not come, come for hours, are none, or are another tenant's.</summary>
public sealed class WorkerQuestionTests
{
    private static readonly Dictionary<string, string> Good = new() { ["status"] = """{"result":{"available":true}}""", ["find_name"] = "{}", ["find_run"] = "{}" };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>More logs of containers that are gone are followed than there may be questions: each is forgotten when it is answered.</summary>
    [Fact]
    public async Task FollowingWhatIsGone_LeavesNothingBehind()
    {
        await using var gateway = await EdgeWorker.GatewayAsync();
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        var logs = new TestLogs { IsGone = true };
        await worker.ServeAsync(worker.Desk(new FakeAdapter(), logs));
        var run = await DeployAsync(gateway);

        for (var count = 0; count < 260; count++)
        {
            logs.Failure = count % 2 == 0 ? null : new AdapterException(AdapterFailure.Unavailable, "the engine is away");
            var answer = await gateway.GetAsync($"/v1/runs/{run}/logs?follow=true");
            Assert.Equal((count, count % 2 == 0 ? "404_NOT_FOUND" : "503_ADAPTER_UNAVAILABLE"), (count, answer.Code));
        }
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync($"/v1/runs/{run}/logs")).Code);
        logs.Failure = new AdapterException(AdapterFailure.Busy, "16 readers follow this command already");
        Assert.Equal("503_BUSY", (await gateway.GetAsync($"/v1/runs/{run}/logs?follow=true")).Code);
    }

    /// <summary>A tenant follows as many logs as it may: it is told so, everything else is answered as before, and a seat that is left is free.</summary>
    [Fact]
    public async Task FollowedLogs_HaveTheirOwnSeats()
    {
        const int Most = 70; // more than a worker answers of other questions at once
        await using var gateway = await EdgeWorker.GatewayAsync(("LogLine:Streams:MaxFollowedLogsPerTenant", $"{Most}"));
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        await worker.ServeAsync(worker.Desk(new FakeAdapter(), new TestLogs()));
        var run = await DeployAsync(gateway);
        var follow = $"/v1/runs/{run}/logs?follow=true";
        var followers = new List<HttpResponseMessage>();
        for (var count = 0; count < Most; count++)
        {
            followers.Add(await gateway.Client.GetAsync(follow, HttpCompletionOption.ResponseHeadersRead, Cancel));
            Assert.Equal((count, HttpStatusCode.OK), (count, followers[^1].StatusCode));
        }

        Assert.Equal("503_BUSY", (await gateway.GetAsync(follow)).Code);
        Assert.Equal("""{"lines":["said"],"dropped":0}""", (await gateway.GetAsync($"/v1/runs/{run}/logs")).Body);
        followers[0].Dispose();
        await Patience.UntilAsync("a free seat", async () =>
        {
            using var next = await gateway.Client.GetAsync(follow, HttpCompletionOption.ResponseHeadersRead, Cancel);
            return next.IsSuccessStatusCode;
        });
        followers.ForEach(follower => follower.Dispose());
    }

    /// <summary>A worker that does not answer is asked by one tenant as often as that one may; another tenant's questions go to it all the same.</summary>
    [Fact]
    public async Task QuestionsOfOneTenant_LeaveRoomForOthers()
    {
        var board = new WorkerBoard(TimeProvider.System);
        var worker = board.Enter(new WorkerCaller(new TenantPrincipal("t", "dev", "dev", []), null!, "kid/1"), new Dictionary<string, IReadOnlySet<string>> { ["fake"] = new HashSet<string>() });
        Task<System.Text.Json.JsonElement> AskAsync(string tenant) => board.AskAsync("fake", tenant, "find_name", _ => { }, Timeout.InfiniteTimeSpan, Cancel);
        var own = Enumerable.Range(0, 40).Select(_ => AskAsync("a")).ToList();
        await Patience.UntilAsync("a refusal of 8 questions", () => own.Count(asked => asked.IsFaulted) >= 40 - 32);
        var other = AskAsync("b");

        Assert.All(own.Where(asked => asked.IsFaulted), asked => Assert.Contains("too many questions", asked.Exception!.InnerException!.Message));
        var seen = new List<Question>();
        while (worker.Questions.Reader.TryRead(out var question))
        {
            question.Settle(CanonicalJson.Parse("{}"u8).Root);
            seen.Add(question);
        }
        Assert.Equal(32 + 1, seen.Count);
        await other;
        await Task.WhenAll(own.Where(asked => !asked.IsFaulted));
        var again = AskAsync("a");
        worker.Questions.Reader.TryRead(out var last);
        last!.Settle(CanonicalJson.Parse("{}"u8).Root);
        await again;
    }

    /// <summary>What a command says is with the worker that carries it out: it is asked, whichever asked for work last; another one only when it is not there.</summary>
    [Fact]
    public void LogOfARun_IsAskedOfTheWorkerThatHasIt()
    {
        var board = new WorkerBoard(TimeProvider.System);
        ConnectedWorker Enter(string id) => board.Enter(new WorkerCaller(new TenantPrincipal("t", "dev", "dev", []), null!, id), new Dictionary<string, IReadOnlySet<string>> { ["fake"] = new HashSet<string>() });
        var (one, other) = (Enter("kid/1"), Enter("kid/2"));
        string Asked(string? owner)
        {
            var run = new RunRow { RunId = "run_1", Tenant = "dev", Env = "dev", Intent = "container.exec", Subject = "urn:container:dev/web", Provider = "fake", Service = "web", Target = "{}", Span = "s", CreatedAt = DateTimeOffset.UnixEpoch, LeaseOwner = owner };
            board.Forget(board.Follow(run, _ => { }, new LogRing()));
            return Assert.Single(new[] { one, other }, worker => worker.Questions.Reader.TryRead(out _)).Id;
        }

        Assert.Equal(["kid/1", "kid/2", "kid/2", "kid/2"], [Asked("kid/1"), Asked("kid/2"), Asked("kid/3"), Asked(null)]);
    }

    /// <summary>A command that nobody has yet is followed at the worker that takes it, though another one asked for work last.</summary>
    [Fact]
    public async Task CommandThatNobodyHasYet_IsFollowedWhereItIsTaken()
    {
        var time = new ToldTime(TimeSpan.FromMilliseconds(200));
        await using var gateway = await EdgeWorker.GatewayAsync(time);
        await using var taker = await EdgeWorker.OpenAsync(gateway, null, "container.exec");
        await using var other = await EdgeWorker.OpenAsync(gateway, null, "container.exec");
        var engine = new FakeAdapter();
        await engine.StartAsync((await engine.CreateAsync(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_earlier", Image = "x" }, Cancel)).Id, Cancel);
        await taker.ServeAsync(taker.Desk(engine, new TestLogs()));
        await other.ServeAsync(other.Desk(engine, new TestLogs()));
        var run = (await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["x"]}}""")).Json.Member("run").Text("run_id")!;
        await other.LeaseAsync(0, 0);

        var following = gateway.Client.GetAsync($"/v1/runs/{run}/logs?follow=true", HttpCompletionOption.ResponseHeadersRead, Cancel);
        await Task.WhenAny(following, time.Waits);
        Assert.Equal(run, Assert.Single((await taker.LeaseAsync(1, 0)).Items("runs")).Member("run").Text("run_id"));
        using var followed = await following;

        Assert.Contains("follow", taker.Asked);
        Assert.DoesNotContain("follow", other.Asked);
    }

    /// <summary>Any tenant may have a worker. What that one says of engines and containers is said to nobody else, and nobody else's containers are named to it.</summary>
    [Fact]
    public async Task WorkerOfOneTenant_AnswersForThatTenantAlone()
    {
        await using var gateway = await EdgeWorker.GatewayAsync();
        var acme = (await gateway.PostAsync("""{"tenant":"acme"}""", path: "/v1/tenants")).Json.Text("api_key")!;
        await using var theirs = await EdgeWorker.OpenAsync(gateway, acme);
        await theirs.ServeAsync(new Dictionary<string, string> { ["status"] = """{"result":{"available":false,"reason":"theirs"}}""", ["find_name"] = "{}" });

        var start = TestGateway.Json(new { intent = "container.start", subject = "urn:container:dev/web", payload = new { name = "web", target = new { provider = "fake" } } });
        var refused = await gateway.PostAsync(start);
        Assert.Equal("503_ADAPTER_UNAVAILABLE", refused.Code); // and not that acme's worker does not carry it out
        Assert.Contains("no worker serves fake", refused.Body);
        Assert.False(await IsReadyAsync(gateway));

        await using var ours = await EdgeWorker.OpenAsync(gateway);
        await ours.ServeAsync(Good);
        await theirs.LeaseAsync(0, 0); // seen last
        await DeployAsync(gateway);
        await Patience.UntilAsync("a gateway that is ready", () => IsReadyAsync(gateway));
        Assert.Empty(theirs.Asked);
        Assert.Contains("find_name", ours.Asked);

        // Its own tenant is told what it says: that it carries out no such thing.
        await theirs.LeaseAsync(0, 0);
        var own = await gateway.PostAsync(start.Replace("dev/web", "acme/web"), request => request.Headers.Authorization = new("ApiKey", acme));
        Assert.Equal("422_SCHEMA_INVALID", own.Code);
    }

    [Theory]
    [InlineData("status", "{}"), InlineData("status", """{"result":[1]}"""), InlineData("status", """{"result":{"available":"yes"}}""")]
    [InlineData("find_name", """{"result":{}}"""), InlineData("find_name", """{"result":7}"""), InlineData("find_name", "[]\n{}")]
    [InlineData("find_name", """{"result":{"id":null,"run_id":"run_1","tenant":"dev","name":"web","state":"Running"}}""")]
    public async Task AnswerThatIsNone_IsATargetThatIsAway(string kind, string answer)
    {
        await using var gateway = await EdgeWorker.GatewayAsync();
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        await worker.ServeAsync(new Dictionary<string, string>(Good) { [kind] = answer });
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
        var deploy = await gateway.PostAsync(TestGateway.Deploy(await gateway.ApplyAsync("web")));
        Assert.Equal("503_ADAPTER_UNAVAILABLE", deploy.Code);
    }

    [Theory, InlineData("""{"result":{}}"""), InlineData("""{"result":"said"}""")]
    public async Task LogThatIsNone_IsATargetThatIsAway(string answer)
    {
        await using var gateway = await EdgeWorker.GatewayAsync();
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        await worker.ServeAsync(new Dictionary<string, string>(Good) { ["log"] = answer });
        var run = await DeployAsync(gateway);
        Assert.Equal("503_ADAPTER_UNAVAILABLE", (await gateway.GetAsync($"/v1/runs/{run}/logs")).Code);
    }

    private static async Task<bool> IsReadyAsync(TestGateway gateway) => (await gateway.GetAsync("/healthz/ready")).Json.Member("engines").Member("fake").Flag("available") == true;

    private static async Task<string> DeployAsync(TestGateway gateway)
    {
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
        var deploy = await gateway.PostAsync(TestGateway.Deploy(await gateway.ApplyAsync("web")));
        Assert.True(deploy.Status == HttpStatusCode.OK, deploy.Body);
        return deploy.Json.Member("run").Text("run_id")!;
    }

    /// <summary>The machine's time, which tells when somebody waits so long.</summary>
    private sealed class ToldTime(TimeSpan wait) : TimeProvider
    {
        private readonly TaskCompletionSource _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Waits => _waits.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == wait)
            {
                _waits.TrySetResult();
            }
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    /// <summary>Logs of a container that says one line, and goes on for as long as somebody follows.</summary>
    private sealed class TestLogs : IRunLogs
    {
        public bool IsGone { get; init; }

        public AdapterException? Failure { get; set; }

        public Task<LogTail?> ReadAsync(RunRow run, int tail, string? grep, CancellationToken cancel) => Task.FromResult(IsGone ? null : new LogTail(["said"], 0));

        public Task<FollowedLog?> FollowAsync(RunRow run, int tail, string? grep, CancellationToken cancel) =>
            Failure is not null ? throw Failure : Task.FromResult(IsGone ? null : new FollowedLog("c1", new LogRing(), Task.CompletedTask));
    }
}
