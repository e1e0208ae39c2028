using System.Collections.Concurrent;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Http;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>At least once, in order per subject, tried again, given up, replayed; whatever the receiver does and however the gateway ends. The same on every store.</summary>
public abstract class WebhookDeliveryContract
{
    /// <summary>The configuration of a gateway on a new, empty store.</summary>
    private protected abstract Task<Dictionary<string, string?>> StoreAsync();

    private async Task<Dictionary<string, string?>> SettingsAsync(double scale = 1)
    {
        var settings = await StoreAsync();
        foreach (var (name, value) in WebhookActs.Settings(scale))
        {
            settings[name] = value;
        }
        return settings;
    }

    [Fact]
    public async Task EventsOfASubject_ComeInOrder_OthersDoNotWaitForIt()
    {
        var refusals = new ConcurrentDictionary<string, int>();
        await using var receiver = await Receiver.StartAsync(http =>
        {
            // Every event of subject a fails twice; nothing else does.
            if (((string)http.Items["body"]!).Contains("person/a\"", StringComparison.Ordinal) && refusals.AddOrUpdate(http.Request.Headers["webhook-id"]!, 1, (_, n) => n + 1) <= 2)
            {
                http.Response.StatusCode = 500;
            }
            return Task.CompletedTask;
        });
        await using var gateway = await TestGateway.StartAsync(settings: await SettingsAsync(0.001));
        await gateway.CreateWebhookAsync(receiver.Url, "registry.*");

        for (var i = 0; i < 4; i++)
        {
            await gateway.PostAsync("[" + string.Join(',', "abcdabcd".Select(slug => GatewayActs.Person(slug.ToString()))) + "]");
        }
        var received = await receiver.ReceiveAsync(32 + 16);

        var taken = received.Where(one => one.Status == 200).ToList();
        Assert.Equal(32, taken.Select(one => one.Id).Distinct().Count());
        foreach (var subject in taken.GroupBy(one => one.Json().GetProperty("span").Text("subject")))
        {
            Assert.Equal(subject.Select(Seq).Order(), subject.Select(Seq));
            Assert.Equal(8, subject.Count());
        }
        Assert.All(received.GroupBy(one => one.Id), tries => Assert.Equal(Enumerable.Range(1, tries.Count()), tries.Select(one => one.Attempt)));
    }

    [Fact]
    public async Task ReceiverThatIsDown_GetsEverything_OnceItIsBack()
    {
        var isDown = true;
        await using var receiver = await Receiver.StartAsync(http =>
        {
            http.Response.StatusCode = Volatile.Read(ref isDown) ? 503 : 204;
            return Task.CompletedTask;
        });
        await using var gateway = await TestGateway.StartAsync(settings: await SettingsAsync(0.001));
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 100).Select(i => GatewayActs.Person("p" + i))) + "]");
        await receiver.ReceiveAsync(80);
        await Patience.UntilAsync("failing_since", async () => (await gateway.GetAsync("/v1/webhooks/" + id)).Json.Text("failing_since") is not null);

        Volatile.Write(ref isDown, false);
        var log = await gateway.DeliveriesAsync(id, items => items.Count == 100 && items.All(item => item.Text("state") == "delivered"));

        Assert.Equal(Enumerable.Range(2, 100).Reverse(), log.Select(item => (int)item.Integer("seq")!));
        Assert.Equal(100, receiver.Received.Where(one => one.Status == 204).Select(one => one.Id).Distinct().Count());
        Assert.Null((await gateway.GetAsync("/v1/webhooks/" + id)).Json.Text("failing_since"));
    }

    [Fact]
    public async Task OneEventThatIsNeverTaken_HoldsUpItsSubjectAlone_AndIsADeadLetterInTheEnd()
    {
        var isPoisonous = true;
        await using var receiver = await Receiver.StartAsync(http =>
        {
            http.Response.StatusCode = Volatile.Read(ref isPoisonous) && ((string)http.Items["body"]!).Contains("person/poison\"", StringComparison.Ordinal) ? 400 : 200;
            return Task.CompletedTask;
        });
        // 24 hours become 17 seconds: a machine that stands still for as long makes the webhook look as if it took nothing at all.
        await using var gateway = await TestGateway.StartAsync(settings: await SettingsAsync(0.000_2));
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        await gateway.PostAsync(GatewayActs.Person("poison"));
        // Others are taken all the while.
        var others = 0;
        List<System.Text.Json.JsonElement> letters;
        do
        {
            if (others < 900) // as many as one page of the log shows
            {
                await gateway.PostAsync(GatewayActs.Person("p" + others++));
            }
            letters = await gateway.DeliveriesAsync(id, _ => true, "?state=dead");
            Assert.Equal("active", (await gateway.GetAsync("/v1/webhooks/" + id)).Json.Text("status"));
            await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System, TestContext.Current.CancellationToken);
        }
        while (letters.Count == 0);

        var dead = Assert.Single(letters);
        Assert.Equal((400, "answered 400"), ((int)dead.Integer("status")!, dead.Text("error")));
        await gateway.DeliveriesAsync(id, items => items.Count == others, "?state=delivered&limit=1000");
        Assert.Equal("active", (await gateway.GetAsync("/v1/webhooks/" + id)).Json.Text("status"));

        Volatile.Write(ref isPoisonous, false);
        await gateway.PostAsync("{}", path: $"/v1/webhooks/{id}/replay");
        await gateway.DeliveriesAsync(id, items => items.Count == others + 1, "?state=delivered&limit=1000");
        Assert.Single(receiver.Received, one => one.Status == 200 && one.Json().GetProperty("span").Text("subject") == "urn:registry:person/poison");
    }

    [Fact]
    public async Task ReceiverThatIsAwayForTooLong_IsDisabled_WithAnEvent_AndGoesOnAfterAReplay()
    {
        var isDown = true;
        await using var receiver = await Receiver.StartAsync(http =>
        {
            http.Response.StatusCode = Volatile.Read(ref isDown) ? 500 : 200;
            return Task.CompletedTask;
        });
        await using var gateway = await TestGateway.StartAsync(settings: await SettingsAsync(0.000_001));
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        using var stream = await SpanStream.OpenAsync(gateway, "?intent=webhook.disabled&after=0");
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 10).Select(i => GatewayActs.Person("p" + i))) + "]");

        var disabled = CanonicalJson.Parse((await stream.EventsAsync(1))[0].Data).Root;
        Assert.Equal((id, "failing", "answered 500"), (disabled.GetProperty("payload").Text("webhook_id"), disabled.GetProperty("payload").Text("reason"), disabled.GetProperty("payload").Text("last_error")));
        Assert.Equal("disabled", (await gateway.GetAsync("/v1/webhooks/" + id)).Json.Text("status"));

        Volatile.Write(ref isDown, false);
        await gateway.PostAsync(GatewayActs.Person("while-disabled"));
        await gateway.PostAsync("{}", path: $"/v1/webhooks/{id}/replay");
        await gateway.DeliveriesAsync(id, items => items.Count == 11, "?state=delivered");
        Assert.Equal("active", (await gateway.GetAsync("/v1/webhooks/" + id)).Json.Text("status"));
    }

    [Fact]
    public async Task ReceiverThatSaysGone_IsDisabledAtOnce()
    {
        await using var receiver = await Receiver.StartAsync(http =>
        {
            http.Response.StatusCode = 410;
            return Task.CompletedTask;
        });
        await using var gateway = await TestGateway.StartAsync(settings: await SettingsAsync());
        await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        using var stream = await SpanStream.OpenAsync(gateway, "?intent=webhook.disabled");
        await stream.BlockAsync();

        await gateway.PostAsync(GatewayActs.Person());

        Assert.Contains("\"reason\":\"gone\"", (await stream.EventsAsync(1))[0].Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_DeliversOneEvent_OrAllBehindASeq_UnderTheSameIds()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var gateway = await TestGateway.StartAsync(settings: await SettingsAsync());
        await gateway.PostAsync(GatewayActs.Person("before"));
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        await gateway.PostAsync(GatewayActs.Person("a"));
        await gateway.PostAsync(GatewayActs.Person("b"));
        var first = await receiver.ReceiveAsync(2);
        await gateway.DeliveriesAsync(id, items => items.Count == 2, "?state=delivered");

        await gateway.PostAsync("""{"seq":3}""", path: $"/v1/webhooks/{id}/replay");
        Assert.Equal(first.Single(one => Seq(one) == 3).Id, (await receiver.ReceiveAsync(3))[2].Id); // of two subjects either may come first
        await gateway.DeliveriesAsync(id, items => items.Count == 2, "?state=delivered");

        await gateway.PostAsync("""{"after":0}""", path: $"/v1/webhooks/{id}/replay");
        Assert.Equal([1L, 3L, 4L], (await receiver.ReceiveAsync(6)).Skip(3).Select(Seq).Order());
        Assert.Equal("404_NOT_FOUND", (await gateway.PostAsync("""{"seq":999}""", path: $"/v1/webhooks/{id}/replay")).Code);
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync("""{"seq":1,"after":0}""", path: $"/v1/webhooks/{id}/replay")).Code);
    }

    [Fact]
    public async Task GatewayThatIsStartedAgain_GoesOnWhereItWas()
    {
        var isDown = true;
        await using var receiver = await Receiver.StartAsync(http =>
        {
            http.Response.StatusCode = Volatile.Read(ref isDown) ? 503 : 200;
            return Task.CompletedTask;
        });
        var folder = Directory.CreateTempSubdirectory("logline-").FullName;
        var settings = await SettingsAsync(0.001);
        var gateway = await TestGateway.StartAsync(folder: folder, settings: settings);
        try
        {
            var (id, secret) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
            await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 30).Select(i => GatewayActs.Person("p" + (i % 3)))) + "]");
            await receiver.ReceiveAsync(5);
            await gateway.StopAsync();
            Volatile.Write(ref isDown, false);
            gateway = await TestGateway.StartAsync(folder: folder, settings: settings);

            await gateway.DeliveriesAsync(id, items => items.Count == 30, "?state=delivered");
            var taken = receiver.Received.Where(one => one.Status == 200).ToList();
            Assert.Equal(30, taken.Select(one => one.Id).Distinct().Count());
            Assert.All(taken, one => Assert.True(one.Verifies(secret)));
            Assert.All(taken.GroupBy(one => one.Json().GetProperty("span").Text("subject")), subject => Assert.Equal(subject.Select(Seq).Order(), subject.Select(Seq)));
        }
        finally
        {
            await gateway.StopAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Log_IsBounded()
    {
        await using var receiver = await Receiver.StartAsync();
        var settings = await SettingsAsync();
        settings["LogLine:Webhooks:DeliveriesKept"] = "10";
        await using var gateway = await TestGateway.StartAsync(settings: settings);
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 90).Select(i => GatewayActs.Person("p" + i))) + "]");
        await gateway.PostAsync(GatewayActs.Person("last"));
        await receiver.ReceiveAsync(91);

        var kept = await gateway.DeliveriesAsync(id, items => items.Count == 10 && items[0].Integer("seq") == 92);

        Assert.Equal(Enumerable.Range(83, 10).Reverse(), kept.Select(item => (int)item.Integer("seq")!));
        var page = (await gateway.GetAsync($"/v1/webhooks/{id}/deliveries?limit=4")).Json;
        Assert.Equal((4, 89), (page.Items("items").Count(), (int)page.Integer("cursor")!));
        var rest = (await gateway.GetAsync($"/v1/webhooks/{id}/deliveries?limit=100&before={page.Integer("cursor")}")).Json;
        Assert.Equal(6, rest.Items("items").Count());
    }

    private static long Seq(Received received) => long.Parse(received.Id[(received.Id.LastIndexOf('_') + 1)..]);
}

/// <summary>On the embedded store.</summary>
public sealed class WebhookDeliveryTests : WebhookDeliveryContract
{
    private protected override Task<Dictionary<string, string?>> StoreAsync() => Task.FromResult(new Dictionary<string, string?>());
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgresWebhookDeliveryTests(PostgresCluster cluster) : WebhookDeliveryContract
{
    private protected override async Task<Dictionary<string, string?>> StoreAsync() => SharedLedger.Settings(await cluster.CreateDatabaseAsync());
}
