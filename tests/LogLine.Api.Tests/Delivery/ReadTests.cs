using System.Net;
using LogLine.Api.Delivery.Reading;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Delivery;

/// <summary>Spans, receipts, runs, keys, health and help pages (contract, section 8).</summary>
public sealed class ReadTests
{
    [Fact]
    public async Task Query_PagesThroughEverything_Once_InOrder()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 25).Select(i => GatewayActs.Person("p" + i))) + "]");

        var seen = new List<string>();
        long? after = null;
        do
        {
            var page = await QueryAsync(gateway, $$"""{"limit":10,"after":{{after?.ToString() ?? "null"}}}""");
            seen.AddRange(page.Json.Items("items").Select(span => span.Text("subject")!));
            after = page.Json.Integer("cursor");
        }
        while (after is not null);

        Assert.Equal(Enumerable.Range(0, 25).Select(i => "urn:registry:person/p" + i), seen);
    }

    [Fact]
    public async Task Query_OfLargeSpans_GivesThemPageByPage()
    {
        await using var gateway = await TestGateway.StartAsync();
        for (var i = 0; i < 6; i++)
        {
            var person = TestGateway.Json(new { intent = "registry.person.create", subject = "urn:registry:person/p" + i, input = new { x = new string('x', 1_000_000) }, payload = new { name = "J", email = "j@example.com", country = "PT", consent = true } });
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(person)).Status);
        }

        var first = await QueryAsync(gateway, """{"limit":1000}""");
        var rest = await QueryAsync(gateway, $$"""{"limit":1000,"after":{{first.Json.Integer("cursor")}}}""");

        Assert.InRange(first.Body.Length, 1_000_000, 6_000_000);
        Assert.Equal(Enumerable.Range(0, 6).Select(i => "urn:registry:person/p" + i), first.Json.Items("items").Concat(rest.Json.Items("items")).Select(span => span.Text("subject")));
        Assert.Null(rest.Json.Integer("cursor"));
        using var cursor = gateway.Services.GetRequiredService<SpanReader>().Open(new SpanSelection(new SpanFilter("dev")), 0, TestContext.Current.CancellationToken);
        Assert.Single(await cursor.ReadAsync(256, 256 << 10));
    }

    [Fact]
    public async Task Query_LooksAtSoMuch_AndGoesOnWithItsCursor_AndNotForNobody()
    {
        var store = StretchesOfNothing.Open(out var looks);
        using var gone = new CancellationTokenSource();

        var (items, cursor) = await SpanPages.CollectAsync(store, 1_000_000, new SpanQuery(new SpanFilter("dev", Intent: "none"), null, 0, 100), gone.Token);

        Assert.Empty(items);
        Assert.Equal((SpanPages.MaxStretches, SpanPages.MaxStretches * 20_000L), (looks.Count, cursor));
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await SpanPages.CollectAsync(store, 1_000_000, new SpanQuery(new SpanFilter("dev"), null, 0, 100), gone.Token));
        Assert.Equal(SpanPages.MaxStretches, looks.Count);
    }

    [Fact]
    public async Task Query_SinceATime_BeginsALittleBeforeIt()
    {
        var store = StretchesOfNothing.Open(out var looks);

        await SpanPages.CollectAsync(store, 1_000_000, new SpanQuery(new SpanFilter("dev"), StretchesOfNothing.At(900_000), 0, 100), TestContext.Current.CancellationToken);

        // One entry a second, and ten minutes of disorder.
        Assert.Equal(900_000 - 600, looks[0]);
    }

    /// <summary>A log of a million entries, one a second, none of which matches.</summary>
    public class StretchesOfNothing : System.Reflection.DispatchProxy
    {
        private List<long> _looks = [];

        public static DateTimeOffset At(long index) => DateTimeOffset.UnixEpoch.AddSeconds(index);

        internal static ILedgerStore Open(out List<long> looks)
        {
            var store = Create<ILedgerStore, StretchesOfNothing>();
            looks = ((StretchesOfNothing)(object)store)._looks;
            return store;
        }

        protected override object? Invoke(System.Reflection.MethodInfo? targetMethod, object?[]? args)
        {
            switch (targetMethod!.Name)
            {
                case nameof(ILedgerStore.ScanAsync):
                    _looks.Add((long)args![1]!);
                    return new ValueTask<(List<StoredSpan>, long)>(([], Math.Min(1_000_000, (long)args[1]! + 20_000)));
                case nameof(ILedgerStore.ReadEntryBytesAsync):
                    return new ValueTask<List<byte[]>>([System.Text.Encoding.UTF8.GetBytes($$"""{"received_at":"{{Timestamps.Write(At((long)args![0]!))}}"}""")]);
                default:
                    throw new NotSupportedException(targetMethod.Name);
            }
        }
    }

    [Fact]
    public async Task Query_FiltersBySubjectIntentAndTime()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        await gateway.PostAsync(GatewayActs.Person("a"));
        await gateway.RegisterKeyAsync();
        time.Advance(TimeSpan.FromHours(1));
        await gateway.PostAsync(GatewayActs.Person("a"));

        Assert.Equal(2, await CountAsync("""{"subject":"urn:registry:person/a"}"""));
        Assert.Equal(1, await CountAsync("""{"intent":"wallet.*"}"""));
        Assert.Equal(0, await CountAsync("""{"intent":"wallet"}"""));
        Assert.Equal(1, await CountAsync($$"""{"since":"{{Timestamps.Write(time.GetUtcNow())}}"}"""));
        Assert.Equal(1, await CountAsync("""{"subject":"urn:registry:person/a","after":1}"""));
        Assert.Equal(0, await CountAsync("""{"run_id":"run_none"}"""));

        async Task<int> CountAsync(string query)
        {
            var page = await QueryAsync(gateway, query);
            Assert.Equal(System.Text.Json.JsonValueKind.Null, page.Json.GetProperty("cursor").ValueKind);
            return page.Json.GetProperty("items").GetArrayLength();
        }
    }

    [Theory]
    [InlineData("""{"limit":0}""", "/limit")]
    [InlineData("""{"limit":1001}""", "/limit")]
    [InlineData("""{"limit":1.5}""", "/limit")]
    [InlineData("""{"limit":"10"}""", "/limit")]
    [InlineData("""{"after":-1}""", "/after")]
    [InlineData("""{"since":"yesterday"}""", "/since")]
    [InlineData("""{"subject":7}""", "/subject")]
    [InlineData("""{"tenant":"other"}""", "/tenant")]
    [InlineData("[]", "")]
    public async Task QueryThatMakesNoSense_IsInvalid(string query, string path)
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal((path, "query"), (await QueryAsync(gateway, query)).Error());
    }

    [Fact]
    public async Task WhatIsOfAnotherTenant_DoesNotExist()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var token = await gateway.AddTokenAsync("other", "*");
        var reference = await gateway.ApplyAsync("web");
        await gateway.ProveAsync("web");
        var ack = await gateway.PostAsync(TestGateway.Deploy(reference));
        var (span, run) = (ack.Json.Text("this"), ack.Json.GetProperty("run").Text("run_id"));

        foreach (var path in new[] { $"/v1/spans/{span}", $"/v1/spans/{span}/receipt", $"/v1/runs/{run}" })
        {
            Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync(path)).Status);
            Assert.Equal("404_NOT_FOUND", (await GetAsync(gateway, path, token)).Code);
        }
        Assert.Equal(0, (await GetAsync(gateway, "/v1/runs", token)).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(0, (await GetAsync(gateway, "/v1/wallet/keys", token)).Json.GetProperty("items").GetArrayLength());
        var theirs = await gateway.PostAsync("{}", request => request.UseToken(token), "/v1/spans/query");
        Assert.Equal(0, theirs.Json.GetProperty("items").GetArrayLength());
        var cancel = await gateway.PostAsync(
            TestGateway.Json(new { intent = "run.cancel", subject = "urn:minicontainer:other/web", payload = new { run_id = run } }), request => request.UseToken(token));
        Assert.Equal("404_NOT_FOUND", cancel.Code);
    }

    [Theory]
    [InlineData("/v1/spans/urn:span:00000000-0000-4000-8000-000000000000")]
    [InlineData("/v1/spans/x/receipt")]
    [InlineData("/v1/runs/run_none")]
    [InlineData("/v1/nothing")]
    [InlineData("/")]
    public async Task WhatDoesNotExist_IsAProblem(string path)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.GetAsync(path);

        Assert.Equal(("404_NOT_FOUND", "application/problem+json"), (answer.Code, answer.ContentType));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1001")]
    [InlineData("x")]
    public async Task LimitOfLists_IsChecked(string limit)
    {
        await using var gateway = await TestGateway.StartAsync();

        foreach (var list in new[] { "runs", "minicontainers", "artifacts" })
        {
            Assert.Equal(("/limit", "query"), (await gateway.GetAsync($"/v1/{list}?limit={limit}")).Error());
        }
    }

    [Fact]
    public async Task MiniContainers_AreListedForTheirTenantAlone_AndNoCursorBreaksTheList()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var applied = await gateway.ApplyAsync("web");
        var other = await gateway.AddTokenAsync("other", "*");

        Assert.Equal(applied, Assert.Single((await gateway.GetAsync("/v1/minicontainers")).Json.Items("items")).Text("ref"));
        Assert.Empty((await gateway.GetAsync("/v1/minicontainers", request => request.UseToken(other))).Json.Items("items"));
        foreach (var after in new[] { "%00", "a%0Ab", new string('a', 513) })
        {
            Assert.Equal(("/after", "query"), (await gateway.GetAsync("/v1/minicontainers?after=" + after)).Error());
        }
    }

    [Theory]
    [InlineData("/v1/whoami")]
    [InlineData("/v1/catalog")]
    [InlineData("/v1/runs")]
    [InlineData("/v1/runs/run_x")]
    [InlineData("/v1/spans/x")]
    [InlineData("/v1/spans/x/receipt")]
    [InlineData("/v1/wallet/keys")]
    [InlineData("/v1/stream")]
    [InlineData("/v1/tokens")]
    public async Task Reading_NeedsAToken(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Client.DefaultRequestHeaders.Authorization = null;

        Assert.Equal("401_UNAUTHENTICATED", (await gateway.GetAsync(path)).Code);
    }

    [Theory]
    [InlineData("/v1/keys")]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    [InlineData("/problems/428_PROOF_REQUIRED")]
    [InlineData("/tlog/checkpoint")]
    public async Task WhatEverybodyMaySee_NeedsNone(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync(GatewayActs.Person());
        gateway.Client.DefaultRequestHeaders.Authorization = null;

        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync(path)).Status);
    }

    [Fact]
    public async Task ReceiptAsText_IsATlogProof()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 7).Select(i => GatewayActs.Person("p" + i))) + "]");
        var ack = await gateway.PostAsync(GatewayActs.Person());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/spans/{ack.Json.Text("this")}/receipt");
        request.Headers.Accept.ParseAdd("text/plain");

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.True(TlogProof.TryParse(text, out var proof));
        Assert.Equal(7, proof.Index);
        Assert.True(SignedNote.TryVerify(proof.Checkpoint, gateway.Ledger.Origin, Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey), out var body, out _));
        Assert.True(Checkpoint.TryParse(body, out var checkpoint));
        Assert.True(MerkleProof.VerifyInclusion(proof.Index, checkpoint.Size, MerkleHash.Leaf(proof.Extra!), proof.Hashes, checkpoint.Root));
    }

    /// <summary>Text is for whoever prefers it; clients that name it beside JSON, as browsers' libraries do by default, get JSON.</summary>
    [Theory]
    [InlineData(null, "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("application/json, text/plain, */*", "application/json")]
    [InlineData("text/plain;q=0, */*", "application/json")]
    [InlineData("text/plain;q=0.5, application/json", "application/json")]
    [InlineData("nonsense", "application/json")]
    [InlineData("text/plain", "text/plain")]
    [InlineData("TEXT/Plain; charset=utf-8", "text/plain")]
    [InlineData("text/*", "text/plain")]
    [InlineData("text/plain, */*;q=0.1", "text/plain")]
    [InlineData("application/json;q=0.5, text/plain", "text/plain")]
    public async Task ReceiptsForm_IsTheOneThatIsPreferred(string? accept, string form)
    {
        await using var gateway = await TestGateway.StartAsync();
        var ack = await gateway.PostAsync(GatewayActs.Person());

        var receipt = await gateway.GetAsync($"/v1/spans/{ack.Json.Text("this")}/receipt", request => request.Set("Accept", accept));

        Assert.Equal((HttpStatusCode.OK, form), (receipt.Status, receipt.ContentType));
        Assert.Equal("Accept", Assert.Single(receipt.Headers.Vary));
    }

    [Theory]
    [InlineData("perhaps")]
    [InlineData("")]
    public async Task WitnessedThatIsNoTruthValue_IsRefused_AndNamed(string witnessed)
    {
        await using var gateway = await TestGateway.StartAsync();
        var ack = await gateway.PostAsync(GatewayActs.Person());

        var answer = await gateway.GetAsync($"/v1/spans/{ack.Json.Text("this")}/receipt?witnessed={witnessed}");

        Assert.Equal(("/witnessed", "query"), answer.Error());
    }

    [Fact]
    public async Task Keys_AreThoseThatSign()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync("{");
        var refused = (await gateway.SpansFromAsync(0, 1))[0];

        var keys = (await gateway.GetAsync("/v1/keys")).Json;

        Assert.Equal(gateway.Ledger.Origin, keys.Text("origin"));
        Assert.Equal(["log", "span", "webhook", "runner"], keys.Items("keys").Select(key => key.Text("use")!));
        Assert.Equal(4, keys.Items("keys").Select(key => key.Text("public_key")).Distinct().Count());
        var spanKey = keys.Items("keys").Single(key => key.Text("kid") == refused.Signature.Text("kid"));
        Assert.True(LogLine.Protocol.Crypto.DomainSignature.TryDecode(refused.Signature.Text("sig"), out var signature));
        var publicKey = Convert.FromHexString(spanKey.Text("public_key")!);
        Assert.True(LogLine.Protocol.Crypto.DomainSignature.Verify(publicKey, LogLine.Protocol.Crypto.SignatureKind.Span, refused.SignedBytes(), signature));
    }

    [Fact]
    public async Task Ready_WithoutEngines_Is200_AndSaysSo()
    {
        await using var none = await TestGateway.StartAsync();
        await using var down = await TestGateway.StartAsync([new FakeAdapter { IsDown = true }]);

        var (without, with) = (await none.GetAsync("/healthz/ready"), await down.GetAsync("/healthz/ready"));

        Assert.Equal((HttpStatusCode.OK, "degraded"), (without.Status, without.Json.Text("status")));
        Assert.Equal((HttpStatusCode.OK, "degraded"), (with.Status, with.Json.Text("status")));
        // Why, and where it was sought, is in the log: nobody needs a token to ask.
        Assert.Equal("""{"available":false}""", with.Json.GetProperty("engines").GetProperty("fake").GetRawText());
    }

    /// <summary>Nobody needs a token to ask, so asking costs an engine nothing; what is shown follows it by itself.</summary>
    [Fact]
    public async Task Ready_SaysWhatWasSeen_AndAsksNoEngine()
    {
        const int Requests = 200;
        var fake = new FakeAdapter { IsDown = true };
        await using var gateway = await TestGateway.StartAsync([fake]);
        var before = fake.Asked;
        for (var count = 0; count < Requests; count++)
        {
            Assert.Equal("degraded", (await gateway.GetAsync("/healthz/ready")).Json.Text("status"));
        }
        Assert.InRange(fake.Asked - before, 0, Requests / 4); // it looks every two seconds

        fake.IsDown = false;
        await Patience.UntilAsync("a gateway that is ready", async () => (await gateway.GetAsync("/healthz/ready")).Json.Text("status") == "ready");
    }

    [Fact]
    public async Task EveryCode_HasAHelpPage()
    {
        await using var gateway = await TestGateway.StartAsync();

        foreach (var code in Enum.GetValues<RefusalCode>())
        {
            var page = await gateway.GetAsync(RefusalAnswers.HelpPage(code));
            Assert.Equal(HttpStatusCode.OK, page.Status);
            Assert.StartsWith(code.Meaning().Wire, page.Body, StringComparison.Ordinal);
            Assert.Equal(code.Meaning().Wire[..3], code.Meaning().Status.ToString());
        }
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/problems/999_NOTHING")).Code);
    }

    [Fact]
    public async Task Problem_HasEveryMemberOfTheContract()
    {
        await using var gateway = await TestGateway.StartAsync();

        var problem = (await gateway.PostAsync("{")).Json;

        Assert.Equal(["type", "title", "status", "detail", "code", "trace_id", "retryable", "details"], problem.EnumerateObject().Select(member => member.Name));
        Assert.Equal("/problems/400_MALFORMED_JSON", problem.Text("type"));
        Assert.Equal(400, problem.Integer("status"));
    }

    private static Task<Answer> QueryAsync(TestGateway gateway, string query) => gateway.PostAsync(query, request =>
    {
        request.Set("X-Nonce", null); // a read needs none
        request.Set("X-Timestamp", null);
    }, "/v1/spans/query");

    private static async Task<Answer> GetAsync(TestGateway gateway, string path, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.UseToken(token);
        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }
}
