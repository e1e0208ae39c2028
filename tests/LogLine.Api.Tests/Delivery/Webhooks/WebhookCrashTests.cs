using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>The gateway is killed with <c>kill -9</c> while deliveries are on their way, and started again on the same folder.</summary>
public sealed class WebhookCrashTests : IDisposable
{
    private const int Events = 40;
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-crash-").FullName;

    [Fact]
    public async Task KilledWhileDelivering_DeliversAgainUnderTheSameIds_InOrder()
    {
        var hold = new TaskCompletionSource();
        await using var receiver = await Receiver.StartAsync(async http =>
        {
            if (((string)http.Items["body"]!).Contains("person/p1\"", StringComparison.Ordinal))
            {
                await hold.Task.WaitAsync(http.RequestAborted);
            }
        });
        Answer made;
        await using (var killed = await StartAsync())
        {
            made = await killed.PostAsync(TestGateway.Json(new { url = receiver.Url, events = new[] { "registry.*" } }), path: "/v1/webhooks");
            await killed.PostAsync("[" + string.Join(',', Enumerable.Range(0, Events).Select(i => GatewayActs.Person("p" + (i % 4)))) + "]");
            // Those of the other subjects are through, and not yet recorded; one is on its way.
            await receiver.ReceiveAsync(Events * 3 / 4);
        }
        await using var next = await StartAsync();
        hold.SetResult();
        var taken = await receiver.ReceiveUntilAsync(all => all.Where(one => one.Status == 200).Select(one => one.Id).Distinct().Count() == Events);

        Assert.All(taken, one => Assert.True(one.Verifies(made.Json.Text("secret")!)));
        foreach (var subject in taken.Where(one => one.Attempt > 0).GroupBy(one => one.Json().GetProperty("span").Text("subject")))
        {
            // A round is repeated as a whole at most: what comes again comes in the same order.
            var first = subject.Select(one => one.Id).Distinct().ToList();
            Assert.Equal(first.OrderBy(id => long.Parse(id[(id.LastIndexOf('_') + 1)..])), first);
        }
        Assert.Equal(Events, taken.Select(one => one.Id).Distinct().Count());
    }

    private Task<GatewayProcess> StartAsync() => GatewayProcess.StartAsync(_folder, WebhookActs.Settings(0.001));

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
