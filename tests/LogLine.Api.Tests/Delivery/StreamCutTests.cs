using System.Text;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Delivery;

/// <summary>Connections that are cut at random bytes, thousands of times, while more is written and the gateway is started again: what a reader has is what the ledger has.</summary>
public sealed class StreamCutTests
{
    private const int Before = 400;
    private const int During = 200;
    private const int LongestConnection = 2500; // bytes: the head of the answer and a few spans

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task CutAnywhere_NothingIsLostOrDoubled(int seed)
    {
        var folder = Directory.CreateTempSubdirectory("logline-").FullName;
        var gateway = await TestGateway.StartAsync(folder: folder);
        var other = await gateway.AddTokenAsync("other", "*");
        await WriteAsync(gateway, other, "before", Before);
        using var proxy = new CuttingProxy(gateway.Client.BaseAddress!, seed, LongestConnection);
        var readers = new (ResumingReader Reader, int Count, bool OverWebSocket)[]
        {
            (new(proxy.Address, gateway.ApiKey, ""), Before + During, false),
            (new(proxy.Address, gateway.ApiKey, "&intent=registry.person.*"), Before + During, false),
            (new(proxy.Address, gateway.ApiKey, "&subject=urn:registry:person/twin"), (Before + During) / 10, false),
            (new(proxy.Address, other, ""), Before + During, false),
            (new(proxy.Address, gateway.ApiKey, ""), Before + During, true),
            (new(proxy.Address, other, "&intent=registry.*"), Before + During, true),
        };
        try
        {
            var reading = readers.Select(one => one.Reader.ReadAsync(one.Count, one.OverWebSocket, TestContext.Current.CancellationToken)).ToArray();
            await WriteAsync(gateway, other, "during", During / 2);
            await gateway.StopAsync();
            gateway = await TestGateway.StartAsync(folder: folder);
            proxy.Server = gateway.Client.BaseAddress!;
            await WriteAsync(gateway, other, "after", During / 2);
            await Task.WhenAll(reading).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

            var ledger = (await gateway.Ledger.Store.ReadEntriesAsync(0, 10_000)).Select(stored => (Id: stored.Index + 1, Span: Encoding.UTF8.GetString(stored.Span), Entry: Encoding.UTF8.GetString(stored.Entry))).ToList();
            var mine = ledger.Where(one => one.Entry.Contains("\"tenant\":\"dev\"", StringComparison.Ordinal)).Select(one => (one.Id, one.Span)).ToList();
            var theirs = ledger.Where(one => one.Entry.Contains("\"tenant\":\"other\"", StringComparison.Ordinal)).Select(one => (one.Id, one.Span)).ToList();
            Assert.Equal(mine, readers[0].Reader.Received);
            Assert.Equal(mine, readers[1].Reader.Received);
            Assert.Equal(mine.Where(one => one.Span.Contains("person/twin\"", StringComparison.Ordinal)), readers[2].Reader.Received);
            Assert.Equal(theirs, readers[3].Reader.Received);
            Assert.Equal(mine, readers[4].Reader.Received);
            Assert.Equal(theirs, readers[5].Reader.Received);
            Assert.True(proxy.Cuts > 1000, $"Only {proxy.Cuts} connections were cut: the test is too kind.");
        }
        finally
        {
            await gateway.StopAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Two tenants write in turns; every tenth span of each has the same subject.</summary>
    private static async Task WriteAsync(TestGateway gateway, string other, string name, int count)
    {
        for (var i = 0; i < count; i += 20)
        {
            var spans = "[" + string.Join(',', Enumerable.Range(i, 20).Select(n => GatewayActs.Person(n % 10 == 0 ? "twin" : $"{name}-{n}"))) + "]";
            await gateway.PostAsync(spans);
            await gateway.PostAsync(spans, request => request.UseToken(other));
        }
    }
}
