using System.Net;
using System.Net.Sockets;
using System.Text;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Delivery;

/// <summary>What bounds a stream: heartbeats, rotation, slow readers, seats; and what a reader is told about what it cannot get.</summary>
public sealed class StreamLimitTests
{
    [Fact]
    public async Task Heartbeat_ComesAlsoWhileOthersAreBusy()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Streams:HeartbeatSeconds"] = "0.05" });
        using var stream = await SpanStream.OpenAsync(gateway, "?intent=wallet.*");
        await stream.BlockAsync();

        var heard = stream.BlockAsync();
        await Patience.UntilAsync("a heartbeat", async () =>
        {
            await gateway.PostAsync(GatewayActs.Person());
            return heard.IsCompleted;
        });

        Assert.Equal([": ping"], (await heard)!);
    }

    [Fact]
    public async Task Connection_IsEndedInGoodOrder_AndResumes()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Streams:LifeMinutes"] = "0.002" });
        await gateway.PostAsync(GatewayActs.Person("a"));

        var id = await NextAsync(gateway, null);
        await gateway.PostAsync(GatewayActs.Person("b"));

        Assert.Equal((1, 2), (id, await NextAsync(gateway, id)));
    }

    /// <summary>The one event behind the last, on a connection that is read to its end; one whose life was over before anything was sent is opened again.</summary>
    private static async Task<long> NextAsync(TestGateway gateway, long? last)
    {
        var ids = new List<long>();
        await Patience.UntilAsync("an event on a connection", async () =>
        {
            using var stream = await SpanStream.OpenAsync(gateway, "?after=0", request => request.Set("Last-Event-ID", last?.ToString()));
            while (await stream.BlockAsync() is { } block)
            {
                ids.AddRange(block.Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).Select(line => long.Parse(line[4..])));
            }
            return ids.Count > 0;
        });
        return Assert.Single(ids);
    }

    [Fact]
    public async Task SlowReader_IsCutOff_AndItsSeatIsFree()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?>
        {
            ["LogLine:Streams:SlowestWriteSeconds"] = "0.2",
            ["LogLine:Streams:MaxConnectionsPerTenant"] = "1",
        });
        var size = 0;
        for (var i = 0; i < 24; i++)
        {
            var span = TestGateway.Json(new { intent = "agent.task.request", subject = "urn:agent:dev/one", payload = new { task_id = "task_" + i, goal = "Be large", input = new { text = new string('x', 900_000) } } });
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(span)).Status);
            size += span.Length;
        }
        using var slow = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await slow.ConnectAsync(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await slow.SendAsync(Encoding.ASCII.GetBytes($"GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: ApiKey {gateway.ApiKey}\r\n\r\n"), TestContext.Current.CancellationToken);
        Assert.Equal(1, await slow.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken));

        // The only seat is the slow reader's, until it is cut off.
        await Patience.UntilAsync("a free seat", async () => !await IsBusyAsync(gateway));
        Assert.InRange(await ReadToEndAsync(slow), 0, size / 2);
    }

    [Fact]
    public async Task MoreConnectionsThanSeats_AreBusy()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Streams:MaxConnections"] = "2", ["LogLine:Streams:MaxConnectionsPerTenant"] = "1" });
        var other = await gateway.AddTokenAsync("other", "read");
        var third = await gateway.AddTokenAsync("third", "read");
        using var mine = await SpanStream.OpenAsync(gateway);

        var (second, theirs) = (await gateway.GetAsync("/v1/stream"), await SpanStream.OpenAsync(gateway, "", request => request.UseToken(other)));
        var full = await gateway.GetAsync("/v1/stream", request => request.UseToken(third));

        theirs.Dispose();
        Assert.Equal("503_BUSY", second.Code);
        Assert.NotNull(second.Headers.RetryAfter);
        Assert.Equal("503_BUSY", full.Code);
    }

    [Fact]
    public async Task CursorBeyondTheLog_IsAGap_AndGoesOnFromItsEnd()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person("a"));

        using var stream = await SpanStream.OpenAsync(gateway, "?after=100");

        Assert.Equal(["retry: 2000", ": from 1"], (await stream.BlockAsync())!);
        Assert.Equal(["id: 1", "event: gap", """data: {"from":2,"to":100,"reason":"ahead"}"""], (await stream.BlockAsync())!);
        await gateway.PostAsync(GatewayActs.Person("b"));
        Assert.Equal(2, Assert.Single(await stream.EventsAsync(1)).Id);
    }

    [Fact]
    public async Task CursorThatIsAheadForAMoment_IsWaitedFor()
    {
        await using var gateway = await TestGateway.StartAsync(time: new PatientTime(StreamSession.AheadPatience));
        var opening = SpanStream.OpenAsync(gateway, "?after=1");
        await gateway.PostAsync(GatewayActs.Person("a"));
        await gateway.PostAsync(GatewayActs.Person("b"));

        using var stream = await opening;

        Assert.Equal(["retry: 2000", ": from 1"], (await stream.BlockAsync())!);
        Assert.Equal(2, Assert.Single(await stream.EventsAsync(1)).Id);
    }

    [Theory]
    [InlineData("\n\nid: 99\nevent: span\ndata: {}\n\n")]
    [InlineData("\r\rid: 99\revent: gap\rdata: {}\r\r")]
    [InlineData("\r\n\r\nretry: 1\r\n\r\n")]
    [InlineData("a\0b")]
    [InlineData("\u0085\u2028\u2029\uFEFF")]
    public async Task TextOfAClient_ForgesNoFrame(string text)
    {
        await using var gateway = await TestGateway.StartAsync();
        var span = TestGateway.Json(new { intent = "agent.task.request", subject = "urn:agent:dev/one", payload = new { task_id = "task_1", goal = "x" + text, input = new Dictionary<string, string> { ["k" + text] = text } } });
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(span)).Status);
        await gateway.PostAsync(GatewayActs.Person("behind"));

        using var stream = await SpanStream.OpenAsync(gateway, "?after=0");
        var events = await stream.EventsAsync(2);

        Assert.Equal([1L, 2L], events.Select(one => one.Id));
        Assert.Equal("x" + text.Normalize(), LogLine.Protocol.Json.CanonicalJson.Parse(events[0].Data).Root.GetProperty("payload").GetProperty("goal").GetString());
        Assert.DoesNotContain(events[0].Data, character => character is < ' ');
    }

    [Theory]
    [InlineData("?subject=a&subject=b")]
    [InlineData("?intent=a&intent=b")]
    public async Task FilterThatStandsTwice_IsRefused(string query)
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal("400_MALFORMED_HEADER", (await gateway.GetAsync("/v1/stream" + query)).Code);
    }

    private static async Task<bool> IsBusyAsync(TestGateway gateway)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/stream");
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return response.StatusCode == HttpStatusCode.ServiceUnavailable;
    }

    private static async Task<long> ReadToEndAsync(Socket socket)
    {
        var (buffer, total) = (new byte[65536], 0L);
        try
        {
            while (await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var count)
            {
                total += count;
            }
        }
        catch (SocketException)
        {
            // Reset: cut off.
        }
        return total;
    }
}
