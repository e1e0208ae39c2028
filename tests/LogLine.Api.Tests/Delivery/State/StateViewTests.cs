using System.Net;
using System.Text.Json;
using LogLine.Api.Delivery.State;
using LogLine.Api.Gate;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery.State;

/// <summary><c>GET /v1/state/view</c>: what the spans of a subject add up to.</summary>
public sealed class StateViewTests
{
    private const string Joana = "urn:registry:person/joana";

    [Fact]
    public async Task CreatesNeverConflict_TheLatestValueOfEveryFieldHolds()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person());
        await SayAsync(gateway, "registry.person.update", Joana, new { email = "new@example.com", phone = "+351912345678" });
        await SayAsync(gateway, "registry.person.create", Joana, new { name = "Joana Silva", email = "j@example.com", country = "BR", consent = true });

        var state = await StateAsync(gateway, Joana);

        Assert.Equal("""{"consent":true,"country":"BR","email":"j@example.com","name":"Joana Silva","phone":"+351912345678"}""", state.Member("fields").GetRawText());
        Assert.Equal(("present", 3L, true, 3L), (state.Text("status"), state.Integer("spans"), state.Flag("complete"), state.Integer("as_of")));
        Assert.Equal((1L, 3L), (state.Member("created").Integer("seq"), state.Member("updated").Integer("seq")));
        Assert.Equal(2, state.Member("intents").Member("registry.person.create").Integer("count"));
    }

    [Fact]
    public async Task WhatIsDeleted_IsForgotten_AndBeginsAnewWhenItIsCreatedAgain()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person());
        await SayAsync(gateway, "registry.person.delete", Joana, new { reason = "asked for it" });

        var gone = await StateAsync(gateway, Joana);
        await SayAsync(gateway, "registry.person.update", Joana, new { name = "Another Joana" });
        var back = await StateAsync(gateway, Joana);

        Assert.Equal(("deleted", "{}", 2L), (gone.Text("status"), gone.Member("fields").GetRawText(), gone.Member("deleted").Integer("seq")));
        Assert.Equal(("present", """{"name":"Another Joana"}""", 3L), (back.Text("status"), back.Member("fields").GetRawText(), back.Member("created").Integer("seq")));
    }

    [Fact]
    public async Task Lists_HoldEachThingOnce_WithItsLastValue()
    {
        await using var gateway = await TestGateway.StartAsync();
        const string Org = "urn:registry:org/acme", Data = "urn:dataset:dev/orders";
        var hashes = new[] { "a", "b", "c" }.Select(text => ContentHash.Of(System.Text.Encoding.UTF8.GetBytes(text))).ToArray();
        await SayAsync(gateway, "registry.org.link", Org, new { person = Joana, role = "owner" });
        await SayAsync(gateway, "registry.org.link", Org, new { person = Joana, role = "owner" });
        await SayAsync(gateway, "registry.org.link", Org, new { person = Joana, role = "auditor" });
        await SayAsync(gateway, "dataset.create", Data, new { title = "Orders" });
        await SayAsync(gateway, "dataset.file.add", Data, new { path = "1.csv", hash = hashes[0], size_bytes = 1 });
        await SayAsync(gateway, "dataset.file.add", Data, new { path = "2.csv", hash = hashes[1], size_bytes = 2 });
        await SayAsync(gateway, "dataset.file.add", Data, new { path = "1.csv", hash = hashes[2], size_bytes = 3 });

        var links = (await StateAsync(gateway, Org)).Member("lists").Items("links").Select(link => link.Text("role"));
        var data = await StateAsync(gateway, Data);

        Assert.Equal(["owner", "auditor"], links);
        Assert.Equal([("2.csv", 2L), ("1.csv", 3L)], data.Member("lists").Items("files").Select(file => (file.Text("path"), file.Integer("size_bytes")!.Value)));
        Assert.Equal("Orders", data.Member("fields").Text("title"));
    }

    [Fact]
    public async Task Wallet_ShowsKeysAndGrants_AndWhatBecameOfThem()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var second = SigningKey.Generate();
        var usage = new[] { "sign" };
        await SayAsync(gateway, "wallet.key.register", "urn:wallet:dev",
            new { kid = "kid_two", pub = Convert.ToBase64String(second.PublicKey), usage, pop = Protocol.Spans.Possession.Sign(second, "dev", "kid_two", Convert.ToBase64String(second.PublicKey), usage) });
        await SayAsync(gateway, "wallet.key.revoke", "urn:wallet:dev", new { kid = "kid_two", reason = "lost" });

        var state = await StateAsync(gateway, "urn:wallet:dev");

        var keys = state.Member("lists").Items("keys").ToList();
        Assert.Equal([(TestGateway.Kid, "active"), ("kid_two", "revoked")], keys.Select(key => (key.Text("kid"), key.Text("status"))));
        Assert.Equal([gateway.Key.PublicKeyHex, second.PublicKeyHex], keys.Select(key => key.Text("pub")));
        Assert.DoesNotContain("pop", state.Member("lists").GetRawText());
    }

    [Fact]
    public async Task Tenant_ShowsItsPolicyQuotasAndTokens()
    {
        await using var gateway = await TestGateway.StartAsync();
        await SayAsync(gateway, "quota.set", "urn:tenant:dev", new { intent_pattern = "deploy.*", rate_per_minute = 60 });
        await SayAsync(gateway, "quota.set", "urn:tenant:dev", new { intent_pattern = "deploy.*", rate_per_minute = 90 });
        await SayAsync(gateway, "tenant.policy.set", "urn:tenant:dev", new { images = new[] { "localhost/*" } });
        var token = (await gateway.PostAsync("""{"scopes":["read"]}""", path: "/v1/tokens")).Json;

        var state = await StateAsync(gateway, "urn:tenant:dev");

        Assert.Equal([90L], state.Member("lists").Items("quotas").Select(quota => quota.Integer("rate_per_minute")!.Value));
        Assert.Equal("""{"images":["localhost/*"]}""", state.Member("values").Member("policy").GetRawText());
        Assert.Equal(token.Text("token_id"), Assert.Single(state.Member("lists").Items("tokens")).Text("token_id"));
        Assert.DoesNotContain(token.Text("api_key")!, state.GetRawText());
    }

    [Fact]
    public async Task MiniContainer_ShowsItsManifest_AndWhatServesWhere()
    {
        var target = new FakeAdapter();
        await using var gateway = await (await TestGateway.StartAsync([target])).RegisterKeyAsync();
        var first = await gateway.ApplyAsync("web", 1);
        var run = await gateway.RunAsync("web", first);
        var second = await gateway.ApplyAsync("web", 2);

        var state = await StateAsync(gateway, "urn:minicontainer:dev/web");

        Assert.Equal(second, state.Member("fields").Text("ref"));
        Assert.Equal(("localhost/logline-test:1", """["VERSION"]"""), (state.Member("manifest").Text("image"), state.Member("manifest").Member("env").GetRawText()));
        var deployment = Assert.Single(state.Items("deployments"));
        Assert.Equal((run, first, "running"), (deployment.Text("run_id"), deployment.Text("ref"), deployment.Text("state")));
        Assert.Equal("fake", deployment.Member("target").Text("provider"));

        var next = await gateway.RunAsync("web", second);
        await gateway.RunInAsync(run, "exited", "cancelled", "failed");
        deployment = Assert.Single((await StateAsync(gateway, "urn:minicontainer:dev/web")).Items("deployments"));
        Assert.Equal((next, second, "running"), (deployment.Text("run_id"), deployment.Text("ref"), deployment.Text("state")));
        var container = await StateAsync(gateway, "urn:container:dev/web");
        Assert.Equal(next, Assert.Single(container.Items("serving")).Text("run_id"));

        target.Exit(next, 3);
        await gateway.RunInAsync(next, "exited");
        deployment = Assert.Single((await StateAsync(gateway, "urn:minicontainer:dev/web")).Items("deployments"));
        Assert.Equal(("exited", 3L), (deployment.Text("state"), deployment.Integer("exit_code")!.Value));
    }

    /// <summary>What a signal does is the container's own affair, but for SIGKILL.</summary>
    [Theory]
    [InlineData(",\"signal\":\"SIGHUP\"", "running"), InlineData(",\"signal\":\"TERM\"", "running")]
    [InlineData(",\"signal\":\"SIGKILL\"", "stopped"), InlineData(",\"signal\":\"KILL\"", "stopped"), InlineData("", "stopped")]
    public async Task Container_IsStoppedByTheSignalThatEndsIt(string signal, string status)
    {
        static Task<PrimitiveResult> Done(PrimitiveCall call, CancellationToken cancel) => Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root));
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.restart"] = Done, ["container.kill"] = Done } }])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));
        foreach (var (intent, members) in new[] { ("container.restart", ""), ("container.kill", signal) })
        {
            var run = (await gateway.PostAsync($$$"""{"intent":"{{{intent}}}","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web"{{{members}}}}}""")).RunId();
            await gateway.RunInAsync(run, "exited");
        }

        var state = await StateAsync(gateway, "urn:container:dev/web");

        Assert.Equal((status, "fake"), (state.Member("fields").Text("status"), state.Member("fields").Member("target").Text("provider")));
    }

    [Fact]
    public async Task OfAnotherTenant_OrOfNothing_ThereIsNoState()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person());
        var other = await gateway.AddTokenAsync("other", "*");

        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/v1/state/view?subject=" + Joana, request => request.UseToken(other))).Code);
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/v1/state/view?subject=urn:registry:person/nobody")).Code);
        Assert.Equal(HttpStatusCode.Forbidden, (await gateway.GetAsync("/v1/state/view?subject=" + Joana, request => request.UseToken(gateway.AddTokenAsync("dev", "deploy.*").Result))).Status);

        await gateway.PostAsync(GatewayActs.Person(), request => request.UseToken(other));
        Assert.Equal(1, (await StateAsync(gateway, Joana)).Integer("spans"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?subject=")]
    [InlineData("?subject=joana")]
    public async Task WithoutASubject_ItIsInvalid(string query)
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal(("/subject", "query"), (await gateway.GetAsync("/v1/state/view" + query)).Error());
    }

    [Fact]
    public async Task MoreSpansThanOneRequestFolds_AreFoldedOnByTheNext_AndAnotherProcessFindsTheSame()
    {
        const string Data = "urn:dataset:dev/many";
        const int Files = StateViews.SpansAtOnce + 250;
        var hash = ContentHash.Of("x"u8);
        await using var gateway = await TestGateway.StartAsync();
        for (var from = 0; from < Files; from += 50)
        {
            var files = Enumerable.Range(from, 50).Select(i => new { intent = "dataset.file.add", subject = Data, payload = new { path = $"{i % 1500}.csv", hash, size_bytes = i } });
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(TestGateway.Json(files))).Status);
        }

        var first = await StateAsync(gateway, Data);
        var second = await StateAsync(gateway, Data);
        await gateway.StopAsync();
        await using var again = await TestGateway.StartAsync(folder: gateway.Folder, apiKey: gateway.ApiKey);
        await StateAsync(again, Data);
        var other = await StateAsync(again, Data);

        Assert.Equal((false, (long)StateViews.SpansAtOnce, (long)StateViews.SpansAtOnce), (first.Flag("complete"), first.Integer("spans"), first.Integer("as_of")));
        Assert.Equal((true, (long)Files, (long)Files), (second.Flag("complete"), second.Integer("spans"), second.Integer("as_of")));
        Assert.Equal(1000, second.Member("lists").Member("files").GetArrayLength());
        Assert.Equal(Files - 1, second.Member("lists").Items("files").Last().Integer("size_bytes"));
        Assert.Equal("""["files"]""", second.Member("truncated").GetRawText());
        Assert.Equal(second.GetRawText(), other.GetRawText());
    }

    [Fact]
    public void RuleThatMakesNoSense_IsRefusedWithTheReason()
    {
        foreach (var (rule, reason) in new[] { ("""{"fold":"merge"}""", "fields, value, item"), ("""{"fold":"item","list":"keys"}""", "list and key"), ("""{"fold":"value"}""", "name"), ("""{"fold":"fields","when":"x"}""", "'when'") })
        {
            using var json = JsonDocument.Parse(rule);
            Assert.Contains(reason, Assert.Throws<CatalogueException>(() => StateRule.Read(json.RootElement)).Message);
        }
    }

    internal static async Task SayAsync(TestGateway gateway, string intent, string subject, object payload)
    {
        var answer = await gateway.PostAsync(TestGateway.Json(new { intent, subject, payload }));
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
    }

    internal static async Task<JsonElement> StateAsync(TestGateway gateway, string subject)
    {
        var answer = await gateway.GetAsync("/v1/state/view?subject=" + Uri.EscapeDataString(subject));
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json;
    }
}

/// <summary>The same on PostgreSQL, where another gateway may have written what is folded.</summary>
public sealed class SharedStateViewTests(PostgresCluster cluster)
{
    [Fact]
    public async Task WhatOneGatewayWrote_IsInTheStateThatTheOtherShows()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (one, other) = (await shared.StartAsync(), await shared.StartAsync());
        for (var i = 1; i <= 3; i++)
        {
            await StateViewTests.SayAsync(i % 2 == 0 ? other : one, "registry.person.update", "urn:registry:person/joana", new { name = "Joana " + i });
            foreach (var gateway in new[] { one, other })
            {
                var state = await StateViewTests.StateAsync(gateway, "urn:registry:person/joana");
                Assert.Equal(($"Joana {i}", (long)i), (state.Member("fields").Text("name"), state.Integer("as_of")!.Value));
            }
        }
    }
}
