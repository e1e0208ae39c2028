using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Tests.Ledger.Verification;

/// <summary>A data folder with a row in every table, left by a gateway that has stopped; nobody changes it.</summary>
public sealed class SmallLedger : IAsyncLifetime
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("logline-small-").FullName;

    public LedgerTrust Trust { get; private set; } = null!;

    /// <summary>The first token.</summary>
    public string ApiKey { get; private set; } = "";

    /// <summary>Where its run is still running.</summary>
    public FakeAdapter Adapter { get; } = new();

    /// <summary>All its rows.</summary>
    public IReadOnlyList<StoredRow> Rows { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        var gateway = await (await TestGateway.StartAsync([Adapter], folder: Folder, settings: WebhookActs.Settings())).RegisterKeyAsync();
        await FillAsync(gateway);
        await DeliverAsync(gateway);
        ApiKey = gateway.ApiKey;
        await gateway.StopAsync();
        using var ledger = StoredLedger.Open(Folder);
        Trust = ledger.Trust;
        Rows = [.. ledger.Read()];
    }

    /// <summary>Does whatever changes a table.</summary>
    public static async Task FillAsync(TestGateway gateway)
    {
        var reference = await gateway.ApplyAsync("web");
        await Ok(gateway.ProveAsync("web"));
        await Ok(gateway.ProveAsync("web", proof => proof with { Ref = reference, Env = "dev" }));
        await Ok(gateway.PostAsync(TestGateway.Deploy(reference), request => request.Set("Prefer", "wait=30")));
        await Ok(gateway.ProveAsync("web", proof => proof with { Allow = false }));
        await Ok(gateway.PostAsync(GatewayActs.Person("ana"), request => request.Set("Idempotency-Key", "key-1")));
        await Ok(gateway.PostAsync($"[{GatewayActs.Person("eva")},{GatewayActs.Person("ida")}]", request => request.Set("Idempotency-Key", "key-2")));
        await Ok(gateway.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"dataset.*","rate_per_minute":600}}"""));
        await Ok(gateway.PostAsync("""{"intent":"tenant.policy.set","subject":"urn:tenant:dev","payload":{"allow_privileged":false}}"""));
        await GrantAsync(gateway);
        await KeysAsync(gateway);
        Assert.Equal(HttpStatusCode.Created, (await gateway.PostAsync("""{"tenant":"other"}""", path: "/v1/tenants")).Status);
        Assert.Equal(HttpStatusCode.Created, (await gateway.PostAsync("""{"scopes":["read"],"env":"stg","expires_at":"2199-01-01T00:00:00Z"}""", path: "/v1/tokens")).Status);
    }

    /// <summary>A webhook whose receiver is away, a delivery that waits for it, and a ticket.</summary>
    public static async Task DeliverAsync(TestGateway gateway)
    {
        var (id, _) = await gateway.CreateWebhookAsync(new Uri("http://127.0.0.1:1/"), "registry.*");
        await Ok(gateway.PostAsync(GatewayActs.Person("rui")));
        await gateway.DeliveriesAsync(id, items => items.Count == 1 && items[0].Integer("attempts") > 0);
        await Ok(gateway.PostAsync("""{"origin":"https://page.example"}""", path: "/v1/stream/tickets"));
    }

    private static async Task GrantAsync(TestGateway gateway)
    {
        await Ok(gateway.PostAsync($$$"""{"intent":"wallet.grant.create","subject":"urn:wallet:dev","payload":{"grant":{{{Grant(gateway, "grant_1")}}}}}"""));
        await Ok(gateway.PostAsync("""{"intent":"wallet.grant.revoke","subject":"urn:wallet:dev","payload":{"grant_id":"grant_1"}}"""));
        // One that a manifest brings.
        await gateway.ApplyAsync("sealed", SignedManifest.Sign(
            CanonicalJson.Parse(
                $$$"""
                {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},"ts":"2026-11-20T12:00:00Z","deploy":{"image":"localhost/logline-test:1"},
                 "artifacts":[{"id":"artifact_1","type":"secret","hash":"{{{ContentHash.Of([1])}}}","enc":"xchacha20","wraps":[]}],"grants":[{{{Grant(gateway, "grant_2")}}}]}
                """),
            TestGateway.Kid, gateway.Key));
    }

    private static string Grant(TestGateway gateway, string id) => TestGateway.Text(SignedObject.Sign(
        CanonicalJson.Parse($$"""{"id":"{{id}}","artifact_id":"artifact_1","scope":["runtime:read"],"iat":"2026-11-20T12:00:00Z","ttl":"PT1H","aud":"podman","kid":"kid_sign_1"}"""),
        SignatureKind.Grant, gateway.Key, "ed25519:"));

    private static async Task KeysAsync(TestGateway gateway)
    {
        using var second = SigningKey.Generate();
        using var third = SigningKey.Generate();
        await Ok(gateway.PostAsync(TestGateway.KeyRegistration("kid_2", second, "sign")));
        var rotation = TestGateway.Json(new { old_kid = "kid_2", new_kid = "kid_3", new_pub = third.PublicKeyHex, pop = Possession.Sign(third, TestGateway.Tenant, "kid_3", third.PublicKeyHex, ["sign"]), kind = "wallet/key_rotation.v1" });
        await Ok(gateway.PostAsync(TestGateway.Text(CanonicalJson.Parse(gateway.Sign("wallet.key.rotate", "decision", "urn:wallet:dev", rotation, second, "kid_2").Utf8))));
        await Ok(gateway.PostAsync(TestGateway.Text(CanonicalJson.Parse(
            gateway.Sign("registry.person.create", "contract", "urn:registry:person/leo", """{"kind":"registry/person.v1","name":"Leo","email":"l@example.com","country":"PT","consent":true}""", third, "kid_3").Utf8))));
        await Ok(gateway.PostAsync("""{"intent":"wallet.key.revoke","subject":"urn:wallet:dev","payload":{"kid":"kid_3","reason":"lost"}}"""));
        await Ok(gateway.PostAsync("""{"intent":"wallet.key.revoke","subject":"urn:wallet:dev","payload":{"kid":"kid_2","reason":"lost as well"}}"""));
    }

    private static async Task Ok(Task<Answer> sent)
    {
        var answer = await sent;
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
    }

    /// <summary>A copy of the folder, to be damaged.</summary>
    public string Copy()
    {
        var copy = Directory.CreateTempSubdirectory("logline-copy-").FullName;
        Directory.CreateDirectory(Path.Combine(copy, "keys"));
        foreach (var file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            File.Copy(file, Path.Combine(copy, Path.GetRelativePath(Folder, file)));
        }
        return copy;
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
