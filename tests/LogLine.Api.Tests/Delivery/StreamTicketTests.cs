using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using Microsoft.Extensions.Logging;

namespace LogLine.Api.Tests.Delivery;

/// <summary>Tickets for browsers: one page, one filter, one connection, one token; never logged.</summary>
public sealed class StreamTicketTests(PostgresCluster cluster)
{
    private const string Page = "https://app.example.com";

    [Fact]
    public async Task Ticket_OpensWhatItWasMadeFor_AndReconnects()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person("a"));
        await gateway.PostAsync(GatewayActs.Person("b"));
        var url = await TicketAsync(gateway, $$"""{"origin":"{{Page}}","subject":"urn:registry:person/b"}""");

        using (var stream = await OpenAsync(gateway, url + "&after=0"))
        {
            Assert.Equal(Page, stream.Response.Headers.GetValues("Access-Control-Allow-Origin").Single());
            Assert.Equal(2, Assert.Single(await stream.EventsAsync(1)).Id);
        }
        await gateway.PostAsync(GatewayActs.Person("b"));
        using var again = await OpenAsync(gateway, url + "&after=0", request => request.Headers.Add("Last-Event-ID", "2"));
        Assert.Equal(3, Assert.Single(await again.EventsAsync(1)).Id);
    }

    [Fact]
    public async Task SecondConnection_EndsTheFirst()
    {
        await using var gateway = await TestGateway.StartAsync();
        var url = await TicketAsync(gateway);
        using var first = await OpenAsync(gateway, url);
        await first.BlockAsync();

        using var second = await OpenAsync(gateway, url);
        await second.BlockAsync();

        Assert.Null(await first.BlockAsync());
        await gateway.PostAsync(GatewayActs.Person());
        Assert.Single(await second.EventsAsync(1));
    }

    [Fact]
    public async Task TicketOfOneGateway_OpensAStreamAtAnother_WhichEndsTheFirst()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync(), new Dictionary<string, string?> { ["LogLine:Streams:HeartbeatSeconds"] = "1" });
        var (one, other) = (await shared.StartAsync(), await shared.StartAsync());
        await one.PostAsync(GatewayActs.Person("a"));
        var url = await TicketAsync(one);
        using var first = await OpenAsync(one, url + "&after=0");
        Assert.Equal(1, Assert.Single(await first.EventsAsync(1)).Id);

        using var second = await OpenAsync(other, url + "&after=0");
        Assert.Equal(1, Assert.Single(await second.EventsAsync(1)).Id);

        while (await first.BlockAsync() is not null)
        {
            // Heartbeats, until the first gateway has learned of it.
        }
        await one.PostAsync(GatewayActs.Person("b"));
        Assert.Equal(2, Assert.Single(await second.EventsAsync(1)).Id);
    }

    [Fact]
    public async Task TicketOfAnotherPage_OrFilter_OpensNothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var url = await TicketAsync(gateway);

        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, url, "https://evil.example.com")).Code);
        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, url, "http://app.example.com")).Code);
        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, url, null)).Code);
        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, url + "0", Page)).Code);
        Assert.Equal("403_FORBIDDEN", (await AskAsync(gateway, url + "&intent=wallet.*", Page)).Code);
    }

    [Fact]
    public async Task TicketOfTheGatewaysOwnPage_NeedsNoOrigin()
    {
        await using var gateway = await TestGateway.StartAsync();
        var url = await TicketAsync(gateway, $$"""{"origin":"{{gateway.Client.BaseAddress!.GetLeftPart(UriPartial.Authority)}}"}""");

        using var stream = await SpanStream.OpenAsync(gateway, url, anonymous: true);

        Assert.Equal("retry: 2000", (await stream.BlockAsync())![0]);
    }

    [Fact]
    public async Task FirstUse_IsWithinAMinute_AndTheRestWithinTen()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var (unused, used) = (await TicketAsync(gateway), await TicketAsync(gateway));
        (await OpenAsync(gateway, used)).Dispose();

        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, unused, Page)).Code);
        (await OpenAsync(gateway, used)).Dispose();
        time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, used, Page)).Code);
    }

    [Fact]
    public async Task Ticket_DiesWithItsToken()
    {
        await using var gateway = await TestGateway.StartAsync();
        var made = await gateway.PostAsync("""{"scopes":["read"]}""", path: "/v1/tokens");
        var url = await TicketAsync(gateway, change: request => request.UseToken(made.Json.Text("api_key")!));
        using var stream = await OpenAsync(gateway, url);
        await stream.BlockAsync();

        await gateway.PostAsync("", request => request.Method = HttpMethod.Delete, "/v1/tokens/" + made.Json.Text("token_id"));

        Assert.Null(await stream.BlockAsync());
        Assert.Equal("401_UNAUTHENTICATED", (await AskAsync(gateway, url, Page)).Code);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"origin":"app.example.com"}""")]
    [InlineData("""{"origin":"https://app.example.com/path"}""")]
    [InlineData("""{"origin":"ftp://app.example.com"}""")]
    [InlineData("""{"origin":"https://app.example.com","tenant":"other"}""")]
    [InlineData("""{"origin":"https://app.example.com","subject":7}""")]
    [InlineData("[]")]
    public async Task RequestThatMakesNoSense_IsInvalid(string body)
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(body, path: "/v1/stream/tickets")).Code);
    }

    [Fact]
    public async Task Ticket_IsNeitherLoggedNorTraced()
    {
        var logged = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => logged.Enqueue(activity.DisplayName + string.Join(' ', activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"))),
        };
        ActivitySource.AddActivityListener(listener);
        string url;
        await using (var gateway = await TestGateway.StartAsync(adjust: builder =>
        {
            builder.Logging.ClearProviders();
            builder.Logging.SetMinimumLevel(LogLevel.Trace);
            builder.Logging.AddProvider(new Serilog.Extensions.Logging.SerilogLoggerProvider(
                new Serilog.LoggerConfiguration().MinimumLevel.Verbose().Enrich.With<LogLine.Api.Telemetry.TicketRedaction>().WriteTo.Sink(new Sink(logged)).CreateLogger()));
        }))
        {
            url = await TicketAsync(gateway);
            using var stream = await OpenAsync(gateway, url);
            await stream.BlockAsync();
        }
        var ticket = url[(url.IndexOf('=') + 1)..];

        Assert.Contains(logged, line => line.Contains("/v1/stream", StringComparison.Ordinal));
        Assert.DoesNotContain(logged, line => line.Contains(ticket, StringComparison.Ordinal));
    }

    private static async Task<string> TicketAsync(TestGateway gateway, string? body = null, Action<HttpRequestMessage>? change = null)
    {
        var answer = await gateway.PostAsync(body ?? $$"""{"origin":"{{Page}}"}""", change, "/v1/stream/tickets");
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.Text("url")!["/v1/stream".Length..];
    }

    private static Task<SpanStream> OpenAsync(TestGateway gateway, string query, Action<HttpRequestMessage>? change = null) => SpanStream.OpenAsync(gateway, query, request =>
    {
        request.Headers.Add("Origin", Page);
        change?.Invoke(request);
    }, anonymous: true);

    private static async Task<Answer> AskAsync(TestGateway gateway, string query, string? origin)
    {
        using var client = new HttpClient { BaseAddress = gateway.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/stream" + query);
        request.Set("Origin", origin);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    private sealed class Sink(ConcurrentQueue<string> lines) : Serilog.Core.ILogEventSink
    {
        public void Emit(Serilog.Events.LogEvent logEvent) => lines.Enqueue(logEvent.RenderMessage() + string.Join(' ', logEvent.Properties.Select(property => $"{property.Key}={property.Value}")));
    }
}
