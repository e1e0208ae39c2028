using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LogLine.Api.Tests.Delivery;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Deploy;

/// <summary>
/// Two gateways on one PostgreSQL behind a balancer are replaced one after the other while clients write and read: the same processes, signals and health checks as in a
/// deployment. Nobody loses a span or an event, and no client sees more than what it would repeat anyway.
/// </summary>
public sealed class RollingRestartTests(PostgresCluster cluster)
{
    private const int Writers = 4;
    private const int Rounds = 2;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GatewaysReplacedUnderLoad_LoseNoSpanAndNoEvent()
    {
        Balancer.Require();
        await using var site = await Site.StartAsync(await cluster.CreateDatabaseAsync());
        using var loading = new CancellationTokenSource();
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var writers = Enumerable.Range(0, Writers).Select(writer => WriteAsync(site, writer, loading.Token)).ToList();
        var reader = new ResumingReader(site.Address, site.ApiKey, "");
        var read = reader.ReadAsync(int.MaxValue, overWebSocket: false, reading.Token);

        for (var round = 0; round < Rounds; round++)
        {
            await site.ReplaceAsync(0);
            await site.ReplaceAsync(1);
        }
        await loading.CancelAsync();
        var acked = (await Task.WhenAll(writers)).SelectMany(one => one).ToList();

        // Every Ack is of one entry, and every entry of a span that was acked.
        var spans = await site.AllSpansAsync();
        Assert.Equal(spans.Count, acked.Count);
        Assert.Equal(Enumerable.Range(0, spans.Count).Select(index => (long)index), acked.Select(ack => ack.Index).Order());
        Assert.All(acked, ack => Assert.Equal(ack.This, spans[(int)ack.Index].Text("this")));
        while (reader.Received.Count < spans.Count)
        {
            await Task.Delay(20, Cancel);
        }
        await reading.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        Assert.Equal(Enumerable.Range(1, spans.Count).Select(seq => (long)seq), reader.Received.Select(one => one.Id));
        Assert.Equal(spans.Select(span => span.Text("this")), reader.Received.Select(one => CanonicalJson.Parse(Encoding.UTF8.GetBytes(one.Span)).Root.Text("this")));
        Assert.True(acked.Count > Rounds * Writers, $"only {acked.Count} spans were written meanwhile");
    }

    /// <summary>Writes one span after the other, each until it is acked: the same request again, as a client library does.</summary>
    private static async Task<List<(string This, long Index)>> WriteAsync(Site site, int writer, CancellationToken stop)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = site.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", site.ApiKey);
        var acked = new List<(string, long)>();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var (body, key, timestamp) = (GatewayActs.Person($"w{writer}-{i}"), Guid.NewGuid().ToString("N"), Timestamps.Write(TimeProvider.System.GetUtcNow()));
            while (true)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/spans") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
                request.Headers.Add("X-Nonce", key);
                request.Headers.Add("Idempotency-Key", key);
                request.Headers.Add("X-Timestamp", timestamp);
                if (await TrySendAsync(client, request) is { } answer)
                {
                    Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
                    acked.Add((answer.Json.Text("this")!, answer.Json.Member("receipt").Integer("log_index")!.Value));
                    break;
                }
                await Task.Delay(10, Cancel);
            }
        }
        return acked;
    }

    /// <summary>The answer; null where a client sends the same again: no answer, none from a gateway, or <c>503_BUSY</c>.</summary>
    private static async Task<Answer?> TrySendAsync(HttpClient client, HttpRequestMessage request)
    {
        try
        {
            using var response = await client.SendAsync(request, Cancel);
            return response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway ? null : await Answer.ReadAsync(response);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
