using System.Net;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Submissions;

public sealed class ArrayTests
{
    private const string Missing = """{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{}}""";
    private const string Reserved = """{"intent":"run_state.running","subject":"urn:registry:person/x","payload":{}}""";

    [Fact]
    public async Task EveryItemOk_Is200_InOrder_InOneBatch()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(Array([.. Enumerable.Range(0, 100).Select(i => GatewayActs.Person("p" + i))]));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var acks = answer.Json.EnumerateArray().ToList();
        Assert.Equal(Enumerable.Range(0, 100), acks.Select(ack => ack.GetProperty("receipt").GetProperty("log_index").GetInt32()));
        Assert.All(acks, ack => Assert.Equal(100, ack.GetProperty("receipt").GetProperty("merkle").GetProperty("tree_size").GetInt64()));
        Assert.All(acks, ack => AssertReceipt(gateway, ack));
    }

    [Fact]
    public async Task MixedItems_Are207_EachWithItsOwnStatus()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(Array(GatewayActs.Person("a"), Missing, "7", Reserved, GatewayActs.Person("b")));

        Assert.Equal(HttpStatusCode.MultiStatus, answer.Status);
        Assert.Equal(["ok", "need_more", "invalid", "error", "ok"], Statuses(answer));
        Assert.Equal("403_FORBIDDEN", answer.Json[3].GetProperty("problem").Text("code"));
        // What was refused is recorded on its own, before or after; what passed is one batch, side by side.
        var first = answer.Json[0].GetProperty("receipt").GetProperty("log_index").GetInt64();
        Assert.Equal(first + 1, answer.Json[4].GetProperty("receipt").GetProperty("log_index").GetInt64());
    }

    [Fact]
    public async Task NoItemOk_Is207_AndBindsNothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        void Headers(HttpRequestMessage request)
        {
            request.Set("Idempotency-Key", "k");
            request.Set("X-Nonce", "the-nonce-of-an-array");
        }

        Assert.Equal(HttpStatusCode.MultiStatus, (await gateway.PostAsync(Array(Missing, Reserved), Headers)).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Array(GatewayActs.Person()), Headers)).Status);
    }

    [Fact]
    public async Task ArrayUnderItsKey_IsReplayedAsAWhole()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var body = Array(GatewayActs.Person("a"), Missing, GatewayActs.Person("b"));
        void Key(HttpRequestMessage request) => request.Set("Idempotency-Key", "k");

        var first = await gateway.PostAsync(body, Key);
        time.Advance(TimeSpan.FromMinutes(10));
        var second = await gateway.PostAsync(body, Key);

        Assert.Equal(HttpStatusCode.MultiStatus, second.Status);
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(first.Body.Replace("\"replayed\":false", "\"replayed\":true"), second.Body);
        Assert.Equal("409_IDEMPOTENCY_CONFLICT", (await gateway.PostAsync(Array(GatewayActs.Person("a")), Key)).Code);
    }

    [Fact]
    public async Task ArrayOfKnownSpans_IsReplayedItemByItem()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (one, two, three) = (GatewayActs.Person("a", GatewayActs.NewThis()), GatewayActs.Person("b", GatewayActs.NewThis()), GatewayActs.Person("c", GatewayActs.NewThis()));
        await gateway.PostAsync(one);
        await gateway.PostAsync(two);

        var all = await gateway.PostAsync(Array(one, two));
        var some = await gateway.PostAsync(Array(two, three, one));

        Assert.Equal(HttpStatusCode.OK, all.Status);
        Assert.True(all.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal([true, false, true], some.Json.EnumerateArray().Select(ack => ack.GetProperty("replayed").GetBoolean()));
        Assert.False(some.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal(3, gateway.Ledger.Size);
    }

    [Fact]
    public async Task SpanTwiceInOneArray_IsCommittedOnce_AndReplayed()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (name, span) = (GatewayActs.NewThis(), "");
        span = GatewayActs.Person("a", name);
        var body = Array(GatewayActs.Person("b"), span, span, GatewayActs.Person("other", name));
        void Key(HttpRequestMessage request) => request.Set("Idempotency-Key", "k");

        var answer = await gateway.PostAsync(body, Key);

        Assert.Equal(["ok", "ok", "ok", "error"], Statuses(answer));
        Assert.Equal("409_IDEMPOTENCY_CONFLICT", answer.Json[3].GetProperty("problem").Text("code"));
        Assert.False(answer.Json[1].GetProperty("replayed").GetBoolean());
        Assert.True(answer.Json[2].GetProperty("replayed").GetBoolean());
        Assert.Equal(answer.Json[1].GetRawText().Replace("\"replayed\":false", "\"replayed\":true"), answer.Json[2].GetRawText());
        Assert.Equal(answer.Body.Replace("\"replayed\":false", "\"replayed\":true"), (await gateway.PostAsync(body, Key)).Body);
    }

    [Fact]
    public async Task OneArray_RegistersAKey_AppliesAManifest_Proves_AndDeploys()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);
        using var key = SigningKey.Generate();
        var manifest = gateway.Manifest(key: key);
        var reference = LogLine.Protocol.MiniContainers.MiniContainerRef.Of("dev", "web", manifest.Root).ToString();
        var now = gateway.Time.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ref = reference, Ts = now, Exp = now.AddMinutes(5) }.Sign(TestGateway.Kid, key);
        var person = gateway.Sign("registry.person.create", "contract", "urn:registry:person/j", """{"kind":"registry/person.v1","name":"J","email":"j@example.com","country":"PT","consent":true}""", key);

        var answer = await gateway.PostAsync(
            Array(
                TestGateway.KeyRegistration(TestGateway.Kid, key, "sign"),
                Gate.BadInputTests.Text(person),
                Gate.BadInputTests.Apply("web", TestGateway.Text(manifest)),
                $$$"""{"intent":"wallet.proof.submit","subject":"urn:minicontainer:dev/web","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""",
                TestGateway.Deploy(reference),
                TestGateway.Deploy(reference, service: "second")),
            request => request.Set("Prefer", "wait=30"));

        Assert.Equal(["ok", "ok", "ok", "ok", "ok", "error"], Statuses(answer));
        Assert.Equal(reference, answer.Json[2].GetProperty("result").Text("ref"));
        Assert.Equal("running", answer.Json[4].GetProperty("run").Text("state"));
        Assert.Equal("428_PROOF_REQUIRED", answer.Json[5].GetProperty("problem").Text("code"));
    }

    [Fact]
    public async Task KeyRevokedInAnArray_SignsNothingAfterIt()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var span = Gate.BadInputTests.Text(Gate.BadInputTests.SignedPerson(gateway));
        var later = Gate.BadInputTests.Text(Gate.BadInputTests.SignedPerson(gateway));

        var answer = await gateway.PostAsync(Array(span, Gate.BadInputTests.Revoke(), later));

        Assert.Equal(["ok", "ok", "error"], Statuses(answer));
        Assert.Equal("revoked_kid", answer.Json[2].GetProperty("problem").GetProperty("details").Text("reason"));
    }

    [Theory]
    [InlineData(0, "minItems")]
    [InlineData(101, "maxItems")]
    public async Task ArrayOfZeroOr101_IsInvalid_AsAWhole(int count, string keyword)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync(Array([.. Enumerable.Range(0, count).Select(i => GatewayActs.Person("p" + i))])));

        Assert.Equal(("", keyword), answer.Error());
    }

    [Theory]
    [InlineData("X-Nonce", null, "400_FRESHNESS_REQUIRED")]
    [InlineData("X-Timestamp", "2020-01-01T00:00:00Z", "422_TIMESTAMP_OUT_OF_RANGE")]
    [InlineData("X-Payload-Hash", "blake3-256=0000000000000000000000000000000000000000000000000000000000000000", "422_PAYLOAD_HASH_MISMATCH")]
    public async Task FaultOfTheRequest_IsTheAnswerOfTheWhole(string header, string? value, string code)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync(code, () => gateway.PostAsync(Array(GatewayActs.Person("a"), GatewayActs.Person("b")), request => request.Set(header, value)));

        Assert.Equal(JsonValueKind.Object, answer.Json.ValueKind);
    }

    [Fact]
    public async Task FloatInOneItem_RefusesTheWhole()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync(Array(GatewayActs.Person("a"), GatewayActs.Person("b").Replace("true", "0.5"))));

        Assert.Equal(("/1/payload/consent", "canonical"), answer.Error());
    }

    [Fact]
    public async Task ScopeIsJudgedPerItem()
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("dev", "registry.*");

        var answer = await gateway.PostAsync(Array(GatewayActs.Person(), """{"intent":"deploy.apply","subject":"urn:minicontainer:dev/web","payload":{}}"""), request => request.UseToken(token));

        Assert.Equal(["ok", "error"], Statuses(answer));
    }

    private static string Array(params string[] items) => "[" + string.Join(',', items) + "]";

    private static IEnumerable<string?> Statuses(Answer answer) => answer.Json.EnumerateArray().Select(item => item.Text("status"));

    private static void AssertReceipt(TestGateway gateway, JsonElement ack)
    {
        Assert.Null(Receipt.TryRead(ack, out var receipt));
        Assert.Null(receipt.Verify(Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey), origin: gateway.Ledger.Origin));
    }
}
