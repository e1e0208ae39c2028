using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>The gateway is killed with <c>kill -9</c> while deliveries are on their way, and started again on the same folder.</summary>
public sealed class WebhookCrashTests : IAsyncDisposable
{
    private const int Events = 40;
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-crash-").FullName;
    private HttpClient _client = new();
    private Process? _gateway;

    [Fact]
    public async Task KilledWhileDelivering_DeliversAgainUnderTheSameIds_InOrder()
    {
        var hold = new TaskCompletionSource();
        await using var receiver = await Receiver.StartAsync(async http =>
        {
            if (((string)http.Items["body"]!).Contains("person/p1\"", StringComparison.Ordinal))
            {
                await hold.Task.WaitAsync(http.RequestAborted);
            }
        });
        await StartAsync();
        var made = await PostAsync("/v1/webhooks", TestGateway.Json(new { url = receiver.Url, events = new[] { "registry.*" } }));
        await PostAsync("/v1/spans", "[" + string.Join(',', Enumerable.Range(0, Events).Select(i => GatewayActs.Person("p" + (i % 4)))) + "]");
        // Those of the other subjects are through, and not yet recorded; one is on its way.
        await receiver.ReceiveAsync(Events * 3 / 4);
        Kill();
        await StartAsync();
        hold.SetResult();
        var taken = await receiver.ReceiveUntilAsync(all => all.Where(one => one.Status == 200).Select(one => one.Id).Distinct().Count() == Events);

        Assert.All(taken, one => Assert.True(one.Verifies(made.Text("secret")!)));
        foreach (var subject in taken.Where(one => one.Attempt > 0).GroupBy(one => one.Json().GetProperty("span").Text("subject")))
        {
            // A round is repeated as a whole at most: what comes again comes in the same order.
            var first = subject.Select(one => one.Id).Distinct().ToList();
            Assert.Equal(first.OrderBy(id => long.Parse(id[(id.LastIndexOf('_') + 1)..])), first);
        }
        Assert.Equal(Events, taken.Select(one => one.Id).Distinct().Count());
    }

    private async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "LogLine.Api.dll"), "--data", _folder, "--urls", "http://127.0.0.1:0",
            .. WebhookActs.Settings(0.001).Select(setting => $"--{setting.Key}={setting.Value}")]) { RedirectStandardOutput = true };
        _gateway = Process.Start(start)!;
        string? line;
        do
        {
            line = await _gateway.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("The gateway ended before it listened.");
        }
        while (!line.Contains("listens on", StringComparison.Ordinal));
        _ = _gateway.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var bootstrap = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder, "bootstrap.json"), TestContext.Current.CancellationToken)).RootElement;
        _client.Dispose();
        _client = new HttpClient { BaseAddress = new Uri(bootstrap.Text("base_url")!) };
        _client.DefaultRequestHeaders.Authorization = new("ApiKey", bootstrap.Text("api_key"));
    }

    private async Task<JsonElement> PostAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, null, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(DateTimeOffset.UtcNow));
        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, answer.ToString());
        return answer;
    }

    private void Kill()
    {
        _gateway!.Kill(); // SIGKILL
        _gateway.WaitForExit();
        _gateway.Dispose();
        _gateway = null;
    }

    public ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            Kill();
        }
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
        return default;
    }
}
