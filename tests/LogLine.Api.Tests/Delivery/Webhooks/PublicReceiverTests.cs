using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>The receiver of docs/webhooks.md as it stands there: Node, and the public <c>standardwebhooks</c> package, behind a real delivery.</summary>
public sealed partial class PublicReceiverTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _secretFile = Path.GetTempFileName();
    private Process? _receiver;

    [Fact]
    public async Task WhatTheGatewayDelivers_ThePublicPackageVerifies_AndNothingElse()
    {
        var folder = NodeTools.Folder("src", "logline-sdk");
        var receiver = _receiver = Start(folder);
        var url = new Uri($"http://127.0.0.1:{(await LineAsync(receiver))[("listens on ".Length)..]}/hook");
        await using var gateway = await TestGateway.StartAsync(settings: WebhookActs.Settings());
        var (id, secret) = await gateway.CreateWebhookAsync(url, "registry.*");
        await File.WriteAllTextAsync(_secretFile, secret, TestContext.Current.CancellationToken);

        for (var i = 0; i < 5; i++)
        {
            await gateway.PostAsync(GatewayActs.Person("p" + i));
        }
        for (var i = 0; i < 5; i++)
        {
            // Other subjects may overtake each other.
            Assert.Matches(@"^msg_[0-9a-f]+_\d+ registry\.person\.create urn:registry:person/p\d$", await LineAsync(receiver));
        }
        var delivered = await gateway.DeliveriesAsync(id, items => items.Count(item => item.Text("state") == "delivered") == 5);
        Assert.All(delivered, item => Assert.Equal(204, item.Integer("status")));

        using var forger = new HttpClient();
        using var forged = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent("{}") };
        forged.Headers.Add("webhook-id", "msg_1");
        forged.Headers.Add("webhook-timestamp", DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture));
        forged.Headers.Add("webhook-signature", "v1," + Convert.ToBase64String(new byte[32]));
        Assert.Equal(HttpStatusCode.Unauthorized, (await forger.SendAsync(forged, TestContext.Current.CancellationToken)).StatusCode);

        // A rotated secret: both sign for a while, so that the receiver verifies under the old and the new one.
        var rotated = await gateway.PostAsync("{}", path: $"/v1/webhooks/{id}/rotate");
        await gateway.PostAsync(GatewayActs.Person("old"));
        Assert.EndsWith("person/old", await LineAsync(receiver), StringComparison.Ordinal);
        await File.WriteAllTextAsync(_secretFile, rotated.Json.Text("secret"), TestContext.Current.CancellationToken);
        await gateway.PostAsync(GatewayActs.Person("new"));
        Assert.EndsWith("person/new", await LineAsync(receiver), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _receiver?.Kill();
        _receiver?.Dispose();
        File.Delete(_secretFile);
    }

    private Process Start(string folder)
    {
        var program = Programs().Match(File.ReadAllText(Repository.At("docs", "webhooks.md"))).Groups["program"].Value;
        var start = new ProcessStartInfo("node", ["--input-type=module", "--eval", program]) { WorkingDirectory = folder, RedirectStandardOutput = true };
        start.Environment["PORT"] = "0";
        start.Environment["LOGLINE_WEBHOOK_SECRET_FILE"] = _secretFile;
        return Process.Start(start)!;
    }

    private static async Task<string> LineAsync(Process process) =>
        await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("The receiver ended.");

    [GeneratedRegex(@"```js\n(?<program>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Programs();
}
