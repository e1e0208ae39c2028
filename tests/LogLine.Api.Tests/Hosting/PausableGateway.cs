using System.Diagnostics;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Hosting;

/// <summary>The gateway as a process of its own, which can be killed and made to stand still.</summary>
internal sealed class PausableGateway : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;

    private PausableGateway(Process process, HttpClient client, string apiKey) => (_process, _client, ApiKey) = (process, client, apiKey);

    public string ApiKey { get; }

    /// <summary>Starts it on a folder; returns when it listens.</summary>
    /// <param name="folder">The data folder; it stays when the process ends.</param>
    /// <param name="settings">Its configuration.</param>
    /// <param name="apiKey">A token; null for the one that it makes at its first start.</param>
    public static async Task<PausableGateway> StartAsync(string folder, IEnumerable<KeyValuePair<string, string?>> settings, string? apiKey = null)
    {
        var process = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "LogLine.Api.dll"), "--data", folder, "--urls", "http://127.0.0.1:0", .. settings.Select(setting => $"--{setting.Key}={setting.Value}")])
        {
            RedirectStandardOutput = true,
        })!;
        string? line;
        do
        {
            line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("The gateway ended before it listened.");
        }
        while (!line.Contains("listens on ", StringComparison.Ordinal));
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        apiKey ??= JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "bootstrap.json"), TestContext.Current.CancellationToken)).RootElement.Text("api_key")!;
        var address = line[(line.IndexOf("listens on ", StringComparison.Ordinal) + "listens on ".Length)..].Split(';')[0].Trim().Trim('"');
        var client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };
        client.DefaultRequestHeaders.Authorization = new("ApiKey", apiKey);
        return new PausableGateway(process, client, apiKey);
    }

    /// <summary>Posts a body; with a key, always the same nonce and <paramref name="at"/>, so that it can be sent again as it was.</summary>
    public async Task<Answer> PostAsync(string body, string? key = null, DateTimeOffset? at = null, string path = "/v1/spans")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, null, "application/json") };
        request.Set("Idempotency-Key", key);
        request.Headers.Add("X-Nonce", key is null ? Guid.NewGuid().ToString("D") : "nonce-of-request-" + key);
        request.Headers.Add("X-Timestamp", Timestamps.Write(at ?? TimeProvider.System.GetUtcNow()));
        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>Makes it stand still, with all its connections open.</summary>
    public void Pause() => Signal("STOP");

    /// <summary>Lets it go on.</summary>
    public void Continue() => Signal("CONT");

    private void Signal(string name) => Process.Start("kill", ["-" + name, _process.Id.ToString()]).WaitForExit();

    /// <summary>Ends it as a machine that fails would.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.Kill(); // SIGKILL
        await _process.WaitForExitAsync();
        _process.Dispose();
        _client.Dispose();
    }
}
