using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using Npgsql;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>Several gateways on one database share the webhooks; each is delivered to by one of them at a time.</summary>
public sealed class SharedWebhookTests(PostgresCluster cluster)
{
    [Fact]
    public async Task GatewaysThatComeAndGo_ShareTheWebhooks_AndEachEventIsDeliveredInOrder()
    {
        const int Webhooks = 6, Events = 60;
        await using var receiver = await Receiver.StartAsync();
        var connection = await cluster.CreateDatabaseAsync();
        await using var shared = new SharedLedger(connection, WebhookActs.Settings(0.001));
        await using var database = NpgsqlDataSource.Create(connection);
        var one = await shared.StartAsync();
        var secrets = new Dictionary<string, string>();
        for (var i = 0; i < Webhooks; i++)
        {
            var (id, secret) = await one.CreateWebhookAsync(receiver.Url, "registry.*");
            secrets.Add(id["wh_".Length..], secret);
        }
        await HeldAsync(database, holders => holders.SequenceEqual([Webhooks]));

        // While events come, a second gateway begins, which then has half of them, and the first one goes, which leaves it all.
        var other = await shared.StartAsync();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < Events; i++)
            {
                await Patience.WhileBusyAsync(() => other.PostAsync($"[{GatewayActs.Person("a")},{GatewayActs.Person("b" + (i % 5))}]"));
            }
        }, TestContext.Current.CancellationToken);
        await HeldAsync(database, holders => holders.SequenceEqual([Webhooks / 2, Webhooks / 2]));
        await Patience.WhileBusyAsync(() => other.PostAsync(GatewayActs.Person("a")));
        await one.StopAsync();
        await writing;
        await Patience.WhileBusyAsync(() => other.PostAsync(GatewayActs.Person("a")));
        await HeldAsync(database, holders => holders.SequenceEqual([Webhooks]));
        var all = await receiver.ReceiveUntilAsync(received => received.Select(delivery => delivery.Id).Distinct().Count() == Webhooks * ((2 * Events) + 2));

        foreach (var subject in all.GroupBy(delivery => (Webhook: WebhookOf(delivery), Subject: delivery.Json().GetProperty("span").Text("subject"))))
        {
            // At least once: what comes again comes under its id, and nothing comes for the first time before what is in front of it.
            var first = subject.Select(SeqOf).Distinct().ToList();
            Assert.Equal(first.Order(), first);
        }
        Assert.All(all, delivery => Assert.True(delivery.Verifies(secrets[WebhookOf(delivery)])));
    }

    /// <summary>Waits until the numbers of webhooks that each gateway holds, the most first, are as wanted.</summary>
    private static Task HeldAsync(NpgsqlDataSource database, Func<List<int>, bool> condition) => Patience.UntilAsync("webhooks held so", async () =>
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM webhooks WHERE lease_owner IS NOT NULL GROUP BY lease_owner ORDER BY 1 DESC");
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var holders = new List<int>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            holders.Add((int)reader.GetInt64(0));
        }
        return condition(holders);
    });

    private static string WebhookOf(Received delivery) => delivery.Id.Split('_')[1];

    private static long SeqOf(Received delivery) => long.Parse(delivery.Id.Split('_')[2]);
}
