using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Api;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Hosting;

/// <summary>
/// The real gateway on a real port, with a data folder of its own. Clock and targets can be replaced; nothing else is.
/// </summary>
public sealed class TestGateway : IAsyncDisposable
{
    /// <summary>The catalogue. It never changes, and reading it is most of what a start costs: once for all tests.</summary>
    public static readonly Lazy<Catalogue> Schemas = new(() => Catalogue.Load(new GatewayOptions().Schemas));

    private readonly bool _ownsFolder;
    private readonly WebApplication _app;
    private bool _isStopped;

    private TestGateway(WebApplication app, string folder, bool ownsFolder, string address, string apiKey)
    {
        (_app, Folder, _ownsFolder, ApiKey) = (app, folder, ownsFolder, apiKey);
        Client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(address) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", apiKey);
        Time = Services.GetRequiredService<TimeProvider>();
    }

    /// <summary>The tenant of the bootstrap token.</summary>
    public const string Tenant = "dev";

    public string Folder { get; }

    public string ApiKey { get; }

    public HttpClient Client { get; }

    public TimeProvider Time { get; }

    /// <summary>The application itself, to stop it under its clients.</summary>
    public WebApplication App => _app;

    public IServiceProvider Services => _app.Services;

    public SpanLedger Ledger => Services.GetRequiredService<SpanLedger>();

    /// <summary>A registered key (after <see cref="RegisterKeyAsync"/>).</summary>
    public SigningKey Key { get; private set; } = null!;

    public const string Kid = "kid_sign_1";

    /// <summary>Starts a gateway; with <paramref name="folder"/> on one that an earlier gateway left, with <paramref name="key"/> registered there.</summary>
    public static async Task<TestGateway> StartAsync(
        IEnumerable<IRunAdapter>? adapters = null, TimeProvider? time = null, string? folder = null, IDictionary<string, string?>? settings = null, Action<WebApplicationBuilder>? adjust = null,
        SigningKey? key = null, string? apiKey = null, string role = "all")
    {
        var data = folder ?? Path.Combine(Path.GetTempPath(), "logline-" + Guid.NewGuid().ToString("N"));
        var app = GatewayProgram.Build(["--role", role, "--data", data, "--urls", "http://127.0.0.1:0", "--Serilog:MinimumLevel:Default=Error", "--LogLine:Runner:DrainSeconds=0"], builder =>
        {
            if (time is not null)
            {
                builder.Services.AddSingleton(time);
            }
            if (settings is not null)
            {
                builder.Configuration.AddInMemoryCollection(settings);
                builder.Configuration.GetSection("LogLine").Bind(builder.Services.Single(service => service.ServiceType == typeof(GatewayOptions)).ImplementationInstance);
            }
            if (settings?.ContainsKey("LogLine:Schemas") != true)
            {
                builder.Services.AddSingleton(Schemas.Value);
            }
            builder.Services.AddSingleton(provider => new RunTargets(adapters ?? [], provider.GetRequiredService<TimeProvider>()));
            adjust?.Invoke(builder);
        });
        await app.PrepareAsync();
        var address = await app.OpenAsync();
        if (apiKey is null)
        {
            var bootstrap = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(data, "bootstrap.json")));
            apiKey = bootstrap.RootElement.GetProperty("api_key").GetString()!;
        }
        return new TestGateway(app, data, folder is null, address, apiKey) { Key = key! };
    }

    /// <summary>Registers <see cref="Key"/> as <see cref="Kid"/>, usage sign and admin.</summary>
    public async Task<TestGateway> RegisterKeyAsync()
    {
        Key = SigningKey.Generate();
        var answer = await PostAsync(KeyRegistration(Kid, Key, "sign", "admin"));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return this;
    }

    public static string KeyRegistration(string kid, SigningKey key, params string[] usage) => Json(new
    {
        intent = "wallet.key.register",
        subject = "urn:wallet:" + Tenant,
        payload = new { kid, pub = key.PublicKeyHex, usage, pop = Possession.Sign(key, Tenant, kid, key.PublicKeyHex, usage) },
    });

    /// <summary>A span of a client, complete and signed by <see cref="Key"/>.</summary>
    public SpanDocument Sign(string intent, string entityType, string subject, string payload, SigningKey? key = null, string kid = Kid) => new SpanDraft
    {
        Intent = intent,
        EntityType = entityType,
        Subject = subject,
        Actor = "usr_test",
        Ts = Time.GetUtcNow(),
        Payload = json =>
        {
            foreach (var member in CanonicalJson.Parse(payload).Root.EnumerateObject())
            {
                member.WriteTo(json);
            }
        },
    }.Sign(kid, key ?? Key);

    /// <summary>A signed manifest that runs <paramref name="deploy"/>.</summary>
    public CanonicalJson Manifest(string deploy = """{"image":"localhost/logline-test:1"}""", string tenant = Tenant, SigningKey? key = null, string kid = Kid) => SignedManifest.Sign(
        CanonicalJson.Parse($$"""{"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"{{tenant}}"},"deploy":{{deploy}},"ts":"2026-11-20T12:00:00Z"}"""),
        kid, key ?? Key);

    /// <summary>Applies a manifest under a name; its ref.</summary>
    public async Task<string> ApplyAsync(string name, CanonicalJson? manifest = null)
    {
        var answer = await PostAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:{{{Tenant}}}/{{{name}}}","payload":{"manifest":{{{Text(manifest ?? Manifest())}}}}}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer.Json.GetProperty("result").GetProperty("ref").GetString()!;
    }

    /// <summary>Submits a proof of <see cref="Key"/> for <c>deploy.allow</c> on a name.</summary>
    public Task<Answer> ProveAsync(string name, Func<ProofDraft, ProofDraft>? change = null)
    {
        var now = Time.GetUtcNow();
        var draft = new ProofDraft { Intent = "deploy.allow", Tenant = Tenant, Subject = $"urn:minicontainer:{Tenant}/{name}", Ts = now, Exp = now.AddMinutes(10) };
        draft = change is null ? draft : change(draft);
        return PostAsync($$$"""{"intent":"wallet.proof.submit","subject":"{{{draft.Subject}}}","payload":{"proof":{{{Text(draft.Sign(Kid, Key))}}}}}""");
    }

    public static string Deploy(string reference, string provider = "fake", string service = "web") =>
        Json(new { intent = "deploy.apply", subject = SubjectOf(reference), payload = new { @ref = reference, target = new { provider, service } } });

    /// <summary>Posts a body to <c>/v1/spans</c> with a fresh nonce and timestamp; <paramref name="change"/> has the last word on the headers.</summary>
    public Task<Answer> PostAsync(string body, Action<HttpRequestMessage>? change = null, string path = "/v1/spans") => PostAsync(Encoding.UTF8.GetBytes(body), change, path);

    /// <inheritdoc cref="PostAsync(string, Action{HttpRequestMessage}?)"/>
    public async Task<Answer> PostAsync(byte[] body, Action<HttpRequestMessage>? change = null, string path = "/v1/spans")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(Time.GetUtcNow()));
        change?.Invoke(request);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>Uploads bytes as an artifact; its name.</summary>
    public async Task<string> UploadAsync(byte[] bytes)
    {
        var name = ContentHash.Of(bytes);
        using var response = await Client.PutAsync("/v1/artifacts/" + name, new ByteArrayContent(bytes), TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return name;
    }

    public async Task<Answer> GetAsync(string path, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        change?.Invoke(request);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>The run once it stands in one of <paramref name="states"/>, as <c>GET /v1/runs/{id}</c> shows it.</summary>
    public async Task<JsonElement> RunInAsync(string runId, params string[] states)
    {
        var desk = Services.GetRequiredService<RunDesk>();
        while (true)
        {
            var moved = desk.Moved;
            var run = (await GetAsync("/v1/runs/" + runId)).Json;
            if (states.Contains(run.GetProperty("state").GetString()))
            {
                return run;
            }
            try
            {
                await moved.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            }
            catch (TimeoutException)
            {
                Assert.Fail($"{runId} is not {string.Join(" or ", states)} but {run}");
            }
        }
    }

    /// <summary>Stops the gateway and keeps its folder, for a next one. Asked again it does nothing.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _isStopped, true))
        {
            return;
        }
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    public static string Json(object value) => JsonSerializer.Serialize(value);

    public static string Text(CanonicalJson json) => Encoding.UTF8.GetString(json.Utf8.Span);

    private static string SubjectOf(string reference) => MiniContainerRef.TryParse(reference, out var parsed) ? parsed.Subject : "urn:minicontainer:dev/web";
}

/// <summary>An answer of the gateway, read whole.</summary>
public sealed record Answer(HttpStatusCode Status, string Body, HttpResponseHeaders Headers, string? ContentType)
{
    /// <summary>The body, where it says that it is JSON: a tile of hashes may begin with a brace as well.</summary>
    public JsonElement Json { get; } = ContentType?.EndsWith("json", StringComparison.Ordinal) is true && Body.Length > 0 ? JsonDocument.Parse(Body).RootElement.Clone() : default;

    /// <summary>The member <c>code</c>, wherever the kind of answer has it.</summary>
    public string? Code => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("code", out var code) ? code.GetString() : null;

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) =>
        new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers.ContentType?.MediaType);
}
