using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Submissions;

public sealed class IdempotencyTests
{
    private const string Key = "key-1";

    [Fact]
    public async Task SameKeySameBody_IsTheSameAck_WithANewNonce()
    {
        await using var gateway = await TestGateway.StartAsync();

        var first = await gateway.PostAsync(GatewayActs.Person(), WithKey);
        var second = await gateway.PostAsync(" " + GatewayActs.Person().Replace("\":", "\" : "), WithKey);

        AssertReplay(first, second);
        Assert.Equal(1, gateway.Ledger.Size);
    }

    [Fact]
    public async Task QuotedKey_IsTheSameAsThePlainOne()
    {
        await using var gateway = await TestGateway.StartAsync();

        var first = await gateway.PostAsync(GatewayActs.Person(), WithKey);
        AssertReplay(first, await gateway.PostAsync(GatewayActs.Person(), request => request.Set("Idempotency-Key", $"\"{Key}\"")));
    }

    [Fact]
    public async Task SameKeyOtherBody_IsAConflict()
    {
        await using var gateway = await TestGateway.StartAsync();
        var first = await gateway.PostAsync(GatewayActs.Person(), WithKey);

        var answer = await gateway.AssertRefusedAsync("409_IDEMPOTENCY_CONFLICT", () => gateway.PostAsync(GatewayActs.Person("other"), WithKey));

        Assert.Equal(first.Json.Text("this"), answer.Detail("original_this"));
    }

    [Theory]
    [InlineData("prd", "/v1/spans")]
    [InlineData("dev", "/v1/spans?x=1")]
    public async Task SameKeyOtherEnvOrPath_IsAConflict(string env, string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person(), WithKey);

        var answer = await gateway.PostAsync(GatewayActs.Person(), request =>
        {
            WithKey(request);
            request.Set("X-Env", env);
        }, path);

        Assert.Equal("409_IDEMPOTENCY_CONFLICT", answer.Code);
    }

    [Fact]
    public async Task Key_IsOfOneTenant()
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("other", "*");
        await gateway.PostAsync(GatewayActs.Person(), WithKey);

        var answer = await gateway.PostAsync(GatewayActs.Person("other"), request =>
        {
            WithKey(request);
            request.UseToken(token);
        });

        Assert.False(answer.Json.GetProperty("replayed").GetBoolean());
    }

    [Fact]
    public async Task Key_LivesFor24Hours()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var first = await gateway.PostAsync(GatewayActs.Person(), WithKey);

        time.Advance(TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1));
        AssertReplay(first, await gateway.PostAsync(GatewayActs.Person(), WithKey));
        time.Advance(TimeSpan.FromSeconds(1));
        var next = await gateway.PostAsync(GatewayActs.Person("other"), WithKey);
        Assert.False(next.Json.GetProperty("replayed").GetBoolean());
        AssertReplay(next, await gateway.PostAsync(GatewayActs.Person("other"), WithKey));
    }

    [Fact]
    public async Task RefusedRequest_LeavesKeyAndNonceFree_SoTheVerySameOneSucceedsAfterTheProof()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var body = TestGateway.Deploy(await gateway.ApplyAsync("web"));
        var (nonce, sent) = (Guid.NewGuid().ToString("D"), Timestamps.Write(gateway.Time.GetUtcNow()));
        void Same(HttpRequestMessage request)
        {
            WithKey(request);
            request.Set("X-Nonce", nonce);
            request.Set("X-Timestamp", sent);
        }

        Assert.Equal("428_PROOF_REQUIRED", (await gateway.PostAsync(body, Same)).Code);
        Assert.Equal("428_PROOF_REQUIRED", (await gateway.PostAsync(body, Same)).Code);
        await gateway.ProveAsync("web");
        var first = await gateway.PostAsync(body, Same);

        Assert.Equal(HttpStatusCode.OK, first.Status);
        AssertReplay(first, await gateway.PostAsync(body, Same));
    }

    [Fact]
    public async Task KnownThis_IsReplayed_WithoutAKey_AndForGood()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var body = GatewayActs.Person(name: GatewayActs.NewThis());

        var first = await gateway.PostAsync(body);
        time.Advance(TimeSpan.FromDays(400));
        AssertReplay(first, await gateway.PostAsync(body));
        Assert.Equal(1, gateway.Ledger.Size);
    }

    [Fact]
    public async Task KnownThis_WithAnotherContent_IsAConflict()
    {
        await using var gateway = await TestGateway.StartAsync();
        var name = GatewayActs.NewThis();
        await gateway.PostAsync(GatewayActs.Person("one", name));

        var answer = await gateway.AssertRefusedAsync("409_IDEMPOTENCY_CONFLICT", () => gateway.PostAsync(GatewayActs.Person("two", name)));

        Assert.Equal(name, answer.Detail("original_this"));
    }

    [Fact]
    public async Task ThisOfTheGatewaysOwnSpan_IsTaken()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync("{");
        var own = (await gateway.SpansFromAsync(0, 1))[0];

        Assert.Equal("409_IDEMPOTENCY_CONFLICT", (await gateway.PostAsync(GatewayActs.Person("x", own.This))).Code);
    }

    [Fact]
    public async Task ReplayOfThis_BindsNoNewKey_AndConsumesNoNonce()
    {
        await using var gateway = await TestGateway.StartAsync();
        var body = GatewayActs.Person(name: GatewayActs.NewThis());
        await gateway.PostAsync(body);
        void Headers(HttpRequestMessage request)
        {
            WithKey(request);
            request.Set("X-Nonce", "still-free-afterwards");
        }

        Assert.True((await gateway.PostAsync(body, Headers)).Json.GetProperty("replayed").GetBoolean());
        Assert.False((await gateway.PostAsync(GatewayActs.Person("other"), Headers)).Json.GetProperty("replayed").GetBoolean());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TwoHundredAtOnce_AreOneEntry_AndEqualAcks(bool byKey)
    {
        await using var gateway = await TestGateway.StartAsync();
        var body = byKey ? GatewayActs.Person() : GatewayActs.Person(name: GatewayActs.NewThis());

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => gateway.PostAsync(body, byKey ? WithKey : null)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Single(answers, answer => !answer.Headers.Contains("Idempotency-Replayed"));
        Assert.Single(answers.Select(answer => answer.Body.Replace("\"replayed\":false", "\"replayed\":true")).Distinct());
        Assert.Equal(1, gateway.Ledger.Size);
    }

    [Fact]
    public async Task OneNonceForManyAtOnce_LetsOneThrough()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => gateway.PostAsync(GatewayActs.Person("p" + i), request => request.Set("X-Nonce", "one-nonce-for-many"))));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.Equal(49, answers.Count(answer => answer.Code == "409_NONCE_REUSED"));
    }

    [Fact]
    public async Task OneKeyForManyBodiesAtOnce_LetsOneThrough()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => gateway.PostAsync(GatewayActs.Person("p" + i), WithKey)));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.Equal(49, answers.Count(answer => answer.Code == "409_IDEMPOTENCY_CONFLICT"));
    }

    [Fact]
    public async Task KeyNonceAndThis_SurviveARestart()
    {
        var folder = Directory.CreateTempSubdirectory("logline-").FullName;
        try
        {
            var body = GatewayActs.Person(name: GatewayActs.NewThis());
            void Headers(HttpRequestMessage request)
            {
                WithKey(request);
                request.Set("X-Nonce", "consumed-before-the-restart");
            }
            var before = await TestGateway.StartAsync(folder: folder);
            var first = await before.PostAsync(body, Headers);
            await before.StopAsync();
            await using var gateway = await TestGateway.StartAsync(folder: folder);

            Assert.Equal("409_NONCE_REUSED", (await gateway.PostAsync(GatewayActs.Person("other"), request => request.Set("X-Nonce", "consumed-before-the-restart"))).Code);
            AssertReplay(first, await gateway.PostAsync(body, Headers));
            AssertReplay(first, await gateway.PostAsync(body));
            Assert.Equal("409_IDEMPOTENCY_CONFLICT", (await gateway.PostAsync(GatewayActs.Person("third"), WithKey)).Code);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Replay_SaysTheRunsStateOfThen()
    {
        var fake = new FakeAdapter();
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var body = TestGateway.Deploy(await gateway.ApplyAsync("web"));
        await gateway.ProveAsync("web");
        void Waiting(HttpRequestMessage request)
        {
            WithKey(request);
            request.Set("Prefer", "wait=30");
        }

        var first = await gateway.PostAsync(body, Waiting);
        var run = first.Json.GetProperty("run").Text("run_id")!;
        Assert.Equal("running", first.Json.GetProperty("run").Text("state"));
        fake.Exit(run, 0);
        await gateway.RunInAsync(run, "exited");

        AssertReplay(first, await gateway.PostAsync(body, Waiting));
    }

    private static void WithKey(HttpRequestMessage request) => request.Set("Idempotency-Key", Key);

    private static void AssertReplay(Answer first, Answer second)
    {
        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(first.Body.Replace("\"replayed\":false", "\"replayed\":true"), second.Body);
    }
}
