using System.Net;
using LogLine.Api.Gate;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Quantities;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Gate;

/// <summary>Each bad input is refused with the contract's code and a message that names the field; nothing is written but the record of the refusal.</summary>
public sealed class BadInputTests
{
    [Fact]
    public async Task BadJsonOfEveryKind_IsMalformed_AndOnlyItsRefusalIsOnTheLedger()
    {
        var files = Vectors.Files("json-parsing", "n_*.json");
        await using var gateway = await TestGateway.StartAsync();

        foreach (var file in files)
        {
            var answer = await gateway.PostAsync(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
            Assert.True(answer.Code == "400_MALFORMED_JSON", $"{Path.GetFileName(file)}: {answer.Status} {answer.Body}");
            Assert.Equal("application/problem+json", answer.ContentType);
            Assert.NotEmpty(answer.Json.Text("detail")!);
        }

        Assert.All(await gateway.SpansFromAsync(0, files.Count), span => Assert.Equal(("gate.refused", "400_MALFORMED_JSON"), (span.Intent, span.Payload.Text("code"))));
        Assert.Equal(files.Count, gateway.Ledger.Size);
    }

    [Fact]
    public async Task GoodJsonOfEveryKind_IsNeverADefect()
    {
        var files = Vectors.Files("json-parsing", "*.json").Where(file => !Path.GetFileName(file).StartsWith('n')).ToList();
        await using var gateway = await TestGateway.StartAsync();

        foreach (var file in files)
        {
            var body = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            foreach (var sent in new[] { body, [.. """{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{"name":"""u8, .. body, .. "}}"u8] })
            {
                var answer = await gateway.PostAsync(sent);
                // An array is answered item by item.
                Assert.True(answer.Status == HttpStatusCode.MultiStatus || answer.Code is "400_MALFORMED_JSON" or "422_TDLN_INVALID" or "422_SCHEMA_INVALID", $"{Path.GetFileName(file)}: {answer.Body}");
            }
        }
    }

    /// <summary>The members that every span has count for nothing: what is to be changed has to be said.</summary>
    [Theory]
    [InlineData("container.resources", "container/resources.v1", "urn:container:dev/web", """,  "target":{"provider":"podman"},"name":"web" """, "payload.memory or payload.cpus or payload.pids is required")]
    [InlineData("registry.person.update", "registry/person_update.v1", "urn:registry:person/joana", "", "payload.name or payload.email or payload.country or payload.phone or payload.birth_date is required")]
    public async Task ChangeOfNothing_AsksWhatIsToBeChanged(string intent, string kind, string subject, string members, string why)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("422_TDLN_INVALID", () => gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{"kind":"{{kind}}"{{members}} } }"""));

        Assert.Equal(why, Assert.Single(answer.Json.Member("why").EnumerateObject()).Value.GetString());
        Assert.Contains(why, answer.Json.Text("suggested_reply"));
    }

    [Fact]
    public async Task FloatInASignedObject_HasNoCanonicalForm()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var manifest = TestGateway.Text(gateway.Manifest("""{"image":"x","resources":{"cpu_millis":500}}""")).Replace("\"cpu_millis\":500", "\"cpu_millis\":0.5", StringComparison.Ordinal);

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync(Apply("web", manifest)));

        Assert.Equal(("/payload/manifest/deploy/resources/cpu_millis", "canonical"), answer.Error());
        Assert.Equal("invalid", answer.Json.Text("status"));
    }

    /// <summary>The least limits of a container are the same, whether a manifest or a primitive asks for them.</summary>
    [Theory]
    [InlineData("memory_bytes", LeastResources.MemoryBytes, "memory", "6MiB", "6291455")]
    [InlineData("cpu_millis", LeastResources.CpuMillis, "cpus", "0.01", "0.009")]
    public async Task LeastLimits_AreTheSameInManifestsAndPrimitives(string member, long least, string argument, string value, string less)
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.create"] = (_, _) => Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}").Root)) } }])).RegisterKeyAsync();
        Task<Answer> ManifestAsync(long limit) => gateway.PostAsync(Apply("web", TestGateway.Text(gateway.Manifest($$$"""{"image":"x","resources":{"{{{member}}}":{{{limit}}}}}"""))));
        Task<Answer> PrimitiveAsync(string limit) =>
            gateway.PostAsync($$$"""{"intent":"container.create","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","image":"x","resources":{"{{{argument}}}":"{{{limit}}}"} } }""");

        Assert.Equal("/payload/manifest/deploy/resources/" + member, (await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => ManifestAsync(least - 1))).Error().Path);
        Assert.Equal("/payload/resources/" + argument, (await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => PrimitiveAsync(less))).Error().Path);
        Assert.Equal(HttpStatusCode.OK, (await ManifestAsync(least)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PrimitiveAsync(value)).Status);
    }

    [Fact]
    public async Task ManifestWithOneFlippedBit_IsRefused()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var manifest = TestGateway.Text(gateway.Manifest()).Replace("\"1.0.0\"", "\"1.0.1\"");

        var answer = await gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () => gateway.PostAsync(Apply("web", manifest)));

        Assert.Equal(("mismatch", "/payload/manifest/provenance/sig"), (answer.Detail("reason"), answer.Detail("path")));
    }

    [Fact]
    public async Task SpanWithOneFlippedBit_IsRefused()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var span = Text(SignedPerson(gateway)).Replace("Joana", "Koana");

        var answer = await gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () => gateway.PostAsync(span));

        Assert.Equal(("mismatch", "/signature/sig"), (answer.Detail("reason"), answer.Detail("path")));
    }

    [Fact]
    public async Task SignedSpan_IsStoredByteForByte()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var span = SignedPerson(gateway);

        var answer = await gateway.PostAsync(Text(span));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Empty(answer.Json.GetProperty("repaired").EnumerateArray());
        Assert.Equal(Text(span), (await gateway.GetAsync("/v1/spans/" + span.This)).Body);
        Assert.Equal(TestGateway.Kid, answer.Json.GetProperty("receipt").GetProperty("entry").Text("kid"));
    }

    [Fact]
    public async Task SignedSpanThatLacksSomething_IsNotRepaired_ButAskedFor()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var span = SpanDocument.Sign(CanonicalJson.Parse(GatewayActs.Person()), TestGateway.Kid, gateway.Key);

        var answer = await gateway.AssertRefusedAsync("422_TDLN_INVALID", () => gateway.PostAsync(Text(span)));

        Assert.Equal(["schema_version", "entity_type", "this", "did", "ts", "payload.kind"], answer.Json.Texts("missing_fields"));
    }

    [Theory]
    [InlineData("span")]
    [InlineData("request")]
    [InlineData("manifest")]
    [InlineData("proof")]
    public async Task UnknownKid_IsRefused(string what)
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var stranger = SigningKey.Generate();

        var answer = await gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () => PostSignedAsync(gateway, what, stranger, "kid_nobody_knows"));

        Assert.Equal("unknown_kid", answer.Detail("reason"));
        Assert.Contains("kid_nobody_knows", answer.Json.Text("detail"));
    }

    [Theory]
    [InlineData("span")]
    [InlineData("request")]
    [InlineData("manifest")]
    [InlineData("proof")]
    public async Task RevokedKid_IsRefused_AtOnce(string what)
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        Assert.Equal(HttpStatusCode.OK, (await PostSignedAsync(gateway, what, gateway.Key, TestGateway.Kid)).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Revoke())).Status);

        var answer = await gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () => PostSignedAsync(gateway, what, gateway.Key, TestGateway.Kid));

        Assert.Equal("revoked_kid", answer.Detail("reason"));
    }

    [Fact]
    public async Task KidOfAnotherTenant_IsUnknown()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var token = await gateway.AddTokenAsync("other", "*");

        var answer = await gateway.PostAsync(Text(SignedPerson(gateway)), request => request.UseToken(token));

        Assert.Equal(("422_SIGNATURE_INVALID", "unknown_kid"), (answer.Code, answer.Detail("reason")));
    }

    [Fact]
    public async Task RequestSignature_OverAnotherBody_IsRefused()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var body = System.Text.Encoding.UTF8.GetBytes(GatewayActs.Person());

        foreach (var change in new Action<HttpRequestMessage>[]
        {
            request => request.Set("X-Nonce", new string('n', 20)), request => request.Set("Idempotency-Key", "added"), request => request.Set("X-Env", "prd"),
            request => request.RequestUri = new Uri("/v1/spans?x=1", UriKind.Relative),
            request => request.Set("X-Timestamp", Timestamps.Write(gateway.Time.GetUtcNow().AddSeconds(1))),
        })
        {
            var answer = await gateway.PostAsync(body, request =>
            {
                request.SignRequest(body, gateway.Key, TestGateway.Kid);
                change(request);
            });
            Assert.Equal(("422_SIGNATURE_INVALID", "mismatch"), (answer.Code, answer.Detail("reason")));
        }
        var honest = await gateway.PostAsync(body, request => request.SignRequest(body, gateway.Key, TestGateway.Kid));
        Assert.Equal(TestGateway.Kid, honest.Json.GetProperty("receipt").GetProperty("entry").Text("kid"));
    }

    [Theory]
    [InlineData("/v1/spans?b=2&a=%7e%41")]
    [InlineData("/v1/%73pans")]
    public async Task RequestSignature_CoversThePathAsSent(string path)
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var body = System.Text.Encoding.UTF8.GetBytes(GatewayActs.Person());
        var uri = new Uri(gateway.Client.BaseAddress!.ToString().TrimEnd('/') + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

        var answer = await gateway.PostAsync(body, request =>
        {
            request.RequestUri = new Uri(path, UriKind.Relative);
            request.SignRequest(body, gateway.Key, TestGateway.Kid);
            request.RequestUri = uri;
        });

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
    }

    [Theory]
    [InlineData("X-Nonce")]
    [InlineData("X-Timestamp")]
    [InlineData("X-Payload-Hash")]
    [InlineData("X-Signature-Alg")]
    [InlineData("X-Signature-KeyId")]
    [InlineData("X-Signature")]
    public async Task SignedRequest_WithoutOneOfItsHeaders_IsRefused(string header)
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var body = System.Text.Encoding.UTF8.GetBytes(GatewayActs.Person());

        await gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () => gateway.PostAsync(body, request =>
        {
            request.SignRequest(body, gateway.Key, TestGateway.Kid);
            request.Set(header, null);
        }));
    }

    [Fact]
    public async Task ManifestOfAnotherTenant_IsForbidden()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();

        var answer = await gateway.AssertRefusedAsync("403_FORBIDDEN", () => gateway.PostAsync(Apply("web", TestGateway.Text(gateway.Manifest(tenant: "other")))));

        Assert.Equal(("foreign_tenant", "/payload/manifest/owner/tenant"), (answer.Detail("reason"), answer.Detail("path")));
    }

    [Theory]
    [InlineData("minicontainer.apply")]
    [InlineData("deploy.apply")]
    public async Task RefThatDoesNotExist_IsNotFound(string intent)
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var reference = $"mc:dev/web@blake3:{new string('a', 64)}";
        var body = intent == "deploy.apply" ? TestGateway.Deploy(reference) : TestGateway.Json(new { intent, subject = "urn:minicontainer:dev/web", payload = new { @ref = reference } });

        var answer = await gateway.AssertRefusedAsync("404_NOT_FOUND", () => gateway.PostAsync(body));

        Assert.Equal(reference, answer.Detail("ref"));
    }

    [Fact]
    public async Task ShortenedRef_IsRefused_WithTheFullForm()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync(
            """{"intent":"deploy.apply","subject":"urn:minicontainer:dev/web","payload":{"ref":"mc:dev/web@blake3:abcdef","target":{"provider":"fake","service":"web"}}}"""));

        Assert.Equal("/payload/ref", answer.Error().Path);
        Assert.Contains("mc:", answer.Json.Text("suggested_reply"));
    }

    [Fact]
    public async Task RefOfAnotherTenant_IsForbidden()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);

        var answer = await gateway.AssertRefusedAsync("403_FORBIDDEN", () => gateway.PostAsync(
            $$$$"""{"intent":"deploy.apply","subject":"urn:minicontainer:dev/web","payload":{"ref":"mc:other/web@blake3:{{{{new string('a', 64)}}}}","target":{"provider":"fake","service":"web"}}}"""));

        Assert.Equal("/payload/ref", answer.Detail("path"));
    }

    [Theory]
    [InlineData("run_state.running")]
    [InlineData("run_state.exited")]
    [InlineData("wallet.proof.verified")]
    [InlineData("deploy.applied")]
    [InlineData("deploy.planned")]
    [InlineData("minicontainer.applied")]
    [InlineData("grant.materialized")]
    [InlineData("gate.refused")]
    [InlineData("gate.anything")]
    [InlineData("made_up.verified")]
    public async Task ReservedIntent_IsForbidden(string intent)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("403_FORBIDDEN", () => gateway.PostAsync(TestGateway.Json(new { intent, subject = "urn:tenant:dev", payload = new { } })));

        Assert.Equal("reserved_intent", answer.Detail("reason"));
    }

    [Fact]
    public async Task UnknownIntent_IsInvalid_AndNearOnesAreNamed()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync("""{"intent":"deploy.aply","subject":"urn:minicontainer:dev/web","payload":{}}"""));

        Assert.Equal(("/intent", "catalogue"), answer.Error());
        Assert.Contains("deploy.apply", answer.Json.Text("suggested_reply"));
    }

    [Fact]
    public async Task AllThatIsMissing_AndAllThatIsWrong_IsSaidAtOnce()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/x","extra":1,"payload":{"email":"no","country":"Portugal"}}""");

        Assert.Equal("422_TDLN_INVALID", answer.Code);
        Assert.Equal("need_more", answer.Json.Text("status"));
        Assert.Equal(["payload.name", "payload.consent"], answer.Json.Texts("missing_fields"));
        Assert.Equal(["/extra", "/payload/country", "/payload/email"], answer.Json.Items("errors").Select(error => error.Text("path")!).Order(StringComparer.Ordinal));
        Assert.Equal("registry.person.create", answer.Json.GetProperty("partial_span").Text("intent"));
        Assert.All(answer.Json.GetProperty("missing_fields").EnumerateArray(), field => Assert.NotEmpty(answer.Json.GetProperty("why").Text(field.GetString()!)!));
    }

    [Theory]
    [InlineData("a@xn--0n7c")] // a label that decodes to U+FFFE
    [InlineData("a@xn--ib9b")] // to half of a surrogate pair
    [InlineData("a@xn--\uffff")]
    [InlineData("\ufffe@example.com")]
    [InlineData("@")]
    public async Task HostileEmail_IsInvalid_NotADefect(string email)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(TestGateway.Json(new { intent = "registry.person.create", subject = "urn:registry:person/x", payload = new { name = "J", email, country = "PT", consent = true } }));

        Assert.Equal(("/payload/email", "format"), answer.Error());
    }

    [Theory]
    [InlineData("""{"ref":"mc:dev/other@blake3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","target":{"provider":"fake","service":"web"}}""", "/payload/ref")]
    [InlineData("""{"ref":"mc:dev/web@blake3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","target":{"provider":"lxc","service":"web"}}""", "/payload/target/provider")]
    [InlineData("""{"ref":"mc:dev/web@blake3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","target":{"provider":"fake","service":"web","endpoint":"second"}}""", "/payload/target/endpoint")]
    public async Task FieldsThatContradictEachOther_AreNamed(string payload, string path)
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync("""{"intent":"deploy.apply","subject":"urn:minicontainer:dev/web","payload":""" + payload + "}"));

        Assert.Equal((path, "consistency"), answer.Error());
    }

    [Theory]
    [InlineData("""{"image":"x","security":{"privileged":true}}""", "privileged")]
    [InlineData("""{"image":"x","security":{"cap_add":["SYS_ADMIN"]}}""", "capability.sys_admin")]
    [InlineData("""{"image":"x","security":{"cap_add":["NONSENSE"]}}""", "capability.unknown")]
    public async Task ManifestThatAPolicyForbids_IsDenied_AndTheRuleIsOnTheLedger(string deploy, string rule)
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var before = gateway.Ledger.Size;

        var answer = await gateway.AssertRefusedAsync("403_POLICY_DENIED", () => gateway.PostAsync(Apply("web", TestGateway.Text(gateway.Manifest(deploy)))));

        Assert.Equal(rule, answer.Detail("rule"));
        Assert.Equal(rule, (await gateway.SpansFromAsync(before, 1))[0].Payload.Text("rule"));
    }

    [Fact]
    public async Task FloodOfRefusals_IsRecordedUpToItsBound_ForEachTenantAndMinute()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time);
        var token = await gateway.AddTokenAsync("vv", "*");
        async Task<int> RecordedAsync(string? other = null) => (await gateway.PostAsync(
            """{"intent":"gate.refused","limit":1000}""", request => request.Headers.Authorization = other is null ? request.Headers.Authorization : new("ApiKey", other), "/v1/spans/query")).Json.GetProperty("items").GetArrayLength();

        for (var i = 0; i < RefusalLog.PerMinute + 20; i++)
        {
            Assert.Equal("422_TDLN_INVALID", (await gateway.PostAsync("""{"intent":"no.such_thing"}""")).Code);
        }
        await gateway.PostAsync("[]", request => request.UseToken(token));
        time.Advance(TimeSpan.FromMinutes(1));
        await gateway.PostAsync("[]");

        // They are recorded in order: with the last one there, the rest is.
        await gateway.SpansFromAsync(0, RefusalLog.PerMinute + 2);
        Assert.Equal((RefusalLog.PerMinute + 1, 1), (await RecordedAsync(), await RecordedAsync(token)));
    }

    [Fact]
    public async Task RecordOfARefusal_HoldsTheHash_NeverThePayload()
    {
        await using var gateway = await TestGateway.StartAsync();
        var body = """{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{"name":"a secret that must not stay"}}""";

        await gateway.AssertRefusedAsync("422_TDLN_INVALID", () => gateway.PostAsync(body));
        var record = (await gateway.SpansFromAsync(0, 1))[0];

        Assert.DoesNotContain("secret", Text(record));
        Assert.Equal(ContentHash.Of(CanonicalJson.Parse(body).Utf8.Span), record.Payload.Text("submission_hash"));
        Assert.Equal("registry.person.create", record.Payload.Text("intent"));
    }

    internal static string Apply(string name, string manifest) => $$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:dev/{{{name}}}","payload":{"manifest":{{{manifest}}}}}""";

    internal static string Revoke(string kid = TestGateway.Kid) => TestGateway.Json(new { intent = "wallet.key.revoke", subject = "urn:wallet:dev", payload = new { kid, reason = "test" } });

    internal static string Text(SpanDocument span) => System.Text.Encoding.UTF8.GetString(span.Utf8);

    internal static SpanDocument SignedPerson(TestGateway gateway, SigningKey? key = null, string kid = TestGateway.Kid) => gateway.Sign(
        "registry.person.create", "contract", "urn:registry:person/joana", """{"kind":"registry/person.v1","name":"Joana","email":"j@example.com","country":"PT","consent":true}""", key, kid);

    private static Task<Answer> PostSignedAsync(TestGateway gateway, string what, SigningKey key, string kid)
    {
        var now = gateway.Time.GetUtcNow();
        switch (what)
        {
            case "span":
                return gateway.PostAsync(Text(SignedPerson(gateway, key, kid)));
            case "request":
                var body = System.Text.Encoding.UTF8.GetBytes(GatewayActs.Person());
                return gateway.PostAsync(body, request => request.SignRequest(body, key, kid));
            case "manifest":
                return gateway.PostAsync(Apply("web", TestGateway.Text(gateway.Manifest(key: key, kid: kid))));
            default:
                var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ts = now, Exp = now.AddMinutes(5) }.Sign(kid, key);
                return gateway.PostAsync($$$"""{"intent":"wallet.proof.submit","subject":"urn:wallet:dev","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
        }
    }
}
