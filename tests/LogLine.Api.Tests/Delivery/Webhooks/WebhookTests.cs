using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>Webhooks from their making to their end: what is delivered, to whom, signed by what (contract, section 8).</summary>
public sealed class WebhookTests
{
    [Fact]
    public async Task Event_IsDelivered_SignedBothWays()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var gateway = await TestGateway.StartAsync(settings: WebhookActs.Settings());
        var made = await gateway.PostAsync(TestGateway.Json(new { url = receiver.Url, events = new[] { "registry.*" }, description = "Tests" }), path: "/v1/webhooks");
        var secret = made.Json.Text("secret")!;

        var ack = await gateway.PostAsync(GatewayActs.Person());
        var received = Assert.Single(await receiver.ReceiveAsync(1));

        Assert.Equal(HttpStatusCode.Created, made.Status);
        Assert.Matches("^wh_[0-9a-f]{16}$", made.Json.Text("id"));
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.Equal("registry.person.create", received.Event);
        Assert.Equal($"msg_{made.Json.Text("id")![3..]}_2", received.Id);
        Assert.Equal(["event", "span", "delivered_at"], System.Text.Json.JsonDocument.Parse(received.Body).RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(ack.Json.Text("this"), received.Json().GetProperty("span").Text("this"));
        Assert.True(received.Verifies(secret));
        Assert.False(received.Verifies("whsec_" + Convert.ToBase64String(new byte[32])));
        var key = (await gateway.GetAsync("/v1/keys")).Json.Items("keys").Single(key => key.Text("use") == "webhook");
        Assert.True(WebhookSignature.VerifyWithKey(Convert.FromHexString(key.Text("public_key")!), received.Id, received.Timestamp, received.Signature, received.Body, DateTimeOffset.UtcNow));
        Assert.True(WebhookSignature.TryReadPublicKey(made.Json.Text("public_key"), out var publicKey));
        Assert.Equal(key.Text("public_key"), Convert.ToHexStringLower(publicKey));
    }

    [Fact]
    public async Task Secret_IsShownOnce_AndIsNowhereElse()
    {
        await using var gateway = await TestGateway.StartAsync(settings: WebhookActs.Settings());
        void Key(HttpRequestMessage request) => request.Headers.Add("Idempotency-Key", "make-webhook");
        var body = TestGateway.Json(new { url = "http://127.0.0.1:9/", events = new[] { "*" } });

        var first = await gateway.PostAsync(body, Key, "/v1/webhooks");
        var again = await gateway.PostAsync(body, Key, "/v1/webhooks");

        var secret = first.Json.Text("secret")!;
        Assert.Equal((first.Json.Text("id"), (string?)null, true), (again.Json.Text("id"), again.Json.Text("secret"), again.Json.Flag("replayed")));
        Assert.DoesNotContain(secret, (await gateway.GetAsync("/v1/webhooks")).Body);
        Assert.DoesNotContain(secret, (await gateway.PostAsync("{}", path: "/v1/spans/query")).Body);
        await gateway.Ledger.Store.WebhooksAsync("dev");
        Assert.True(WebhookSignature.TryReadSecret(secret, out var bytes));
        foreach (var file in Directory.GetFiles(gateway.Folder, "ledger.db*"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var content = new byte[stream.Length];
            await stream.ReadExactlyAsync(content, TestContext.Current.CancellationToken);
            Assert.True(content.AsSpan().IndexOf(bytes) < 0 && content.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(secret["whsec_".Length..])) < 0, $"{file} holds the secret");
        }
    }

    [Fact]
    public async Task OnlyTheTenantsOwnEvents_ThatItAskedFor_BehindItsMaking()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var gateway = await TestGateway.StartAsync(settings: WebhookActs.Settings());
        var other = await gateway.AddTokenAsync("other", "*");
        await gateway.PostAsync(GatewayActs.Person("before"));
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.person.*", "wallet.key.register");

        await gateway.PostAsync(GatewayActs.Person("theirs"), request => request.UseToken(other));
        await gateway.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"x.y","rate_per_minute":1}}""");
        await gateway.RegisterKeyAsync();
        await gateway.PostAsync(GatewayActs.Person("mine"));

        Assert.Equal(["registry.person.create", "wallet.key.register"], (await receiver.ReceiveAsync(2)).Select(received => received.Event).Order()); // of two subjects either may come first
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync($"/v1/webhooks/{id}", request => request.UseToken(other))).Code);
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync($"/v1/webhooks/{id}/deliveries", request => request.UseToken(other))).Code);
        Assert.Empty((await gateway.GetAsync("/v1/webhooks", request => request.UseToken(other))).Json.Items("items"));
        Assert.Equal("404_NOT_FOUND", (await gateway.PostAsync("", request =>
        {
            request.Method = HttpMethod.Delete;
            request.UseToken(other);
        }, $"/v1/webhooks/{id}")).Code);
    }

    [Fact]
    public async Task DeletedWebhook_GetsNothingMore_AndIsGone()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var witness = await Receiver.StartAsync();
        await using var gateway = await TestGateway.StartAsync(settings: WebhookActs.Settings());
        var (id, _) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");
        await gateway.CreateWebhookAsync(witness.Url, "registry.*");
        await gateway.PostAsync(GatewayActs.Person("a"));
        await receiver.ReceiveAsync(1);

        Assert.Equal(HttpStatusCode.NoContent, (await gateway.DeleteAsync("/v1/webhooks/" + id)).Status);
        await gateway.PostAsync(GatewayActs.Person("b"));
        await witness.ReceiveAsync(2);

        Assert.Single(receiver.Received);
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/v1/webhooks/" + id)).Code);
        Assert.Equal("404_NOT_FOUND", (await gateway.DeleteAsync("/v1/webhooks/" + id)).Code);
        Assert.Equal(["webhook.create", "webhook.create", "webhook.delete"],
            (await gateway.PostAsync("""{"intent":"webhook.*"}""", path: "/v1/spans/query")).Json.Items("items").Select(span => span.Text("intent")!));
    }

    [Fact]
    public async Task RotatedSecret_SignsBesideTheOldOne_ForAWhile()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var gateway = await TestGateway.StartAsync(settings: WebhookActs.Settings());
        var (id, old) = await gateway.CreateWebhookAsync(receiver.Url, "registry.*");

        var rotated = await gateway.PostAsync("""{"overlap_seconds":3600}""", path: $"/v1/webhooks/{id}/rotate");
        await gateway.PostAsync(GatewayActs.Person("a"));
        // What the courier of before still delivers with what it knew is delivered again by the one that follows.
        async Task<Received> SignedByAsync(Answer by) => (await receiver.ReceiveUntilAsync(all => all.Any(one => one.Verifies(by.Json.Text("secret")!)))).Last();
        var during = await SignedByAsync(rotated);
        var twice = await gateway.PostAsync("""{"overlap_seconds":0}""", path: $"/v1/webhooks/{id}/rotate");
        await gateway.PostAsync(GatewayActs.Person("b"));
        var after = await SignedByAsync(twice);

        Assert.Equal(HttpStatusCode.OK, rotated.Status);
        Assert.NotNull(rotated.Json.Text("overlap_until"));
        Assert.NotEqual(old, rotated.Json.Text("secret"));
        Assert.True(during.Verifies(old) && during.Verifies(rotated.Json.Text("secret")!));
        Assert.False(after.Verifies(old) || after.Verifies(rotated.Json.Text("secret")!));
        Assert.True(after.Verifies(twice.Json.Text("secret")!));
    }

    [Theory]
    [InlineData("""{"events":["*"]}""", "422_TDLN_INVALID")]
    [InlineData("""{"url":"https://example.com/"}""", "422_TDLN_INVALID")]
    [InlineData("""{"url":"https://example.com/","events":[]}""", "422_SCHEMA_INVALID")]
    [InlineData("""{"url":"https://example.com/","events":["Deploy"]}""", "422_SCHEMA_INVALID")]
    [InlineData("""{"url":"https://example.com/","events":["deploy*"]}""", "422_SCHEMA_INVALID")]
    [InlineData("""{"url":"https://example.com/","events":["*"],"secret":"whsec_x"}""", "422_SCHEMA_INVALID")]
    [InlineData("""{"url":"example.com/hooks","events":["*"]}""", "422_SCHEMA_INVALID")]
    [InlineData("""{"url":"https://u:p@example.com/","events":["*"]}""", "422_SCHEMA_INVALID")]
    [InlineData("""{"url":"http://example.com/","events":["*"]}""", "403_POLICY_DENIED")]
    [InlineData("""{"url":"https://127.0.0.1/","events":["*"]}""", "403_POLICY_DENIED")]
    [InlineData("""{"url":"https://0x7f000001/","events":["*"]}""", "403_POLICY_DENIED")]
    [InlineData("""{"url":"https://[::ffff:10.0.0.1]/","events":["*"]}""", "403_POLICY_DENIED")]
    [InlineData("""{"url":"https://localhost/","events":["*"]}""", "403_POLICY_DENIED")]
    public async Task WebhookThatMustNotBe_IsRefused(string body, string code)
    {
        await using var gateway = await TestGateway.StartAsync();

        await gateway.AssertRefusedAsync(code, () => gateway.PostAsync(body, path: "/v1/webhooks"));
        Assert.Empty((await gateway.GetAsync("/v1/webhooks")).Json.Items("items"));
    }

    [Theory]
    [InlineData("webhook.create", "read", true)]
    [InlineData("webhook.*", "read", true)]
    [InlineData("webhook.*", "registry.*", false)]
    [InlineData("webhook.delete", "read", false)]
    public async Task Making_NeedsTheIntentAndReading(string one, string two, bool isAllowed)
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("dev", one, two);

        var answer = await gateway.PostAsync("""{"url":"https://example.com/","events":["*"]}""", request => request.UseToken(token), "/v1/webhooks");

        Assert.Equal(isAllowed ? HttpStatusCode.Created : HttpStatusCode.Forbidden, answer.Status);
    }

    [Fact]
    public async Task WebhookSentAsASpan_IsReserved()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync(
            """{"intent":"webhook.create","subject":"urn:webhook:dev/wh_0123456789abcdef","payload":{"webhook_id":"wh_0123456789abcdef","url":"https://example.com/","events":["*"]}}""")).Code);
        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync(
            """{"intent":"webhook.disabled","subject":"urn:webhook:dev/wh_0123456789abcdef","payload":{"webhook_id":"wh_0123456789abcdef","reason":"gone","failing_since":"2026-01-01T00:00:00Z"}}""")).Code);
    }

    [Fact]
    public async Task MoreThanATenantMayHave_IsDenied()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Webhooks:MaxPerTenant"] = "1" });
        await gateway.CreateWebhookAsync(new Uri("https://example.com/"), "*");

        Assert.Equal("403_POLICY_DENIED", (await gateway.PostAsync("""{"url":"https://example.com/","events":["*"]}""", path: "/v1/webhooks")).Code);
    }
}
