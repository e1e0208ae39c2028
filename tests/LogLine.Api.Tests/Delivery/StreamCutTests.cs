using System.Text;
using LogLine.Api.Ledger;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;

namespace LogLine.Api.Tests.Delivery;

/// <summary>Connections that are cut at random bytes, thousands of times, while more is written and the gateway is started again: what a reader has is what the ledger has.</summary>
public sealed class StreamCutTests(PostgresCluster cluster)
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
        await WriteAsync([gateway], other, "before", Before);
        using var proxy = new CuttingProxy(seed, LongestConnection, gateway.Client.BaseAddress!);
        try
        {
            var readers = new Readers(proxy, gateway.ApiKey, other);
            await WriteAsync([gateway], other, "during", During / 2);
            await gateway.StopAsync();
            gateway = await TestGateway.StartAsync(folder: folder);
            proxy.Servers = [gateway.Client.BaseAddress!];
            await WriteAsync([gateway], other, "after", During / 2);

            await readers.AssertAsync(gateway.Ledger);
            Assert.True(proxy.Cuts > 1000, $"Only {proxy.Cuts} connections were cut: the test is too kind.");
        }
        finally
        {
            await gateway.StopAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task CutAnywhere_AndResumedAtEitherOfTwoGateways_NothingIsLostOrDoubled()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        TestGateway[] gateways = [await shared.StartAsync(), await shared.StartAsync()];
        var other = await shared.AddTokenAsync("other", "*");
        await WriteAsync(gateways, other, "before", Before);
        using var proxy = new CuttingProxy(3, LongestConnection, [.. gateways.Select(gateway => gateway.Client.BaseAddress!)]);

        // Whoever was cut off at one gateway comes back to it or to the other, while both write.
        var readers = new Readers(proxy, gateways[0].ApiKey, other);
        await WriteAsync(gateways, other, "during", During);

        await readers.AssertAsync(gateways[0].Ledger);
        Assert.True(proxy.Cuts > 1000, $"Only {proxy.Cuts} connections were cut: the test is too kind.");
    }

    /// <summary>Two tenants write in turns; every tenth span of each has the same subject.</summary>
    private static async Task WriteAsync(TestGateway[] gateways, string other, string name, int count)
    {
        for (var i = 0; i < count; i += 20)
        {
            var spans = "[" + string.Join(',', Enumerable.Range(i, 20).Select(n => GatewayActs.Person(n % 10 == 0 ? "twin" : $"{name}-{n}"))) + "]";
            await Patience.WhileBusyAsync(() => gateways[0].PostAsync(spans));
            await Patience.WhileBusyAsync(() => gateways[^1].PostAsync(spans, request => request.UseToken(other)));
        }
    }

    /// <summary>Readers of two tenants, over both kinds of connection, with and without filters.</summary>
    private sealed class Readers
    {
        private const int All = Before + During;
        private readonly ResumingReader[] _readers;
        private readonly Task[] _reading;

        public Readers(CuttingProxy proxy, string mine, string theirs)
        {
            _readers =
            [
                new(proxy.Address, mine, ""), new(proxy.Address, mine, "&intent=registry.person.*"), new(proxy.Address, mine, "&subject=urn:registry:person/twin"),
                new(proxy.Address, theirs, ""), new(proxy.Address, mine, ""), new(proxy.Address, theirs, "&intent=registry.*"),
            ];
            _reading = [.. _readers.Select((reader, i) => reader.ReadAsync(i == 2 ? All / 10 : All, overWebSocket: i > 3, TestContext.Current.CancellationToken))];
        }

        /// <summary>Each has exactly what the ledger has of its tenant and for its filter, once they have read all.</summary>
        public async Task AssertAsync(SpanLedger ledger)
        {
            await Task.WhenAll(_reading).WaitAsync(TimeSpan.FromMinutes(10), TestContext.Current.CancellationToken);
            var entries = (await ledger.Store.ReadEntriesAsync(0, 10_000)).Select(stored => (Id: stored.Index + 1, Span: Encoding.UTF8.GetString(stored.Span), Entry: Encoding.UTF8.GetString(stored.Entry))).ToList();
            var mine = entries.Where(one => one.Entry.Contains("\"tenant\":\"dev\"", StringComparison.Ordinal)).Select(one => (one.Id, one.Span)).ToList();
            var theirs = entries.Where(one => one.Entry.Contains("\"tenant\":\"other\"", StringComparison.Ordinal)).Select(one => (one.Id, one.Span)).ToList();
            Assert.Equal(mine, _readers[0].Received);
            Assert.Equal(mine, _readers[1].Received);
            Assert.Equal(mine.Where(one => one.Span.Contains("person/twin\"", StringComparison.Ordinal)), _readers[2].Received);
            Assert.Equal(theirs, _readers[3].Received);
            Assert.Equal(mine, _readers[4].Received);
            Assert.Equal(theirs, _readers[5].Received);
        }
    }
}
