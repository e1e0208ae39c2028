using System.Net;
using System.Text;
using LogLine.Api.Tests.Delivery;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger;

/// <summary><c>span.erase</c>: the content is gone wherever it was, and every proof still holds.</summary>
public sealed class ErasureTests(PostgresCluster cluster)
{
    private const string Secret = "Xenia Erasable";
    private const string Subject = "urn:registry:person/xenia-erasable";

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task ErasedSpan_IsGoneEverywhere_AndItsReceiptStillVerifies(string store)
    {
        await using var shared = store == "postgres" ? new SharedLedger(await cluster.CreateDatabaseAsync(), WebhookActs.Settings()) : null;
        await using var gateway = await (shared is null ? await TestGateway.StartAsync([new FakeAdapter()], settings: WebhookActs.Settings()) : await shared.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var (webhook, _) = await gateway.CreateWebhookAsync(new Uri("http://127.0.0.1:1/"), "registry.*");
        await gateway.PostAsync(GatewayActs.Person("before"));
        var ack = await gateway.PostAsync(Person(), request => request.Set("Idempotency-Key", "one-key"));
        await gateway.PostAsync(GatewayActs.Person("after"));
        var name = ack.Json.Text("this")!;
        Assert.Null(Receipt.TryRead(ack.Json, out var receipt));
        Assert.Contains(Secret, (await gateway.GetAsync("/v1/state/view?subject=" + Subject)).Body);
        using var live = await SpanStream.OpenAsync(gateway, "?intent=registry.*"); // so that the newest spans are in memory
        await gateway.DeliveriesAsync(webhook, items => items.Count >= 3);

        var erasing = await gateway.PostAsync(Erase(gateway, name));

        Assert.True(erasing.Status == HttpStatusCode.OK && erasing.Json.GetProperty("result").Flag("changed") == true, erasing.Body);
        var gone = await gateway.GetAsync("/v1/spans/" + name);
        Assert.Equal((HttpStatusCode.NotFound, "404_NOT_FOUND", "erased"), (gone.Status, gone.Code, gone.Json.Member("details").Text("reason")));
        Assert.Null(Receipt.TryRead((await gateway.GetAsync($"/v1/spans/{name}/receipt")).Json, out var again));
        Assert.Equal((receipt.Entry.Hash, null), (again.Entry.Hash, again.Verify(Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey))));
        Assert.DoesNotContain("Xenia", (await gateway.GetAsync("/v1/state/view?subject=" + Subject)).Body);
        Assert.DoesNotContain(await gateway.DeliveriesAsync(webhook, _ => true), item => item.Integer("seq") == receipt.LogIndex + 1);
        Assert.Equal("404_NOT_FOUND", (await gateway.PostAsync($$"""{"seq":{{receipt.LogIndex + 1}}}""", path: $"/v1/webhooks/{webhook}/replay")).Code);

        // A cursor goes over the place; a stream says that something was there.
        var page = (await gateway.PostAsync("""{"intent":"registry.*","limit":1000}""", path: "/v1/spans/query")).Json;
        Assert.Equal(["urn:registry:person/before", "urn:registry:person/after"], page.Items("items").Select(item => item.Text("subject")));
        using var replay = await SpanStream.OpenAsync(gateway, $"?after={receipt.LogIndex}");
        var blocks = new List<string>();
        while (blocks.Count == 0 || !blocks[^1].Contains("person/after", StringComparison.Ordinal))
        {
            blocks.Add(string.Join('\n', (await replay.BlockAsync())!));
        }
        Assert.Contains(blocks, block => block.StartsWith($"id: {receipt.LogIndex + 1}\nevent: gap", StringComparison.Ordinal) && block.Contains("\"erased\"", StringComparison.Ordinal));
        Assert.DoesNotContain(blocks, block => block.Contains("Xenia", StringComparison.Ordinal));

        // A retry gets the Ack of then, and what is erased is erased once.
        var retry = await gateway.PostAsync(Person(), request => request.Set("Idempotency-Key", "one-key"));
        Assert.Equal((true, ack.Json.GetProperty("receipt").GetRawText()), (retry.Json.Flag("replayed"), retry.Json.GetProperty("receipt").GetRawText()));
        Assert.False((await gateway.PostAsync(Erase(gateway, name))).Json.GetProperty("result").Flag("changed"));

        Assert.Equal([receipt.LogIndex], (await gateway.AssertWholeAsync()).Erased);
        if (shared is null)
        {
            // Not in the database, not in its write-ahead log, not in any other file.
            foreach (var file in Directory.EnumerateFiles(gateway.Folder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
            {
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                using var bytes = new MemoryStream();
                await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
                // Each of them long enough to stand nowhere by chance: keys, hashes and signatures are in these files as well.
                foreach (var secret in (string[])[Secret[1..], "enia@example", "xenia-erasable"])
                {
                    Assert.True(bytes.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, $"{file} still holds {secret}");
                }
            }
        }
    }

    [Fact]
    public async Task WhatCannotBeErased_IsRefused_WithTheReason()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var person = (await gateway.PostAsync(GatewayActs.Person())).Json.Text("this")!;
        await gateway.ApplyAsync("web");
        var (key, applied) = ((await NamesAsync(gateway, "wallet.key.register"))[0], (await NamesAsync(gateway, "minicontainer.applied"))[0]);

        // A token alone, or a key that may only sign, is not enough.
        var bare = await gateway.PostAsync($$$"""{"intent":"span.erase","subject":"urn:tenant:dev","payload":{"this":"{{{person}}}","reason":"r"}}""");
        Assert.Equal(("403_FORBIDDEN", "admin"), (bare.Code, bare.Json.Member("details").Text("required_key_usage")));
        using var signing = SigningKey.Generate();
        await gateway.PostAsync(TestGateway.KeyRegistration("kid_2", signing, "sign"));
        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync(Erase(gateway, person, signing, "kid_2"))).Code);
        var narrow = await gateway.AddTokenAsync(TestGateway.Tenant, "registry.*");
        Assert.Equal("403_FORBIDDEN", (await gateway.PostAsync(Erase(gateway, person), request => request.UseToken(narrow))).Code);

        foreach (var name in new[] { key, applied })
        {
            var refused = await gateway.PostAsync(Erase(gateway, name));
            Assert.Equal("409_LIFECYCLE_CONFLICT", refused.Code);
            Assert.Contains("on which the gateway builds", refused.Body);
        }
        Assert.Equal("404_NOT_FOUND", (await gateway.PostAsync(Erase(gateway, GatewayActs.NewThis()))).Code);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/spans/" + person)).Status);
    }

    private static string Person() =>
        TestGateway.Json(new { intent = "registry.person.create", subject = Subject, payload = new { name = Secret, email = "xenia@example.com", country = "PT", consent = true } });

    private static string Erase(TestGateway gateway, string name, SigningKey? key = null, string kid = TestGateway.Kid) => TestGateway.Text(CanonicalJson.Parse(
        gateway.Sign("span.erase", "decision", "urn:tenant:dev", TestGateway.Json(new { kind = "span/erase.v1", @this = name, reason = "asked for it" }), key, kid).Utf8));

    private static async Task<List<string>> NamesAsync(TestGateway gateway, string intent) =>
        [.. (await gateway.PostAsync(TestGateway.Json(new { intent }), path: "/v1/spans/query")).Json.Items("items").Select(item => item.Text("this")!)];
}
