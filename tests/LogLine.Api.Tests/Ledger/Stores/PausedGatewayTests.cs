using System.Net;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Two gateways as processes of their own; one is made to stand still (SIGSTOP) for longer than it may hold anything, and goes on.</summary>
public sealed class PausedGatewayTests(PostgresCluster cluster)
{
    private const int Requests = 40;
    private const string LeaseSeconds = "LogLine:Webhooks:LeaseSeconds";

    /// <summary>What it had in its hands is committed once, by whichever gateway, and has one Ack.</summary>
    [Fact]
    public async Task GatewayThatWasPausedInTheMiddleOfRequests_CommitsNothingTwice()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        await using var pair = await StartAsync(shared);

        var load = Keys(Requests).Select(key => SendAsync(pair.One, key)).ToList();
        await load[0];
        pair.One.Pause();
        var answers = await SendAllAsync(pair.Other, Keys(Requests));
        pair.One.Continue();

        await AssertOneAckAsync(pair.One, load, answers);
        await AssertWholeLogAsync(shared, pair, Requests);
    }

    /// <summary>The same with webhooks, whose lease it held or did not hold.</summary>
    [Fact]
    public async Task GatewayThatWasPausedPastItsLeases_DoesNothingTwice()
    {
        var (arrived, hold) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var receiver = await Receiver.StartAsync(async http =>
        {
            if (((string)http.Items["body"]!).Contains("person/held\"", StringComparison.Ordinal))
            {
                arrived.TrySetResult();
                await hold.Task.WaitAsync(http.RequestAborted);
            }
        });
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync(), WebhookActs.Settings(0.001).Append(new(LeaseSeconds, "6")));
        await using var pair = await StartAsync(shared);
        var made = await pair.One.PostAsync(TestGateway.Json(new { url = receiver.Url, events = new[] { "registry.*" } }), path: "/v1/webhooks");

        // It stands still with a delivery on its way and requests in its hands; whoever asks it waits, and asks the other one.
        await SendAsync(pair.One, "held");
        await arrived.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        var load = Keys(Requests).Select(key => SendAsync(pair.One, key)).ToList();
        await load[0];
        pair.One.Pause();
        var answers = await SendAllAsync(pair.Other, Keys(Requests));
        hold.SetResult();
        await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == Requests + 1);
        await SettledAsync(pair.Other, made.Json.Text("id")!, Requests + 1);
        var before = Taken(receiver.Received).GroupBy(id => id).ToDictionary(id => id.Key, id => id.Count());
        pair.One.Continue();

        await AssertOneAckAsync(pair.One, load, answers);
        await SendAsync(pair.One, "last");
        await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == Requests + 2);

        // What had been delivered before it went on was not delivered again by it.
        Assert.All(Taken(receiver.Received).GroupBy(id => id).Where(id => before.ContainsKey(id.Key)), id => Assert.Equal(before[id.Key], id.Count()));
        await AssertWholeLogAsync(shared, pair, Requests + 3);
    }

    /// <summary>Stopped at whatever moment, with whatever it holds in the database: the other one accepts and delivers, and it has not to go on first.</summary>
    [Fact]
    public async Task GatewaysThatArePausedAgainAndAgain_HoldNobodyUp()
    {
        const int Webhooks = 4;
        var pauses = int.Parse(Environment.GetEnvironmentVariable("LOGLINE_TEST_PAUSES") ?? "6");
        await using var receiver = await Receiver.StartAsync();
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync(), WebhookActs.Settings(0.001).Append(new(LeaseSeconds, "2")));
        await using var pair = await StartAsync(shared);
        for (var i = 0; i < Webhooks; i++)
        {
            await pair.One.PostAsync(TestGateway.Json(new { url = receiver.Url, events = new[] { "registry.*" } }), path: "/v1/webhooks");
        }
        var random = new Random(20261121);
        for (var pause = 1; pause <= pauses; pause++)
        {
            var (paused, other) = pause % 2 == 0 ? (pair.One, pair.Other) : (pair.Other, pair.One);
            var (keys, moment) = (Keys(Requests, pause), receiver.Received.Count + random.Next(1, Requests * Webhooks * 3 / 4));
            var load = keys.Select(key => SendAsync(paused, key)).ToList();
            await receiver.ReceiveAsync(moment);
            paused.Pause();
            var answers = await SendAllAsync(other, keys);
            await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == Requests * Webhooks * pause);
            paused.Continue();
            await AssertOneAckAsync(paused, load, answers);
        }
        foreach (var subject in receiver.Received.Where(one => one.Status == 200).GroupBy(one => (Webhook: one.Id.Split('_')[1], Subject: one.Json().GetProperty("span").Text("subject"))))
        {
            var first = subject.Select(one => long.Parse(one.Id.Split('_')[2])).Distinct().ToList();
            Assert.Equal(first.Order(), first);
        }
        await AssertWholeLogAsync(shared, pair, Webhooks + (Requests * pauses));
    }

    /// <summary>
    /// A session that locked what others need and says no more, as it is left by a gateway that was stopped at the worst moment: it is ended. Between two statements the server
    /// does it by itself, in the middle of a pipeline it never would.
    /// </summary>
    [Theory]
    [InlineData("SELECT size FROM head FOR UPDATE", true)]
    [InlineData("SELECT size FROM head FOR UPDATE", false)]
    [InlineData("UPDATE webhooks SET cursor = cursor", true)]
    [InlineData("UPDATE webhooks SET cursor = cursor", false)]
    public async Task SessionThatSaysNoMore_HoldsNobodyUp(string locked, bool midway)
    {
        await using var receiver = await Receiver.StartAsync();
        var connection = await cluster.CreateDatabaseAsync();
        await using var shared = new SharedLedger(connection, WebhookActs.Settings(0.001));
        var gateway = await shared.StartAsync();
        await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        await gateway.PostAsync(GatewayActs.Person("before"));
        await receiver.ReceiveAsync(1);

        using var silent = await SilentSession.LockAsync(connection, locked, midway);

        var answer = await Patience.WhileBusyAsync(() => gateway.PostAsync(GatewayActs.Person("during")));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == 2);
        // The next one is delivered when what came of this one is written.
        await Patience.WhileBusyAsync(() => gateway.PostAsync(GatewayActs.Person("after")));
        await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == 3);
    }

    private static async Task<Pair> StartAsync(SharedLedger shared)
    {
        var (first, second) = (shared.NewFolder(), shared.NewFolder());
        var one = await GatewayProcess.StartAsync(first, shared.Settings());
        SharedLedger.CopyKeys(first, second);
        return new Pair(one, await GatewayProcess.StartAsync(second, shared.Settings(), one.ApiKey));
    }

    private static List<string> Keys(int count, int round = 0) => [.. Enumerable.Range(0, count).Select(i => $"{round}-{i}")];

    /// <summary>Always the same request under the same key.</summary>
    private static Task<Answer> SendAsync(GatewayProcess gateway, string key) => gateway.PostAsync(GatewayActs.Person(key is "held" or "last" ? key : "p" + (key[^1] % 4)), request =>
    {
        request.Set("Idempotency-Key", key);
        request.Set("X-Nonce", "nonce-of-request-" + key);
        request.Set("X-Timestamp", Timestamps.Write(TimeProvider.System.GetUtcNow()));
    });

    private static async Task<List<(string Key, Answer Answer)>> SendAllAsync(GatewayProcess other, List<string> keys)
    {
        var answers = new (string, Answer)[keys.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, keys.Count), TestContext.Current.CancellationToken, async (i, _) =>
        {
            answers[i] = (keys[i], await Patience.WhileBusyAsync(() => SendAsync(other, keys[i])));
        });
        return [.. answers];
    }

    /// <summary>Waits until a gateway has written that so many events are delivered: then it sends none of them any more.</summary>
    private static Task SettledAsync(GatewayProcess gateway, string webhook, int count) => Patience.UntilAsync($"{count} deliveries", async () =>
    {
        using var answer = await gateway.Client.GetAsync($"/v1/webhooks/{webhook}/deliveries?state=delivered&limit=1000", TestContext.Current.CancellationToken);
        return (await Answer.ReadAsync(answer)).Json.Items("items").Count() == count;
    });

    private static async Task AssertOneAckAsync(GatewayProcess paused, List<Task<Answer>> load, List<(string Key, Answer Answer)> answers)
    {
        foreach (var answer in await Task.WhenAll(load))
        {
            Assert.True(answer.Status == HttpStatusCode.OK || answer.Code == "503_BUSY", answer.Body);
        }
        foreach (var (key, answer) in answers)
        {
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            var again = await Patience.WhileBusyAsync(() => SendAsync(paused, key));
            Assert.Equal(answer.Json.GetProperty("receipt").GetRawText(), again.Json.GetProperty("receipt").GetRawText());
        }
    }

    /// <summary>A third gateway finds the log whole, and so long.</summary>
    private static async Task AssertWholeLogAsync(SharedLedger shared, Pair pair, int size)
    {
        var folder = shared.NewFolder();
        SharedLedger.CopyKeys(pair.One.Folder, folder);
        await using var witness = await TestGateway.StartAsync(folder: folder, settings: shared.Settings(), apiKey: pair.One.ApiKey);
        Assert.Equal(size, witness.Ledger.Size);
        await LedgerLoadTests.AssertWholeLogAsync(witness.Ledger);
        await witness.AssertWholeAsync();
    }

    private static IEnumerable<string> Taken(IReadOnlyList<Received> received) => received.Where(one => one.Status == 200).Select(one => one.Id);

    /// <summary>Two gateways on one ledger.</summary>
    private sealed record Pair(GatewayProcess One, GatewayProcess Other) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await One.DisposeAsync();
            await Other.DisposeAsync();
        }
    }
}
