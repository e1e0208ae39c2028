using System.Net;
using LogLine.Api.Policy;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Policy;

public sealed class TenantRulesTests
{
    private const string Person = """{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{"name":"Joana","email":"j@example.com","country":"PT","consent":true}}""";

    [Fact]
    public async Task QuotaUsedUp_Is429WithHeaders_OtherIntentsGoOn()
    {
        await using var gateway = await TestGateway.StartAsync(time: new SteppingClock(0)); // so that no minute is over in between
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"registry.*","rate_per_minute":1,"burst":2}}""")).Status);

        var first = await gateway.PostAsync(Person);
        var second = await gateway.PostAsync(Person);
        var third = await gateway.PostAsync(Person);

        Assert.Equal("1", first.Headers.GetValues("RateLimit-Remaining").Single());
        Assert.Equal(HttpStatusCode.OK, second.Status);
        Assert.Equal("429_RATE_LIMITED", third.Code);
        Assert.True(third.Json.Flag("retryable"));
        Assert.Equal("0", third.Headers.GetValues("RateLimit-Remaining").Single());
        Assert.InRange(third.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync("""{"intent":"dataset.create","subject":"urn:dataset:dev/orders","payload":{"title":"Orders"}}""")).Status);
    }

    [Fact]
    public async Task TenantPolicy_TightensAndNeverLoosens()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        static string Policy(string payload) => $$"""{"intent":"tenant.policy.set","subject":"urn:tenant:dev","payload":{{payload}}}""";

        Assert.Equal("403_POLICY_DENIED", (await gateway.PostAsync(Policy("""{"allow_privileged":true}"""))).Code);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Policy("""{"images":["ghcr.io/vv/*"],"allowed_intents":["minicontainer.*","tenant.policy.set"]}"""))).Status);

        var image = await gateway.PostAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:dev/web","payload":{"manifest":{{{TestGateway.Text(gateway.Manifest())}}}}}""");
        Assert.Equal("403_POLICY_DENIED", image.Code);
        Assert.Equal("images", image.Json.GetProperty("details").Text("rule"));
        var intent = await gateway.PostAsync(Person);
        Assert.Equal("allowed_intents", intent.Json.GetProperty("details").Text("rule"));

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Policy("{}"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Person)).Status);
    }

    [Fact]
    public async Task UnsignedForbidden_SignedSpanPasses_PolicyCanStillBeChanged()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        await gateway.PostAsync("""{"intent":"tenant.policy.set","subject":"urn:tenant:dev","payload":{"allow_unsigned":false}}""");

        Assert.Equal("403_POLICY_DENIED", (await gateway.PostAsync(Person)).Code);
        var signed = gateway.Sign("dataset.create", "contract", "urn:dataset:dev/orders", """{"kind":"dataset/create.v1","title":"Orders"}""");
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(signed.Utf8.ToArray())).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync("""{"intent":"tenant.policy.set","subject":"urn:tenant:dev","payload":{}}""")).Status);
    }

    [Theory]
    [InlineData("docker.io/library/nginx:*", "nginx", true)]
    [InlineData("docker.io/library/nginx:*", "nginx:1.27", true)]
    [InlineData("nginx", "docker.io/library/nginx@sha256:00", true)]
    [InlineData("nginx:1.27", "nginx:1.28", false)]
    [InlineData("nginx:1.27", "nginx@sha256:00", false)]
    [InlineData("ghcr.io/vv/*", "ghcr.io/vv/app:1.0.0", true)]
    [InlineData("ghcr.io/vv/*", "ghcr.io/vvv/app:1.0.0", false)]
    [InlineData("ghcr.io/vv/*", "evil.io/ghcr.io/vv/app", false)]
    [InlineData("localhost:5000/app", "localhost:5000/app:latest", true)]
    [InlineData("app/*", "docker.io/app/web", true)]
    [InlineData("docker.io/*", "nginx", true)]
    [InlineData("nginx", "docker.io/nginx", true)]
    [InlineData("docker.io/vv/*", "localhost/vv/app", false)]
    [InlineData("*", "sha256:0123456789ab", false)]
    public void ImagePattern_MatchesCompletedReferences(string pattern, string image, bool matches) => Assert.Equal(matches, ImagePattern.Parse(pattern).Matches(image));
}
