using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Builder;

namespace LogLine.Cli.Tests.Witness;

/// <summary>A gateway in this process, that asks witnesses if it is told some; its folder is the test's.</summary>
internal sealed class WitnessedGateway : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WitnessedGateway(WebApplication app, string folder, string address)
    {
        _app = app;
        var bootstrap = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "bootstrap.json"))).RootElement;
        LogKey = bootstrap.Text("server_public_key")!;
        Client = new HttpClient { BaseAddress = new Uri(address) };
        ApiKey = bootstrap.Text("api_key")!;
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", ApiKey);
    }

    public HttpClient Client { get; }

    public string LogKey { get; }

    public string ApiKey { get; }

    /// <summary>A new log in the folder, and its verifier key: what witnesses have to be told before they are asked.</summary>
    public static async Task<string> MakeAsync(string folder)
    {
        await using var gateway = await StartAsync(folder, 0);
        var keys = (await gateway.GetAsync("/v1/keys")).Json;
        return keys.Items("keys").Single(key => key.Text("use") == "log").Text("vkey")!;
    }

    public static async Task<WitnessedGateway> StartAsync(string folder, int quorum, params RunningWitness[] witnesses)
    {
        var settings = witnesses.SelectMany((witness, i) => new[] { $"--LogLine:Witnesses:List:{i}:Key={witness.VerifierKey}", $"--LogLine:Witnesses:List:{i}:Url={witness.Url}" });
        return await StartAsync(folder, [$"--LogLine:Witnesses:Quorum={quorum}", "--LogLine:Witnesses:Interval=00:00:00.01", .. settings]);
    }

    /// <summary>One without witnesses, on a PostgreSQL database.</summary>
    public static Task<WitnessedGateway> OnPostgresAsync(string folder, string database) => StartAsync(folder, ["--LogLine:Store=postgres", "--ConnectionStrings:Ledger=" + database]);

    private static async Task<WitnessedGateway> StartAsync(string folder, IEnumerable<string> settings)
    {
        var app = GatewayProgram.Build(["--data", folder, "--urls", "http://127.0.0.1:0", "--Serilog:MinimumLevel:Default=Fatal", .. settings]);
        await LogLine.Api.GatewayHost.PrepareAsync(app);
        return new WitnessedGateway(app, folder, await LogLine.Api.GatewayHost.OpenAsync(app));
    }

    /// <summary>Sends a span; its Ack.</summary>
    public Task<JsonElement> SendAsync(string name) => PostAsync(Person(name));

    /// <summary>Sends so many spans, with no key that would have to be remembered, in arrays of 100; their names, in order.</summary>
    public async Task<List<string>> FillAsync(int count)
    {
        var names = new List<string>();
        while (names.Count < count)
        {
            var acks = await PostAsync($"[{string.Join(',', Enumerable.Range(names.Count, Math.Min(100, count - names.Count)).Select(i => Person("p" + i)))}]");
            names.AddRange(acks.EnumerateArray().Select(ack => ack.Text("this")!));
        }
        return names;
    }

    private static string Person(string name) =>
        $$$"""{"intent":"registry.person.create","subject":"urn:registry:person/{{{name}}}","payload":{"name":"Ana","email":"ana@example.org","country":"PT","consent":true}}""";

    private async Task<JsonElement> PostAsync(string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/spans") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture));
        using var answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    public async Task<(int Status, string Text, JsonElement Json)> GetAsync(string path)
    {
        using var answer = await Client.GetAsync(path, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, text, answer.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) is true ? JsonDocument.Parse(text).RootElement : default);
    }

    /// <summary>The health of the witnesses, once it is as asked for.</summary>
    public async Task<JsonElement> HealthAsync(Func<JsonElement, bool> isSo)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        while (true)
        {
            var health = (await GetAsync("/healthz/ready")).Json.Member("witnesses");
            if (isSo(health))
            {
                return health;
            }
            Assert.False(patience.IsCancellationRequested, health.GetRawText());
            await Task.Delay(10, patience.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
