using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LogLine.Api.Gate;
using LogLine.Api.Policy;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Gate;

/// <summary>
/// The table of the contract's section 5 as a test: one request that has every fault at once. Each row is what the gate answers; then that one fault
/// is mended, and the next row is the answer. (Row 8's replay has a test of its own.)
/// </summary>
public sealed class GateOrderTests
{
    private const string Service = "busy";

    [Fact]
    public async Task EveryFaultAtOnce_IsAnsweredInTheContractsOrder()
    {
        var (up, down) = (new FakeAdapter(), new FakeAdapter("other") { IsDown = true });
        await using var gateway = await (await TestGateway.StartAsync([up, down], new ManualTime())).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        var other = await gateway.ApplyAsync("blocker");
        await gateway.ProveAsync("blocker");
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(TestGateway.Deploy(other, service: Service))).Status);
        var takenThis = GatewayActs.NewThis();
        const string takenNonce = "nonce-that-was-consumed";
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("x", takenThis), request =>
        {
            request.Set("X-Nonce", takenNonce);
            request.Set("Idempotency-Key", "taken");
        })).Status);
        await SetQuotaAsync(gateway, 1);
        Assert.Equal("422_TDLN_INVALID", (await gateway.PostAsync("""{"intent":"deploy.apply","subject":"urn:minicontainer:dev/web","payload":{}}""")).Code); // the one of this minute
        var limited = await gateway.AddTokenAsync(TestGateway.Tenant, "registry.*", "read");
        gateway.Services.GetRequiredService<OperatorPolicy>().AllowUnsigned = false;
        using var client = new HttpClient { BaseAddress = gateway.Client.BaseAddress };
        var attempt = new Attempt(gateway, takenThis, takenNonce, reference);

        var table = new (string Code, string? Reason, Action<Attempt> Mend)[]
        {
            ("415_UNSUPPORTED_MEDIA_TYPE", null, a => a.MediaType = "application/json"),                         // 1
            ("413_TOO_LARGE", null, a => a.Padding = 0),
            ("401_UNAUTHENTICATED", null, a => a.Token = "ll_unknown"),                                          // 2
            ("401_UNAUTHENTICATED", null, a => a.Token = limited),
            ("403_FORBIDDEN", "foreign_tenant", a => a.TenantHeader = null),
            ("400_MALFORMED_JSON", null, a => a.IsBroken = false),                                               // 3
            ("400_MALFORMED_HEADER", null, a => a.Env = "dev"),
            ("403_FORBIDDEN", "reserved_intent", a => a.Intent = "deploy.apply"),                                // 4
            ("403_FORBIDDEN", "scope", a => a.Token = gateway.ApiKey),
            ("429_RATE_LIMITED", null, _ => { }),                                                                // 5, mended below
            ("422_SCHEMA_INVALID", "canonical", a => a.Replicas = "2"),                                          // 6
            ("422_PAYLOAD_HASH_MISMATCH", null, a => a.HasWrongHash = false),
            ("422_SIGNATURE_INVALID", "unknown_kid", a => a.HasRequestSignature = false),
            ("400_FRESHNESS_REQUIRED", null, a => a.Nonce = takenNonce),                                         // 7
            ("400_FRESHNESS_REQUIRED", null, a => a.Timestamp = Timestamps.Write(gateway.Time.GetUtcNow().AddSeconds(-121))),
            ("409_IDEMPOTENCY_CONFLICT", null, a => a.Key = "mine"),                                             // 8
            ("409_IDEMPOTENCY_CONFLICT", null, a => a.This = GatewayActs.NewThis()),
            ("422_TIMESTAMP_OUT_OF_RANGE", null, a => a.Timestamp = Timestamps.Write(gateway.Time.GetUtcNow())), // 9
            ("409_NONCE_REUSED", null, a => a.Nonce = "nonce-that-is-quite-new"),                                // 10
            ("422_TDLN_INVALID", "payload.target.service", a => a.Service = Service),                            // 11
            ("422_SCHEMA_INVALID", "const", a => a.Replicas = "1"),
            ("422_SIGNATURE_INVALID", "unknown_kid", a => a.Signer = null),                                      // 12
            ("403_FORBIDDEN", "foreign_tenant", a => a.Subject = "urn:minicontainer:dev/nowhere"),               // 13
            ("422_SCHEMA_INVALID", "consistency", a => a.Subject = "urn:minicontainer:dev/web"),
            ("422_SCHEMA_INVALID", "consistency", a => a.Provider = "other"),
            ("403_POLICY_DENIED", "unsigned", a => a.Signer = TestGateway.Kid),                                  // 14
            ("404_NOT_FOUND", null, a => a.Ref = reference),                                                     // 15
            ("428_PROOF_REQUIRED", "deploy.allow", _ => { }),                                                    // 16, mended below
            ("409_LIFECYCLE_CONFLICT", "deploy.plan", a => a.PlanDigest = ""),                                   // 17
            ("503_ADAPTER_UNAVAILABLE", "other", _ => down.IsDown = false),                                      // 18
        };
        await gateway.RunInAsync(Assert.Single(await gateway.Ledger.Store.RunsAsync("dev", null, 10)).RunId, "running");
        for (var row = 0; row < table.Length; row++)
        {
            var (code, reason, mend) = table[row];
            var answer = await attempt.SendAsync(client);
            Assert.True(code == answer.Code, $"row {row}: {answer.Code} instead of {code}: {answer.Body}");
            if (reason is not null)
            {
                Assert.Contains($"\"{reason}\"", answer.Body);
            }
            mend(attempt);
            if (code is "428_PROOF_REQUIRED" or "429_RATE_LIMITED")
            {
                gateway.Services.GetRequiredService<OperatorPolicy>().AllowUnsigned = true;
                await (code == "428_PROOF_REQUIRED" ? gateway.ProveAsync("web") : SetQuotaAsync(gateway, 100_000));
                gateway.Services.GetRequiredService<OperatorPolicy>().AllowUnsigned = false;
            }
        }
        Assert.Equal(HttpStatusCode.OK, (await attempt.SendAsync(client)).Status);
        Assert.Equal("true", (await attempt.SendAsync(client)).Headers.GetValues("Idempotency-Replayed").Single());
    }

    [Fact]
    public async Task HonestRetry_ByteForByte_TenMinutesLater_GetsTheSameAck()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var (nonce, sent) = (Guid.NewGuid().ToString("D"), Timestamps.Write(time.GetUtcNow()));
        void Headers(HttpRequestMessage request)
        {
            request.Set("X-Nonce", nonce);
            request.Set("X-Timestamp", sent);
            request.Set("Idempotency-Key", "retry");
        }

        var first = await gateway.PostAsync(GatewayActs.Person(), Headers);
        time.Advance(TimeSpan.FromMinutes(10));
        var second = await gateway.PostAsync(GatewayActs.Person(), Headers);

        Assert.Equal(HttpStatusCode.OK, second.Status);
        Assert.False(first.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(first.Body.Replace("\"replayed\":false", "\"replayed\":true"), second.Body);
    }

    [Fact]
    public async Task Order_IsTheContracts()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal(
            [
                "scope", "rate", "canonical form", "payload hash", "request signature", "freshness", "replay of the key", "replay of this", "timestamp", "nonce", "form", "trust",
                "consistency", "policy", "existence", "policy of the manifest", "authorisation", "lifecycle", "capacity",
            ],
            gateway.Services.GetRequiredService<TdlnGate>().Order);
    }

    private static Task<Answer> SetQuotaAsync(TestGateway gateway, int rate) =>
        gateway.PostAsync(TestGateway.Json(new { intent = "quota.set", subject = "urn:tenant:dev", payload = new { intent_pattern = "deploy.apply", rate_per_minute = rate, burst = rate } }));

    /// <summary>The request, with every fault that is not mended yet.</summary>
    private sealed class Attempt(TestGateway gateway, string takenThis, string takenNonce, string reference)
    {
        private readonly SigningKey _stranger = SigningKey.Generate();

        public string MediaType = "text/plain";
        public int Padding = 1 << 20;
        public string? Token;
        public string? TenantHeader = "other";
        public bool IsBroken = true;
        public string Env = "qa";
        public string Intent = "run_state.running";
        public string Replicas = "1.5";
        public bool HasWrongHash = true;
        public bool HasRequestSignature = true;
        public string? Nonce;
        public string Timestamp = "yesterday";
        public string Key = "taken";
        public string This = takenThis;
        public string? Service;
        public string? Signer = "kid_of_a_stranger";
        public string Subject = "urn:minicontainer:another/web";
        public string Provider = "unheard_of";
        public string PlanDigest = $$""","plan_digest":"blake3:{{new string('0', 64)}}" """;
        public string Ref = reference[..^4] + (reference.EndsWith("0000", StringComparison.Ordinal) ? "1111" : "0000");

        public async Task<Answer> SendAsync(HttpClient client)
        {
            var body = Encoding.UTF8.GetBytes(Body());
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/spans") { Content = new ByteArrayContent([.. body, .. Enumerable.Repeat((byte)' ', Padding)]) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
            if (Token is not null)
            {
                request.UseToken(Token);
            }
            request.Set("X-Tenant-Id", TenantHeader);
            request.Set("X-Env", Env);
            request.Set("Idempotency-Key", Key);
            request.Set("X-Timestamp", Timestamp);
            request.Set("X-Nonce", Nonce ?? takenNonce);
            if (HasRequestSignature)
            {
                // Complete and well-made, so that what is refused is its key; the nonce goes missing in the row after.
                request.SignRequest("{}"u8.ToArray(), _stranger, "kid_of_a_stranger");
            }
            else
            {
                request.Set("X-Nonce", Nonce);
            }
            request.Set("X-Payload-Hash", HasWrongHash || IsBroken ? ContentHash.HeaderPrefix + new string('0', 64) : ContentHash.HeaderOf(CanonicalJson.Parse(body).Utf8.Span));
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            return await Answer.ReadAsync(response);
        }

        private string Body()
        {
            var target = Service is null ? $$"""{"provider":"{{Provider}}"}""" : $$"""{"provider":"{{Provider}}","service":"{{Service}}"}""";
            var span = $$$"""
                {"schema_version":"1.1.0","entity_type":"function","this":"{{{This}}}","did":{"actor":"usr","action":"append"},"intent":"{{{Intent}}}","subject":"{{{Subject}}}",
                "payload":{"kind":"deploy/apply.v1","ref":"{{{Ref}}}","target":{{{target}}}{{{PlanDigest}}},"options":{"replicas":{{{Replicas}}}}},"ts":"{{{Timestamps.Write(gateway.Time.GetUtcNow())}}}"}
                """;
            if (IsBroken)
            {
                return span[..^1];
            }
            if (Signer is null)
            {
                return span;
            }
            return CanonicalJson.TryRead(Encoding.UTF8.GetBytes(span), out var json, out _) && json.Obstacles.Count == 0
                ? Encoding.UTF8.GetString(SpanDocument.Sign(json, Signer, Signer == TestGateway.Kid ? gateway.Key : _stranger).Utf8)
                : span;
        }
    }
}
