using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>What tests do with webhooks.</summary>
internal static class WebhookActs
{
    /// <summary>Settings under which a test's own receiver may be reached.</summary>
    /// <param name="scale">Multiplies the waits between attempts.</param>
    public static Dictionary<string, string?> Settings(double scale = 1) => new()
    {
        ["LogLine:Webhooks:AllowPrivateAddresses"] = "true",
        ["LogLine:Webhooks:AllowHttp"] = "true",
        ["LogLine:Webhooks:RetryScale"] = scale.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <summary>Makes a webhook; its id and secret.</summary>
    public static async Task<(string Id, string Secret)> CreateWebhookAsync(this TestGateway gateway, Uri url, params string[] events)
    {
        var answer = await gateway.PostAsync(TestGateway.Json(new { url, events }), path: "/v1/webhooks");
        Assert.True(answer.Status == HttpStatusCode.Created, answer.Body);
        return (answer.Json.Text("id")!, answer.Json.Text("secret")!);
    }

    public static Task<Answer> DeleteAsync(this TestGateway gateway, string path) => gateway.PostAsync("", request => request.Method = HttpMethod.Delete, path);

    /// <summary>The log of a webhook's deliveries once it is as <paramref name="condition"/> wants it.</summary>
    public static async Task<List<System.Text.Json.JsonElement>> DeliveriesAsync(this TestGateway gateway, string id, Func<List<System.Text.Json.JsonElement>, bool> condition, string query = "")
    {
        for (var left = 12_000; ; left--)
        {
            var items = (await gateway.GetAsync($"/v1/webhooks/{id}/deliveries{query}")).Json.Items("items").ToList();
            if (condition(items))
            {
                return items;
            }
            Assert.True(left > 0, "The deliveries never came to be so: " + string.Join('\n', items));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>True when a delivery verifies under a shared secret, with the tests' own use of the specification.</summary>
    public static bool Verifies(this Received received, string secret) =>
        WebhookSignature.TryReadSecret(secret, out var bytes) && WebhookSignature.Verify(bytes, received.Id, received.Timestamp, received.Signature, received.Body, DateTimeOffset.UtcNow);

    public static System.Text.Json.JsonElement Json(this Received received) => CanonicalJson.Parse(received.Body).Root;
}
