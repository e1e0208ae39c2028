using System.Net;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Tenants;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Gate;

/// <summary>Keys of a tenant: registered with possession, bound for good, revoked at once (contract, section 6).</summary>
public sealed class KeyTests
{
    [Theory]
    [InlineData("kid")]
    [InlineData("pub")]
    [InlineData("usage")]
    [InlineData("tenant")]
    public async Task PossessionOfSomethingElse_IsRefused(string what)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var key = SigningKey.Generate();
        using var other = SigningKey.Generate();
        var pop = what switch
        {
            "kid" => Possession.Sign(key, "dev", "another", key.PublicKeyHex, ["sign"]),
            "pub" => Possession.Sign(other, "dev", "kid_2", key.PublicKeyHex, ["sign"]),
            "usage" => Possession.Sign(key, "dev", "kid_2", key.PublicKeyHex, ["sign", "admin"]),
            _ => Possession.Sign(key, "other", "kid_2", key.PublicKeyHex, ["sign"]),
        };

        var answer = await gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () => gateway.PostAsync(Registration("kid_2", key.PublicKeyHex, ["sign"], pop)));

        Assert.Equal("possession", answer.Detail("reason"));
    }

    [Fact]
    public async Task SameKeyAgain_ChangesNothing()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();

        var again = await gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, gateway.Key, "admin", "sign"));

        Assert.False(again.Json.GetProperty("result").GetProperty("changed").GetBoolean());
    }

    [Fact]
    public async Task KidOfAnotherKey_IsBoundForGood()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var other = SigningKey.Generate();

        var answer = await gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, other, "sign", "admin")));
        Assert.Equal(("/payload/kid", "consistency"), answer.Error());
        await gateway.PostAsync(BadInputTests.Revoke());
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, other, "sign", "admin"))).Code);
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, gateway.Key, "sign", "admin"))).Code);
    }

    [Fact]
    public async Task UsageOfAKid_DoesNotChange()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();

        var answer = await gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, gateway.Key, "sign"));

        Assert.Equal(("/payload/usage", "consistency"), answer.Error());
    }

    [Theory]
    [InlineData("admin", true)]
    [InlineData("sign", false)]
    public async Task TokenWithoutTheRight_NeedsASpanOfAnAdminKey(string usage, bool allowed)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var key = SigningKey.Generate();
        using var next = SigningKey.Generate();
        await gateway.PostAsync(TestGateway.KeyRegistration("kid_a", key, usage == "sign" ? ["sign"] : ["sign", usage]));
        var token = await gateway.AddTokenAsync("dev", "wallet.*");
        var registration = CanonicalJson.Parse(TestGateway.KeyRegistration("kid_b", next, "sign")).Root;
        var payload = TestGateway.Text(CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteString("kind", "wallet/key.v1");
            foreach (var member in registration.GetProperty("payload").EnumerateObject())
            {
                member.WriteTo(json);
            }
            json.WriteEndObject();
        }));

        var unsigned = await gateway.PostAsync(TestGateway.KeyRegistration("kid_b", next, "sign"), request => request.UseToken(token));
        var signed = await gateway.PostAsync(BadInputTests.Text(gateway.Sign("wallet.key.register", "decision", "urn:wallet:dev", payload, key, "kid_a")), request => request.UseToken(token));

        Assert.Equal("403_FORBIDDEN", unsigned.Code);
        Assert.Equal(allowed ? null : "403_FORBIDDEN", signed.Code);
    }

    [Fact]
    public async Task RevocationBetweenJudgementAndCommit_StillRefuses()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var gate = gateway.Services.GetRequiredService<TdlnGate>();
        var span = CanonicalJson.Parse(BadInputTests.SignedPerson(gateway).Utf8);
        using var verdict = await gate.JudgeAsync(new Submission
        {
            Principal = new TenantPrincipal("tok_test", "dev", "dev", ["*"]), Env = "dev", Method = "POST", Path = "/v1/spans", Body = span,
            ReceivedAt = gateway.Time.GetUtcNow(), TraceId = new string('0', 32), Nonce = Guid.NewGuid().ToString(), Timestamp = Timestamps.Write(gateway.Time.GetUtcNow()),
        }, TestContext.Current.CancellationToken);
        Assert.NotNull(verdict.Items.Single().Admitted);

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(BadInputTests.Revoke())).Status);
        var outcome = await gateway.Ledger.AppendAsync(verdict.ToAppend([null])!)!;

        Assert.Equal(AppendConflict.Signer, outcome.Conflict);
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.GetAsync("/v1/spans/" + SpanDocument.View(span).This)).Status);
    }

    [Fact]
    public async Task SecondRevocation_LeavesTheFirstInForce()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var first = await gateway.PostAsync(BadInputTests.Revoke());
        await gateway.PostAsync(BadInputTests.Revoke());

        Assert.Equal(first.Json.GetProperty("receipt").GetProperty("log_index").GetInt64(), (await gateway.Ledger.Store.FindKeyAsync("dev", TestGateway.Kid))!.UntilIndex);
    }

    [Fact]
    public async Task RevocationOfAnUnknownKid_IsNotFound()
    {
        await using var gateway = await TestGateway.StartAsync();

        await gateway.AssertRefusedAsync("404_NOT_FOUND", () => gateway.PostAsync(BadInputTests.Revoke("kid_nobody")));
    }

    private static string Registration(string kid, string pub, string[] usage, string pop) =>
        TestGateway.Json(new { intent = "wallet.key.register", subject = "urn:wallet:dev", payload = new { kid, pub, usage, pop } });
}
