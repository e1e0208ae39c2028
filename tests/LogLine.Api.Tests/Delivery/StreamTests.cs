using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery;

/// <summary><c>GET /v1/stream</c>: exact frames, exact resumption, one tenant (contract, section 8).</summary>
public sealed class StreamTests
{
    [Fact]
    public async Task Frames_AreExact()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ack = await gateway.PostAsync(GatewayActs.Person());
        var span = (await gateway.GetAsync("/v1/spans/" + ack.Json.Text("this"))).Body;

        using var stream = await SpanStream.OpenAsync(gateway, "?after=0");

        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no", stream.Response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.True(stream.Response.Headers.CacheControl!.NoStore);
        Assert.Equal(["retry: 2000", ": from 0"], (await stream.BlockAsync())!);
        Assert.Equal(["id: 1", "event: span", "data: " + span], (await stream.BlockAsync())!);
    }

    [Fact]
    public async Task WithoutACursor_ItIsLiveOnly()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person("before"));

        using var stream = await SpanStream.OpenAsync(gateway);
        Assert.Equal(["retry: 2000", ": from 1"], (await stream.BlockAsync())!);
        await gateway.PostAsync(GatewayActs.Person("after"));

        var (id, data) = (await stream.EventsAsync(1))[0];
        Assert.Equal((2, "urn:registry:person/after"), (id, CanonicalJson.Parse(data).Root.Text("subject")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(299)]
    [InlineData(600)]
    public async Task Resumption_LosesAndDoublesNothing_WhileMoreArrives(int after)
    {
        await using var gateway = await TestGateway.StartAsync();
        for (var i = 0; i < 6; i++)
        {
            await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 100).Select(n => GatewayActs.Person($"p{i}-{n}"))) + "]");
        }

        using var byQuery = await SpanStream.OpenAsync(gateway, "?after=" + after);
        using var byHeader = await SpanStream.OpenAsync(gateway, "?after=5", request => request.Headers.Add("Last-Event-ID", after.ToString()));
        var more = Task.WhenAll(Enumerable.Range(0, 20).Select(i => gateway.PostAsync(GatewayActs.Person("late" + i))));

        var expected = Enumerable.Range(after + 1, 620 - after).Select(id => (long)id);
        Assert.Equal(expected, (await byQuery.EventsAsync(620 - after)).Select(one => one.Id));
        Assert.Equal(expected, (await byHeader.EventsAsync(620 - after)).Select(one => one.Id));
        await more;
    }

    [Theory]
    [InlineData("?subject=urn:registry:person/b", new[] { 2 })]
    [InlineData("?intent=registry.*", new[] { 1, 2 })]
    [InlineData("?intent=wallet.key.register", new[] { 3 })]
    [InlineData("?intent=wallet.*&subject=urn:wallet:dev", new[] { 3 })]
    [InlineData("?intent=*", new[] { 1, 2, 3, 4 })]
    public async Task Filter_LetsThroughWhatItNames(string query, int[] ids)
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person("a"));
        await gateway.PostAsync(GatewayActs.Person("b"));
        await gateway.RegisterKeyAsync();
        await gateway.ApplyAsync("web");

        using var stream = await SpanStream.OpenAsync(gateway, query + "&after=0");

        Assert.Equal(ids, (await stream.EventsAsync(ids.Length)).Select(one => (int)one.Id));
    }

    [Fact]
    public async Task RunFilter_ShowsTheWholeRun_AsItHappens()
    {
        var fake = new FakeAdapter();
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        await gateway.ProveAsync("web");
        var ack = await gateway.PostAsync(TestGateway.Deploy(reference));
        var run = ack.Json.GetProperty("run").Text("run_id")!;

        using var stream = await SpanStream.OpenAsync(gateway, $"?run_id={run}&after=0");
        var started = await stream.EventsAsync(5);
        fake.Exit(run, 0);
        var ended = await stream.EventsAsync(1);

        Assert.Equal(
            ["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run_state.exited"],
            started.Concat(ended).Select(one => CanonicalJson.Parse(one.Data).Root.Text("intent")!));
    }

    [Fact]
    public async Task AnotherTenant_IsNeverSeen()
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("other", "*");
        await gateway.PostAsync(GatewayActs.Person("mine"));
        await gateway.PostAsync(GatewayActs.Person("theirs"), request => request.UseToken(token));
        await gateway.PostAsync(GatewayActs.Person("mine-again"));

        using var mine = await SpanStream.OpenAsync(gateway, "?after=0");
        using var theirs = await SpanStream.OpenAsync(gateway, "?after=0", request => request.UseToken(token));
        await gateway.PostAsync(GatewayActs.Person("theirs-again"), request => request.UseToken(token));

        Assert.Equal([1L, 3L], (await mine.EventsAsync(2)).Select(one => one.Id));
        Assert.Equal([2L, 4L], (await theirs.EventsAsync(2)).Select(one => one.Id));
    }

    [Theory]
    [InlineData("?after=-1")]
    [InlineData("?after=x")]
    [InlineData("?after=1.5")]
    [InlineData("?after=99999999999999999999")]
    [InlineData("?after=")]
    public async Task CursorThatIsNone_IsRefused(string query)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.GetAsync("/v1/stream" + query);

        Assert.Equal(("400_MALFORMED_HEADER", HttpStatusCode.BadRequest), (answer.Code, answer.Status));
    }

    [Fact]
    public async Task StreamWithoutTheScope_IsForbidden()
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("dev", "registry.*");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/stream");
        request.UseToken(token);

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("403_FORBIDDEN", (await Answer.ReadAsync(response)).Code);
    }

    [Fact]
    public async Task RevokedToken_EndsItsStream_AtOnce()
    {
        await using var gateway = await TestGateway.StartAsync();
        var made = await gateway.PostAsync("""{"scopes":["read"]}""", path: "/v1/tokens");
        using var stream = await SpanStream.OpenAsync(gateway, "", request => request.UseToken(made.Json.Text("api_key")!));
        await stream.BlockAsync();

        using var revocation = new HttpRequestMessage(HttpMethod.Delete, "/v1/tokens/" + made.Json.Text("token_id"));
        revocation.Headers.Add("X-Nonce", Guid.NewGuid().ToString());
        revocation.Headers.Add("X-Timestamp", LogLine.Protocol.Spans.Timestamps.Write(gateway.Time.GetUtcNow()));
        using var revoked = await gateway.Client.SendAsync(revocation, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        Assert.Null(await stream.BlockAsync());
    }

    [Fact]
    public async Task GatewayThatStops_EndsItsStreams()
    {
        var gateway = await TestGateway.StartAsync(folder: Directory.CreateTempSubdirectory("logline-").FullName);
        try
        {
            using var stream = await SpanStream.OpenAsync(gateway);
            await stream.BlockAsync();
            await gateway.App.StopAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

            Assert.Null(await stream.BlockAsync());
        }
        finally
        {
            await gateway.StopAsync();
            Directory.Delete(gateway.Folder, recursive: true);
        }
    }
}
