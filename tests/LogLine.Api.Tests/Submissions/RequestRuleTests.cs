using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Submissions;

/// <summary>Rows 1 to 3, 7, 9 and 10: what a request must be before anybody looks at its span.</summary>
public sealed class RequestRuleTests
{
    private const int Limit = 1 << 20;

    [Fact]
    public async Task BodyOfOneMebibyte_IsRead()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Padded(Limit))).Status);
    }

    [Fact]
    public async Task OneByteMore_IsTooLarge()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(Padded(Limit + 1));

        Assert.Equal(("413_TOO_LARGE", HttpStatusCode.RequestEntityTooLarge), (answer.Code, answer.Status));
        Assert.Equal(0, await NextIndexAsync(gateway));
    }

    [Theory]
    [InlineData(Limit, null)]
    [InlineData(Limit + 1, "413_TOO_LARGE")]
    [InlineData(3 * Limit, "413_TOO_LARGE")]
    public async Task ChunkedBody_WithoutContentLength_HasTheSameLimit(int length, string? code)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(Padded(length), request =>
        {
            request.Headers.TransferEncodingChunked = true;
            request.Content!.Headers.ContentLength = null;
        });

        Assert.Equal(code, answer.Code);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/problem+json")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("nonsense")]
    public async Task OtherMediaType_IsUnsupported(string? type)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(GatewayActs.Person(), request =>
        {
            request.Content!.Headers.Remove("Content-Type");
            if (type is not null)
            {
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            }
        });

        Assert.Equal("415_UNSUPPORTED_MEDIA_TYPE", answer.Code);
        Assert.Equal(0, await NextIndexAsync(gateway));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("Application/JSON;charset=\"UTF-8\"")]
    public async Task Json_IsTaken(string type)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(GatewayActs.Person(), request =>
        {
            request.Content!.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        });

        Assert.Equal(HttpStatusCode.OK, answer.Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ApiKey")]
    [InlineData("ApiKey ")]
    [InlineData("ApiKey ll_0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("Bearer x")]
    [InlineData("Basic dXNlcjpwYXNz")]
    public async Task NoToken_OrAnUnknownOne_IsUnauthenticated(string? authorization)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Client.DefaultRequestHeaders.Authorization = null;

        var answer = await gateway.PostAsync(GatewayActs.Person(), request => request.Set("Authorization", authorization));

        Assert.Equal(("401_UNAUTHENTICATED", HttpStatusCode.Unauthorized), (answer.Code, answer.Status));
        Assert.NotEmpty(answer.Headers.WwwAuthenticate);
        gateway.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", gateway.ApiKey);
        Assert.Equal(0, await NextIndexAsync(gateway));
    }

    [Fact]
    public async Task ExpiredToken_IsUnauthenticated_FromTheInstantOn()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var token = LogLine.Api.Tenants.ApiToken.Create(LogLine.Api.Tenants.ApiToken.NewId(), TestGateway.Tenant, ["*"], "dev", time.GetUtcNow().AddMinutes(1));
        await gateway.InsertAsync(token.Row);

        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request => request.UseToken(token.Value))).Status);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("401_UNAUTHENTICATED", (await gateway.PostAsync(GatewayActs.Person(), request => request.UseToken(token.Value))).Code);
    }

    [Theory]
    [InlineData("other")]
    [InlineData("DEV")]
    [InlineData("")]
    [InlineData("../../x")]
    public async Task XTenantId_OfAnother_IsForbidden_AndRecordedForTheTokensTenant(string tenant)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("403_FORBIDDEN", () => gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Tenant-Id", tenant)));

        Assert.Equal("foreign_tenant", answer.Detail("reason"));
    }

    [Fact]
    public async Task XTenantId_OfTheToken_IsFine()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Tenant-Id", "dev"))).Status);
    }

    public static TheoryData<string, string> MalformedHeaders => new()
    {
        { "X-Env", "qa" }, { "X-Env", "DEV" }, { "X-Env", "" },
        { "Idempotency-Key", "" }, { "Idempotency-Key", "\"\"" }, { "Idempotency-Key", "has space" }, { "Idempotency-Key", new string('k', 256) },
        { "Prefer", "wait=soon" }, { "Prefer", "wait=-1" }, { "Prefer", "wait=61" }, { "Prefer", "wait" }, { "Prefer", "respond-async, wait=1.5" },
        { "X-Payload-Hash", "blake3-256=abc" }, { "X-Payload-Hash", "sha256=" + new string('0', 64) }, { "X-Payload-Hash", "blake3-256=" + new string('A', 64) },
    };

    [Theory]
    [MemberData(nameof(MalformedHeaders))]
    public async Task MalformedHeader_IsNamed(string header, string value)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("400_MALFORMED_HEADER", () => gateway.PostAsync(GatewayActs.Person(), request => request.Set(header, value)));

        Assert.Equal(header, answer.Detail("header"));
        Assert.Contains(header, answer.Json.Text("detail"));
    }

    [Theory]
    [InlineData("Idempotency-Key")]
    [InlineData("X-Env")]
    [InlineData("X-Nonce")]
    public async Task HeaderThatStandsTwice_IsMalformed(string header)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(GatewayActs.Person(), request =>
        {
            request.Headers.Remove(header);
            request.Headers.TryAddWithoutValidation(header, ["dev", "stg"]);
        });

        // The client sends both values on one line where it may: then the value itself is malformed.
        Assert.Contains(answer.Code, new[] { "400_MALFORMED_HEADER", "400_FRESHNESS_REQUIRED" });
    }

    [Theory]
    [InlineData("respond-async")]
    [InlineData("return=minimal, wait=0")]
    [InlineData("handling=lenient; wait=99")]
    public async Task OtherPreferences_AreIgnored(string prefer)
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request => request.Set("Prefer", prefer))).Status);
    }

    [Theory]
    [InlineData("X-Nonce", null)]
    [InlineData("X-Nonce", "fifteen-charact")]
    [InlineData("X-Nonce", "sixteen characte")]
    [InlineData("X-Nonce", "sixteen+characte")]
    [InlineData("X-Timestamp", null)]
    [InlineData("X-Timestamp", "1763384400")]
    [InlineData("X-Timestamp", "2026-11-20T12:00:00")]
    public async Task FreshnessThatIsMissingOrMalformed_IsRequired(string header, string? value)
    {
        await using var gateway = await TestGateway.StartAsync(time: new ManualTime());

        var answer = await gateway.AssertRefusedAsync("400_FRESHNESS_REQUIRED", () => gateway.PostAsync(GatewayActs.Person(), request => request.Set(header, value)));

        Assert.Equal(header, answer.Detail("header"));
    }

    [Theory]
    [InlineData(-120_000, true)]
    [InlineData(120_000, true)]
    [InlineData(-120_001, false)]
    [InlineData(120_001, false)]
    [InlineData(-86_400_000, false)]
    public async Task Timestamp_MayBe120SecondsAway_NotMore(int awayMs, bool accepted)
    {
        await using var gateway = await TestGateway.StartAsync(time: new ManualTime());

        var answer = await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Timestamp", Timestamps.Write(gateway.Time.GetUtcNow().AddMilliseconds(awayMs))));

        Assert.Equal(accepted ? null : "422_TIMESTAMP_OUT_OF_RANGE", answer.Code);
        if (!accepted)
        {
            Assert.Equal(Timestamps.Write(gateway.Time.GetUtcNow()), answer.Detail("server_time"));
        }
    }

    [Fact]
    public async Task UsedNonce_IsRefused_ForAsLongAsItsTimestampCouldBeAccepted()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        const string nonce = "used-once-only-123";
        void Reuse(HttpRequestMessage request) => request.Set("X-Nonce", nonce);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), Reuse)).Status);

        await gateway.AssertRefusedAsync("409_NONCE_REUSED", () => gateway.PostAsync(GatewayActs.Person("other"), Reuse));
        time.Advance(TimeSpan.FromSeconds(299));
        await gateway.AssertRefusedAsync("409_NONCE_REUSED", () => gateway.PostAsync(GatewayActs.Person("third"), Reuse));
        time.Advance(TimeSpan.FromMinutes(-20));
        await gateway.AssertRefusedAsync("409_NONCE_REUSED", () => gateway.PostAsync(GatewayActs.Person("fourth"), Reuse));
    }

    [Fact]
    public async Task FreshnessThatTheOperatorDoesNotAskFor_MayBeLeftOut_ButIsJudgedWhenItIsThere()
    {
        await using var gateway = await (await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Policy:RequireFreshness"] = "false" })).RegisterKeyAsync();
        static void Neither(HttpRequestMessage request)
        {
            request.Set("X-Nonce", null);
            request.Set("X-Timestamp", null);
        }
        var body = System.Text.Encoding.UTF8.GetBytes(GatewayActs.Person());

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), Neither)).Status);
        Assert.Equal("400_FRESHNESS_REQUIRED", (await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Nonce", null))).Code);
        Assert.Equal("422_TIMESTAMP_OUT_OF_RANGE", (await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Timestamp", "2020-01-01T00:00:00Z"))).Code);
        Assert.Equal("422_SIGNATURE_INVALID", (await gateway.PostAsync(body, request =>
        {
            request.SignRequest(body, gateway.Key, TestGateway.Kid);
            Neither(request);
        })).Code);
    }

    [Fact]
    public async Task Nonce_IsConsumedPerTenant()
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("other", "*");
        const string nonce = "the-same-in-both-tenants";

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Nonce", nonce))).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request =>
        {
            request.Set("X-Nonce", nonce);
            request.UseToken(token);
        })).Status);
    }

    [Fact]
    public async Task PayloadHash_IsOfTheCanonicalForm()
    {
        await using var gateway = await TestGateway.StartAsync();
        var body = " " + GatewayActs.Person().Replace(",", " , ");
        var canonical = ContentHash.HeaderOf(CanonicalJson.Parse(body).Utf8.Span);

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(body, request => request.Set("X-Payload-Hash", canonical))).Status);
        var raw = ContentHash.HeaderOf(Encoding.UTF8.GetBytes(body));
        var answer = await gateway.AssertRefusedAsync("422_PAYLOAD_HASH_MISMATCH", () => gateway.PostAsync(body, request => request.Set("X-Payload-Hash", raw)));
        Assert.Equal((canonical, raw), (answer.Detail("expected"), answer.Detail("found")));
    }

    [Fact]
    public async Task XEnv_IsInTheEntry_AndTheTokensIsTheDefault()
    {
        await using var gateway = await TestGateway.StartAsync();

        var prd = await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Env", "prd"));
        var plain = await gateway.PostAsync(GatewayActs.Person());

        Assert.Equal(["prd", "dev"], new[] { prd, plain }.Select(answer => answer.Json.GetProperty("receipt").GetProperty("entry").Text("env")!));
    }

    [Fact]
    public async Task Traceparent_IsTheTraceId()
    {
        await using var gateway = await TestGateway.StartAsync();
        const string trace = "0af7651916cd43dd8448eb211c80319c";

        var answer = await gateway.PostAsync(GatewayActs.Person(), request => request.Set("traceparent", $"00-{trace}-b7ad6b7169203331-01"));
        var refused = await gateway.PostAsync("{", request => request.Set("traceparent", $"00-{trace}-b7ad6b7169203331-01"));

        Assert.Equal([trace, trace], new[] { answer, refused }.Select(one => one.Json.Text("trace_id")!));
    }

    [Fact]
    public async Task Scope_HoldsWhatItsPatternSays_AndNoMore()
    {
        await using var gateway = await TestGateway.StartAsync();
        var token = await gateway.AddTokenAsync("dev", "registry.person.*", "deploy.plan");

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request => request.UseToken(token))).Status);
        foreach (var intent in new[] { "deploy.apply", "registry.people.create", "minicontainer.apply", "registry.person" })
        {
            var answer = await gateway.PostAsync(TestGateway.Json(new { intent, subject = "urn:x:y", payload = new { } }), request => request.UseToken(token));
            Assert.Equal(("403_FORBIDDEN", "scope"), (answer.Code, answer.Detail("reason")));
        }
    }

    private static byte[] Padded(int length)
    {
        var body = Encoding.UTF8.GetBytes(GatewayActs.Person());
        return [.. body, .. Enumerable.Repeat((byte)' ', length - body.Length)];
    }

    /// <summary>The index that the next span gets: how much the ledger holds.</summary>
    private static async Task<long> NextIndexAsync(TestGateway gateway) =>
        (await gateway.PostAsync(GatewayActs.Person("next"))).Json.GetProperty("receipt").GetProperty("log_index").GetInt64();
}
