using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Fuzzing;

/// <summary>Requests that the fuzz command found, each reduced to what was wrong about its answer.</summary>
public sealed class FoundByFuzzingTests
{
    [Theory]
    [InlineData("/v1/tokens")]
    [InlineData("/v1/webhooks")]
    [InlineData("/v1/webhooks/wh_0123456789abcdef/replay")]
    public async Task BodyWithoutCanonicalForm_OnARouteOfItsOwn_IsInvalid(string path)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync("""{"after":[0.1]}""", path: path);

        Assert.Equal((HttpStatusCode)422, answer.Status);
        Assert.Equal(("/after/0", "canonical"), answer.Error());
    }

    [Fact]
    public async Task BodyThatIsDeepAlready_OnARouteOfItsOwn_IsInvalid()
    {
        await using var gateway = await TestGateway.StartAsync();
        var deep = string.Concat(Enumerable.Repeat("[", JsonLimits.Depth - 1)) + string.Concat(Enumerable.Repeat("]", JsonLimits.Depth - 1));

        var answer = await gateway.PostAsync($$"""{"scopes":{{deep}}}""", path: "/v1/tokens");

        Assert.Equal("422_SCHEMA_INVALID", answer.Code);
        Assert.Equal("limit", answer.Error().Keyword);
    }

    [Fact]
    public async Task BodyWithAsManyMembersAsThereMayBe_OnARouteOfItsOwn_IsInvalid()
    {
        await using var gateway = await TestGateway.StartAsync();
        var body = TestGateway.Json(Enumerable.Range(0, JsonLimits.Members).ToDictionary(i => $"m{i}", i => i));

        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(body, path: "/v1/tokens")).Code);
    }

    [Theory]
    [InlineData("""{"span":{"payload":1.5}}""")]
    [InlineData("""{"paragraph":"criar algo","span":{"a":1e1}}""")]
    [InlineData("""{"paragraph":"create person Jo","span":{"payload":{"age":-0}}}""")]
    public async Task SpanWithoutCanonicalForm_InADryRun_IsInvalidAndHasNoHashOfItsOwn(string body)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(body, path: "/v1/universal");

        Assert.Equal((HttpStatusCode.OK, "invalid"), (answer.Status, answer.Json.Text("status")));
        Assert.Equal("canonical", answer.Error().Keyword);
        Assert.Equal("{}", answer.Json.GetProperty("compiled_span").GetRawText());
    }

    [Theory]
    [InlineData("GET", "/v1/spans")]
    [InlineData("POST", "/v1/runs")]
    [InlineData("DELETE", "/v1/universal")]
    [InlineData("PATCH", "/healthz/live")]
    public async Task MethodThatTheRouteDoesNotTake_IsAProblemThatNamesThoseItTakes(string method, string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var answer = await gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestContext.Current.CancellationToken);

        var problem = await Answer.ReadAsync(answer);

        Assert.Equal((HttpStatusCode.NotFound, "404_NOT_FOUND", "application/problem+json"), (problem.Status, problem.Code, problem.ContentType));
        Assert.Contains("it takes", problem.Json.Text("detail"));
        Assert.NotEmpty(answer.Content.Headers.Allow);
    }
}
