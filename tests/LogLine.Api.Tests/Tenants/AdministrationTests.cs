using System.Net;
using System.Net.Http.Headers;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Tenants;

public sealed class AdministrationTests
{
    private const string Person = """{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{"name":"Joana","email":"j@example.com","country":"PT","consent":true}}""";

    [Fact]
    public async Task NewTenant_HasTokenOfItsOwn_AndSeesNothingOfOthers()
    {
        await using var gateway = await TestGateway.StartAsync();
        var mine = await gateway.PostAsync(Person);

        var created = await gateway.PostAsync("""{"tenant":"vv"}""", path: "/v1/tenants");

        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.Equal("vv", created.Json.Text("tenant"));
        var token = As(created.Json.Text("api_key")!);
        Assert.Equal("vv", (await gateway.GetAsync("/v1/whoami", token)).Json.Text("tenant"));
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.GetAsync("/v1/spans/" + mine.Json.Text("this"), token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Person, token)).Status);
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync("""{"tenant":"vv"}""", path: "/v1/tenants")).Code);
    }

    [Fact]
    public async Task AdministratorOfAnotherTenant_IsNotTheGateways()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(Person);
        var token = As((await gateway.PostAsync("""{"tenant":"vv"}""", path: "/v1/tenants")).Json.Text("api_key")!);

        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync("""{"tenant":"ww"}""", token, "/v1/tenants")).Code);
        Assert.Equal("403_FORBIDDEN", (await gateway.GetAsync("/tlog/tile/entries/000.p/1", token)).Code);
        // Nor may it give what it does not have.
        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync("""{"scopes":["ledger:audit"]}""", token, "/v1/tokens")).Code);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/tlog/tile/entries/000.p/1")).Status);
    }

    [Fact]
    public async Task Token_IsNarrowedShownOnceAndRevokedAtOnce()
    {
        await using var gateway = await TestGateway.StartAsync();

        var created = await gateway.PostAsync("""{"scopes":["registry.*","read"]}""", path: "/v1/tokens");

        Assert.Equal(HttpStatusCode.Created, created.Status);
        var (secret, id) = (created.Json.Text("api_key")!, created.Json.Text("token_id")!);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Person, As(secret))).Status);
        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"*","rate_per_minute":1}}""", As(secret))).Code);
        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync("""{"scopes":["read"]}""", As(secret), "/v1/tokens")).Code);
        Assert.DoesNotContain(secret, (await gateway.PostAsync("{}", path: "/v1/spans/query")).Body);
        Assert.Contains(id, (await gateway.GetAsync("/v1/tokens")).Body);

        Assert.Equal(HttpStatusCode.NoContent, (await gateway.PostAsync("", request => request.Method = HttpMethod.Delete, "/v1/tokens/" + id)).Status);
        Assert.Equal("401_UNAUTHENTICATED", (await gateway.PostAsync(Person, As(secret))).Code);
        Assert.Equal("404_NOT_FOUND", (await gateway.PostAsync("", request => request.Method = HttpMethod.Delete, "/v1/tokens/tok_0000000000000000")).Code);
    }

    /// <summary>A word alone is a right, and there are no others; what has a dot is an intent, and the catalogue may come to have it.</summary>
    [Theory]
    [InlineData("runer", 422)]
    [InlineData("deploy", 422)]
    [InlineData("admin:token", 422)]
    [InlineData("deploy.", 422)]
    [InlineData("deploy.*", 201)]
    [InlineData("my.own.intent", 201)]
    public async Task ScopeThatNothingIsCalled_IsRefused_WithAllRights(string scope, int status)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync($$"""{"scopes":["{{scope}}"]}""", path: "/v1/tokens");

        Assert.True((int)answer.Status == status, answer.Body);
        if (status == 422)
        {
            var message = Assert.Single(answer.Json.Items("errors")).Text("message")!;
            Assert.Contains($"\"{scope}\"", message);
            Assert.Contains("read|runner|metrics|wallet:keys|admin:tenants|admin:tokens|ledger:audit", message);
        }
    }

    [Theory]
    [InlineData("admin:tokens", true)]
    [InlineData("read", false)]
    [InlineData("runner", false)]
    public async Task Token_ListsTokensByItsScope_AndAlwaysLearnsWhoItIs(string scope, bool lists)
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = (await gateway.PostAsync($$"""{"scopes":["{{scope}}"]}""", path: "/v1/tokens")).Json.Text("api_key")!;

        Assert.Equal(lists ? HttpStatusCode.OK : HttpStatusCode.Forbidden, (await gateway.GetAsync("/v1/tokens", As(token))).Status);
        Assert.Equal([scope], (await gateway.GetAsync("/v1/whoami", As(token))).Json.Texts("scopes"));
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/catalog", As(token))).Status);
        Assert.Equal(scope == "read" ? HttpStatusCode.OK : HttpStatusCode.Forbidden, (await gateway.GetAsync("/v1/wallet/keys", As(token))).Status);
    }

    [Theory]
    [InlineData("""{"scopes":["deploy.*"]}""", true)]
    [InlineData("""{"scopes":["deploy.apply"]}""", true)]
    [InlineData("""{"scopes":["admin:tokens"]}""", true)]
    [InlineData("""{"scopes":["*"]}""", false)]
    [InlineData("""{"scopes":["container.exec"]}""", false)]
    [InlineData("""{"scopes":["admin:tenants"]}""", false)]
    public async Task TokenOfToken_NeverAllowsMore(string body, bool isGranted)
    {
        await using var gateway = await TestGateway.StartAsync();
        var parent = (await gateway.PostAsync("""{"scopes":["deploy.*","admin:tokens"]}""", path: "/v1/tokens")).Json.Text("api_key")!;

        var child = await gateway.PostAsync(body, As(parent), "/v1/tokens");

        Assert.Equal(isGranted ? HttpStatusCode.Created : HttpStatusCode.Forbidden, child.Status);
    }

    [Fact]
    public async Task ExpiredToken_IsRefused_AndItsChildCannotOutliveIt()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var expires = Timestamps.Write(time.GetUtcNow().AddHours(1));
        var parent = (await gateway.PostAsync($$"""{"scopes":["*"],"expires_at":"{{expires}}"}""", path: "/v1/tokens")).Json.Text("api_key")!;

        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync("""{"scopes":["read"]}""", As(parent), "/v1/tokens")).Code);
        Assert.Equal(HttpStatusCode.Created, (await gateway.PostAsync($$"""{"scopes":["read"],"expires_at":"{{expires}}"}""", As(parent), "/v1/tokens")).Status);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("401_UNAUTHENTICATED", (await gateway.PostAsync(Person, As(parent))).Code);
    }

    [Theory]
    [InlineData("token.create", "urn:tenant:dev", """{"token_id":"tok_0123456789abcdef","scopes":["*"]}""")]
    [InlineData("tenant.create", "urn:tenant:vv", """{"token_id":"tok_0123456789abcdef","tenant":"vv"}""")]
    public async Task AdministrationSentAsSpan_IsReserved(string intent, string subject, string payload)
    {
        await using var gateway = await TestGateway.StartAsync();
        var answer = await gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{{payload}}}""");
        Assert.Equal("403_FORBIDDEN", answer.Code);
    }

    [Fact]
    public async Task SameKeyAgain_MakesNoSecondToken_AndShowsNoSecret()
    {
        await using var gateway = await TestGateway.StartAsync();
        void Key(HttpRequestMessage request) => request.Headers.Add("Idempotency-Key", "make-token-1");

        var first = await gateway.PostAsync("""{"scopes":["read"]}""", Key, "/v1/tokens");
        var again = await gateway.PostAsync("""{"scopes":["read"]}""", Key, "/v1/tokens");

        Assert.Equal(first.Json.Text("token_id"), again.Json.Text("token_id"));
        Assert.Null(again.Json.Text("api_key"));
        Assert.True(again.Json.Flag("replayed"));
    }

    private static Action<HttpRequestMessage> As(string token) => request => request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", token);
}
