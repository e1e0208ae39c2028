using System.Diagnostics;
using System.Net;
using LogLine.Api.Policy.Redis;
using LogLine.Api.Tests.Delivery;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Policy.Redis;

/// <summary>Two gateways on one database, and a Redis beside it that fails in every way: what is right stays right, and what is shared is shared again when it is back.</summary>
public sealed class RedisTests(PostgresCluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Quota_HoldsForAllGatewaysTogether_AndForEachWhileRedisIsAway()
    {
        await using var redis = await RedisLab.OpenAsync();
        await using var shared = await ShareAsync(redis);
        // Redis may take longer than a gateway grants it: else a gateway would count for itself.
        var time = new PatientTime(RedisServer.MaxWait);
        var (one, other) = (await shared.StartAsync([new FakeAdapter()], time), await shared.StartAsync([new FakeAdapter()], time));
        await AnswersAsync(one, true);
        await AnswersAsync(other, true);
        // Redis counts by its own clock: what a slow machine takes minutes for is a few more, one for each minute.
        var since = Stopwatch.GetTimestamp();
        int Granted() => 10 + (int)Stopwatch.GetElapsedTime(since).TotalMinutes;
        await one.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"registry.*","rate_per_minute":1,"burst":10}}""");
        await other.Ledger.WaitForMoreAsync(0, Cancel);

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => (i % 2 == 0 ? one : other).PostAsync(GatewayActs.Person("p" + i))));
        var taken = answers.Count(answer => answer.Status == HttpStatusCode.OK);
        Assert.InRange(taken, 10, Granted());
        Assert.All(answers.Where(answer => answer.Status != HttpStatusCode.OK), answer => Assert.Equal("429_RATE_LIMITED", answer.Code));
        Assert.All(answers, answer => Assert.InRange(int.Parse(answer.Headers.GetValues("RateLimit-Remaining").Single()), 0, 9));

        // Without it a gateway goes on from what was left, which was nothing.
        await redis.KillAsync();
        await AnswersAsync(one, false);
        Answer late;
        while ((late = await one.PostAsync(GatewayActs.Person("late" + taken))).Status == HttpStatusCode.OK)
        {
            Assert.InRange(++taken, 10, Granted());
        }
        Assert.Equal("429_RATE_LIMITED", late.Code);
        await redis.StartAsync();
        await AnswersAsync(one, true);
        // Its memory was empty, so the bucket is full again: at most one burst more.
        Assert.Equal(HttpStatusCode.OK, (await one.PostAsync(GatewayActs.Person("again"))).Status);
    }

    [Theory]
    [InlineData("killed")]
    [InlineData("paused")]
    [InlineData("flushed")]
    [InlineData("slow")]
    public async Task RedisThatFailsUnderLoad_LosesNothing_AdmitsNothingTwice_AndIsNamed(string how)
    {
        const int Requests = 150;
        await using var redis = await RedisLab.OpenAsync();
        await using var shared = await ShareAsync(redis);
        TestGateway[] gateways = [await shared.StartAsync([new FakeAdapter()]), await shared.StartAsync([new FakeAdapter()])];
        await gateways[0].PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"registry.*","rate_per_minute":100000,"burst":10000}}""");
        await AnswersAsync(gateways[0], true);
        await AnswersAsync(gateways[1], true);
        using var stream = await SpanStream.OpenAsync(gateways[1], "?intent=registry.*&after=0");
        // Every request goes to both gateways, byte for byte.
        Task LoadAsync(int from, DateTimeOffset now) => Parallel.ForEachAsync(Enumerable.Range(2 * from, 2 * Requests), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancel }, async (i, _) =>
        {
            var answer = await gateways[i % 2].PostAsync(GatewayActs.Person("p" + (i / 2)), request =>
            {
                request.Set("Idempotency-Key", "key-" + (i / 2));
                request.Set("X-Nonce", "nonce-for-request-" + (i / 2));
                request.Set("X-Timestamp", Timestamps.Write(now));
            });
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        });

        var load = LoadAsync(0, TimeProvider.System.GetUtcNow());
        await gateways[0].Ledger.WaitForMoreAsync(Requests / 3, Cancel);
        await FailAsync(redis, how);
        await load;
        if (how != "flushed")
        {
            await AnswersAsync(gateways[0], false);
            await AnswersAsync(gateways[1], false);
        }
        load = LoadAsync(Requests, TimeProvider.System.GetUtcNow());
        await gateways[0].Ledger.WaitForMoreAsync(Requests + (Requests / 3), Cancel);
        await MendAsync(redis, how);
        await load;
        await AnswersAsync(gateways[0], true);
        await AnswersAsync(gateways[1], true);

        Assert.Equal(Enumerable.Range(2, 2 * Requests).Select(seq => (long)seq), (await stream.EventsAsync(2 * Requests)).Select(one => one.Id));
        await gateways[0].Ledger.WaitForMoreAsync(2 * Requests, Cancel);
        Assert.Equal((2 * Requests) + 1, gateways[0].Ledger.Size);
        await LedgerLoadTests.AssertWholeLogAsync(gateways[0].Ledger);
        await gateways[0].AssertWholeAsync();
    }

    [Fact]
    public async Task ConnectionThatCannotBeRead_IsSaidAtTheStart()
    {
        var refused = await Assert.ThrowsAsync<RedisOptionsException>(() => TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Redis"] = "password=secret-of-ours" }));

        Assert.Contains("LogLine:Redis", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-of-ours", refused.Message, StringComparison.Ordinal);
    }

    private async Task<SharedLedger> ShareAsync(RedisLab redis) =>
        new(await cluster.CreateDatabaseAsync(), new Dictionary<string, string?> { ["LogLine:Redis"] = redis.Connection });

    private static async Task FailAsync(RedisLab redis, string how)
    {
        switch (how)
        {
            case "killed":
                await redis.KillAsync();
                break;
            case "paused":
                redis.Pause();
                break;
            case "slow":
                redis.Slowness = TimeSpan.FromSeconds(2);
                break;
            default:
                Assert.Equal("+OK", await redis.CommandAsync("FLUSHALL"));
                break;
        }
    }

    private static async Task MendAsync(RedisLab redis, string how)
    {
        switch (how)
        {
            case "killed":
                await redis.StartAsync();
                break;
            case "paused":
                redis.Continue();
                break;
            default:
                redis.Slowness = TimeSpan.Zero;
                break;
        }
    }

    /// <summary>Waits until a gateway says of its Redis that it is there, or that it is not, and of itself what follows from it.</summary>
    private static async Task AnswersAsync(TestGateway gateway, bool isThere)
    {
        for (var left = 3000; ; left--)
        {
            var ready = (await gateway.GetAsync("/healthz/ready")).Json;
            var available = ready.GetProperty("redis").GetProperty("available").GetBoolean();
            Assert.Equal(available, ready.GetProperty("redis").Text("reason") is null);
            Assert.False(ready.Text("status") == "ready" && !available, ready.ToString());
            // A gateway that was started a moment ago may not have seen its engine yet.
            if (available == isThere && ready.Text("status") == (isThere ? "ready" : "degraded"))
            {
                return;
            }
            Assert.True(left > 0, ready.ToString());
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);
        }
    }
}
