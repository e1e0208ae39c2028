using System.Net;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Two gateways as processes of their own; one is made to stand still (SIGSTOP) for longer than it may hold anything, and goes on.</summary>
public sealed class PausedGatewayTests(PostgresCluster cluster)
{
    private const int Requests = 40;

    /// <summary>What it had in its hands is committed once, by whichever gateway, and has one Ack.</summary>
    [Fact]
    public async Task GatewayThatWasPausedInTheMiddleOfRequests_CommitsNothingTwice()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (first, second, third) = (shared.NewFolder(), shared.NewFolder(), shared.NewFolder());
        await using var paused = await PausableGateway.StartAsync(first, shared.Settings());
        SharedLedger.CopyKeys(first, second);
        SharedLedger.CopyKeys(first, third);
        await using var other = await PausableGateway.StartAsync(second, shared.Settings(), paused.ApiKey);
        var at = TimeProvider.System.GetUtcNow();

        var load = Enumerable.Range(0, Requests).Select(i => SendAsync(paused, i, at)).ToList();
        await load[0];
        paused.Pause();
        var answers = await SendAllAsync(other, at);
        paused.Continue();

        await AssertOneAckAsync(paused, load, answers, at);
        await using var witness = await TestGateway.StartAsync(folder: third, settings: shared.Settings(), apiKey: paused.ApiKey);
        Assert.Equal(Requests, witness.Ledger.Size);
        await LedgerLoadTests.AssertWholeLogAsync(witness.Ledger);
    }

    /// <summary>
    /// The same with webhooks, whose lease it held or did not hold. By hand (<c>-explicit on</c>): under the load of all other tests deliveries once stood still for over a
    /// minute, and why is not known yet.
    /// </summary>
    [Fact(Explicit = true)]
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
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync(), WebhookActs.Settings(0.001));
        var (first, second, third) = (shared.NewFolder(), shared.NewFolder(), shared.NewFolder());
        await using var paused = await PausableGateway.StartAsync(first, shared.Settings());
        SharedLedger.CopyKeys(first, second);
        SharedLedger.CopyKeys(first, third);
        await using var other = await PausableGateway.StartAsync(second, shared.Settings(), paused.ApiKey);
        await paused.PostAsync(TestGateway.Json(new { url = receiver.Url, events = new[] { "registry.*" } }), path: "/v1/webhooks");
        var at = TimeProvider.System.GetUtcNow();

        // It stands still with a delivery on its way and requests in its hands; whoever asks it waits, and asks the other one.
        await paused.PostAsync(GatewayActs.Person("held"), "key-held", at);
        await arrived.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        var load = Enumerable.Range(0, Requests).Select(i => SendAsync(paused, i, at)).ToList();
        await load[0];
        paused.Pause();
        var answers = await SendAllAsync(other, at);
        hold.SetResult();
        await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == Requests + 1);
        var before = Taken(receiver.Received).GroupBy(id => id).ToDictionary(id => id.Key, id => id.Count());
        paused.Continue();

        await AssertOneAckAsync(paused, load, answers, at);
        await paused.PostAsync(GatewayActs.Person("last"), "key-last", at);
        await receiver.ReceiveUntilAsync(received => Taken(received).Distinct().Count() == Requests + 2);

        // What had been delivered before it went on was not delivered again by it.
        Assert.All(Taken(receiver.Received).GroupBy(id => id).Where(id => before.ContainsKey(id.Key)), id => Assert.Equal(before[id.Key], id.Count()));
        await using var witness = await TestGateway.StartAsync(folder: third, settings: shared.Settings(), apiKey: paused.ApiKey);
        Assert.Equal(Requests + 3, witness.Ledger.Size);
        await LedgerLoadTests.AssertWholeLogAsync(witness.Ledger);
    }

    private static Task<Answer> SendAsync(PausableGateway gateway, int i, DateTimeOffset at) => gateway.PostAsync(GatewayActs.Person("p" + (i % 4)), "key-" + i, at);

    private static async Task<Answer[]> SendAllAsync(PausableGateway other, DateTimeOffset at)
    {
        var answers = new Answer[Requests];
        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), TestContext.Current.CancellationToken, async (i, _) =>
        {
            do
            {
                answers[i] = await SendAsync(other, i, at);
            }
            while (answers[i].Code == "503_BUSY");
        });
        return answers;
    }

    private static async Task AssertOneAckAsync(PausableGateway paused, List<Task<Answer>> load, Answer[] answers, DateTimeOffset at)
    {
        foreach (var answer in await Task.WhenAll(load))
        {
            Assert.True(answer.Status == HttpStatusCode.OK || answer.Code == "503_BUSY", answer.Body);
        }
        for (var i = 0; i < Requests; i++)
        {
            Assert.Equal(HttpStatusCode.OK, answers[i].Status);
            var again = await SendAsync(paused, i, at);
            Assert.Equal(answers[i].Json.GetProperty("receipt").GetRawText(), again.Json.GetProperty("receipt").GetRawText());
        }
    }

    private static IEnumerable<string> Taken(IReadOnlyList<Received> received) => received.Where(one => one.Status == 200).Select(one => one.Id);
}
