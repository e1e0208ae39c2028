using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Benchmarks.Spans;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Servers;

/// <summary>The real gateway as a process of its own, on a real folder, with one key registered.</summary>
internal sealed class GatewayUnderTest : IAsyncDisposable
{
    private readonly HttpClient _client;
    private ServerProcess? _worker;

    private GatewayUnderTest(ServerProcess process, string folder, string tenant, string apiKey)
    {
        (Process, Folder, Tenant, ApiKey) = (process, folder, tenant, apiKey);
        _client = new HttpClient { BaseAddress = process.Address, Timeout = TimeSpan.FromMinutes(2) };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", apiKey);
    }

    public ServerProcess Process { get; }

    public string Folder { get; }

    public string Tenant { get; }

    public string ApiKey { get; }

    /// <summary>Registered as <see cref="SignedSpans.Kid"/>.</summary>
    public SigningKey Key { get; } = SigningKey.Generate();

    public static async Task<GatewayUnderTest> StartAsync(IReadOnlyDictionary<string, string?>? environment = null)
    {
        var folder = Directory.CreateTempSubdirectory("logline-benchmark-").FullName;
        var process = await ServerProcess.StartGatewayAsync(folder, environment);
        using var bootstrap = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "bootstrap.json")));
        var gateway = new GatewayUnderTest(process, folder, bootstrap.RootElement.Text("tenant")!, bootstrap.RootElement.Text("api_key")!);
        await gateway.RegisterAsync();
        return gateway;
    }

    /// <summary>Starts a worker of it in a process of its own, and waits until it serves that engine.</summary>
    public async Task StartWorkerAsync(string provider, IReadOnlyDictionary<string, string?> engine)
    {
        var token = (await PostToAsync("/v1/tokens", """{"scopes":["runner"]}""")).Text("api_key")!;
        _worker = ServerProcess.StartWorker(Path.Combine(Folder, "worker"), Process.Address, token, engine);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await GetAsync("/healthz/ready")).GetProperty("engines").GetProperty(provider).GetProperty("available").ValueKind != JsonValueKind.True)
        {
            await Task.Delay(20, patience.Token);
        }
    }

    private async Task RegisterAsync()
    {
        var (pub, usage) = (Key.PublicKeyHex, new[] { "sign", "admin" });
        await PostAsync(JsonSerializer.Serialize(new
        {
            intent = "wallet.key.register",
            subject = "urn:wallet:" + Tenant,
            payload = new { kid = SignedSpans.Kid, pub, usage, pop = Possession.Sign(Key, Tenant, SignedSpans.Kid, pub, usage) },
        }));
    }

    /// <summary>Posts one span; the Ack.</summary>
    public Task<JsonElement> PostAsync(string span, int waitSeconds = 0) => PostToAsync("/v1/spans", span, waitSeconds);

    /// <summary>Posts a write to a route; its answer.</summary>
    public async Task<JsonElement> PostToAsync(string path, string span, int waitSeconds = 0)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(span, Encoding.UTF8, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("N"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(TimeProvider.System.GetUtcNow()));
        if (waitSeconds > 0)
        {
            request.Headers.Add("Prefer", $"wait={waitSeconds}");
        }
        using var response = await _client.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonElement.Parse(body)
            : throw new InvalidOperationException($"The gateway answered {(int)response.StatusCode}: {body}");
    }

    /// <summary>Reads a resource.</summary>
    public async Task<JsonElement> GetAsync(string path) => JsonElement.Parse(await _client.GetByteArrayAsync(path));

    /// <summary>The buckets of a histogram without labels as <c>/metrics</c> has it: upper bounds in seconds, and how many values each has, those of the ones before included.</summary>
    public async Task<IReadOnlyList<(double Bound, long Count)>> HistogramAsync(string name)
    {
        var start = name + "_bucket{le=\"";
        return [.. (await _client.GetStringAsync("/metrics")).Split('\n').Where(line => line.StartsWith(start, StringComparison.Ordinal)).Select(line =>
        {
            var (bound, count) = (line[start.Length..line.IndexOf("\"}", StringComparison.Ordinal)], line[(line.LastIndexOf(' ') + 1)..]);
            return (bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture), long.Parse(count, CultureInfo.InvariantCulture));
        })];
    }

    /// <summary>The sum of a metric, as <c>/metrics</c> has it now.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="label">One of its labels with its value, as it stands there; all of them when left out.</param>
    public async Task<double> SumAsync(string name, string label = "") => (await _client.GetStringAsync("/metrics")).Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is '{' or ' ' && line.Contains(label, StringComparison.Ordinal))
        .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));

    /// <summary>Ends the gateway; the folder stays until this object is disposed.</summary>
    public ValueTask StopAsync() => Process.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        Key.Dispose();
        if (_worker is not null)
        {
            await _worker.DisposeAsync();
        }
        await Process.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
