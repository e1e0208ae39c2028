using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Gate;

public sealed class WalletTests
{
    private const string Wallet = "urn:wallet:dev";

    [Fact]
    public async Task Rotation_SignedByOldKey_NewSignsOldNoLonger()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var next = SigningKey.Generate();

        var unsigned = await gateway.PostAsync($$"""{"intent":"wallet.key.rotate","subject":"{{Wallet}}","payload":{{Rotation("kid_2", next)}}}""");
        Assert.Equal("422_SIGNATURE_INVALID", unsigned.Code);
        var rotation = gateway.Sign("wallet.key.rotate", "decision", Wallet, Rotation("kid_2", next));
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(rotation.Utf8.ToArray())).Status);

        var old = gateway.Sign("dataset.create", "contract", "urn:dataset:dev/a", """{"kind":"dataset/create.v1","title":"A"}""");
        var refused = await gateway.PostAsync(old.Utf8.ToArray());
        Assert.Equal("retired_kid", refused.Json.GetProperty("details").Text("reason"));
        var current = gateway.Sign("dataset.create", "contract", "urn:dataset:dev/a", """{"kind":"dataset/create.v1","title":"A"}""", next, "kid_2");
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(current.Utf8.ToArray())).Status);
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, next, "sign"))).Code);
    }

    [Fact]
    public async Task RotationWithoutPossession_IsRefused()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var next = SigningKey.Generate();
        using var other = SigningKey.Generate();
        var payload = Rotation("kid_2", next, prover: other);

        var answer = await gateway.PostAsync(gateway.Sign("wallet.key.rotate", "decision", Wallet, payload).Utf8.ToArray());

        Assert.Equal("possession", answer.Json.GetProperty("details").Text("reason"));
    }

    [Theory]
    [InlineData(TestGateway.Kid)]
    [InlineData("kid_2")]
    public async Task RotationToAKidThatIsKnown_IsRefused_AndTheOldKeyStays(string known)
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var second = SigningKey.Generate();
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(TestGateway.KeyRegistration("kid_2", second, "sign"))).Status);

        var answer = await gateway.PostAsync(gateway.Sign("wallet.key.rotate", "decision", Wallet, Rotation(known, known == "kid_2" ? second : gateway.Key)).Utf8.ToArray());

        Assert.Equal(("/payload/new_kid", "consistency"), answer.Error());
        Assert.Equal(LogLine.Api.Ledger.KeyStatus.Active, (await gateway.Ledger.Store.FindKeyAsync("dev", TestGateway.Kid))!.Status);
    }

    [Fact]
    public async Task KidOfAnotherKey_HasNoSecondMeaning()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var other = SigningKey.Generate();

        var answer = await gateway.PostAsync(TestGateway.KeyRegistration(TestGateway.Kid, other, "sign"));

        Assert.Equal("422_SCHEMA_INVALID", answer.Code);
        Assert.Equal("consistency", answer.Json.GetProperty("errors")[0].Text("keyword"));
    }

    [Fact]
    public async Task LaterKey_NeedsAdminSignatureOrWalletScope()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var token = (await gateway.PostAsync("""{"scopes":["wallet.key.register"]}""", path: "/v1/tokens")).Json.Text("api_key")!;
        void As(HttpRequestMessage request) => request.Headers.Authorization = new("ApiKey", token);
        using var second = SigningKey.Generate();
        var body = TestGateway.KeyRegistration("kid_2", second, "sign");

        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync(body, As)).Code);
        var payload = CanonicalJson.Parse(body).Root.Member("payload").GetRawText().Replace("{\"kid\"", "{\"kind\":\"wallet/key.v1\",\"kid\"");
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(gateway.Sign("wallet.key.register", "decision", Wallet, payload).Utf8.ToArray(), As)).Status);
    }

    [Fact]
    public async Task AdminKeyAlone_ChangesKeysAndSignsNothingElse()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        using var admin = SigningKey.Generate();
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(TestGateway.KeyRegistration("kid_admin", admin, "admin"))).Status);

        var span = gateway.Sign("dataset.create", "contract", "urn:dataset:dev/a", """{"kind":"dataset/create.v1","title":"A"}""", admin, "kid_admin");
        Assert.Equal("usage", (await gateway.PostAsync(span.Utf8.ToArray())).Json.GetProperty("details").Text("reason"));
        var revocation = gateway.Sign("wallet.key.revoke", "decision", Wallet, $$"""{"kind":"wallet/key_revocation.v1","kid":"{{TestGateway.Kid}}","reason":"lost"}""", admin, "kid_admin");
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(revocation.Utf8.ToArray())).Status);
    }

    [Fact]
    public async Task Grant_IsRecordedOnceAndRevoked_ForgedOneIsRefused()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        string Grant(string id, string scope) => TestGateway.Text(SignedObject.Sign(CanonicalJson.Parse(
            $$"""{"id":"{{id}}","artifact_id":"secret_db","scope":["{{scope}}"],"iat":"2026-11-20T12:00:00Z","ttl":"P30D","aud":"podman","kid":"{{TestGateway.Kid}}"}"""), SignatureKind.Grant, gateway.Key, "ed25519:"));
        string Create(string grant) => $$$"""{"intent":"wallet.grant.create","subject":"{{{Wallet}}}","payload":{"grant":{{{grant}}}}}""";

        var created = await gateway.PostAsync(Create(Grant("grt_db", "runtime:read")));
        Assert.Equal(HttpStatusCode.OK, created.Status);
        Assert.True(created.Json.GetProperty("result").Flag("changed"));
        Assert.False((await gateway.PostAsync(Create(Grant("grt_db", "runtime:read")))).Json.GetProperty("result").Flag("changed"));
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(Create(Grant("grt_db", "runtime:write")))).Code);
        Assert.Equal("422_SIGNATURE_INVALID", (await gateway.PostAsync(Create(Grant("grt_2", "runtime:read").Replace("podman", "docker")))).Code);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Revoke("grt_db"))).Status);
        Assert.Equal("404_NOT_FOUND", (await gateway.PostAsync(Revoke("grt_9"))).Code);
    }

    private static string Revoke(string grantId) => TestGateway.Json(new { intent = "wallet.grant.revoke", subject = Wallet, payload = new { grant_id = grantId } });

    private static string Rotation(string kid, SigningKey next, SigningKey? prover = null) => TestGateway.Json(new
    {
        kind = "wallet/key_rotation.v1",
        old_kid = TestGateway.Kid,
        new_kid = kid,
        new_pub = next.PublicKeyHex,
        pop = Possession.Sign(prover ?? next, TestGateway.Tenant, kid, next.PublicKeyHex, ["sign", "admin"]),
    });
}
