using System.Net;
using System.Text;
using LogLine.Api;
using LogLine.Api.Gate;
using LogLine.Api.Runs;
using LogLine.Fuzz.Targets;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace LogLine.Fuzz.Hosting;

/// <summary>
/// The real gateway with a data folder of its own, without a network, on a clock that stands still, and with nothing that acts by itself (no worker, no webhook
/// leaves it). It knows a key, a manifest and a proof.
/// </summary>
internal sealed class FuzzGateway : IDisposable
{
    /// <summary>What time it is.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);
    private static readonly Lazy<Catalogue> Schemas = new(() => Catalogue.Load(new GatewayOptions().Schemas));
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-fuzz-").FullName;
    private readonly MemoryServer _server = new();
    private readonly ErrorLog _errors = new();
    private readonly OneThread _thread = new();
    private readonly WebApplication _app;
    private readonly string _token;

    private FuzzGateway(bool podman)
    {
        _app = GatewayProgram.Build(["--data", _folder, "--Serilog:MinimumLevel:Default=Fatal"], builder => Adjust(builder, podman));
        OffContext(_app.PrepareAsync);
        OffContext(_app.OpenAsync);
        _token = CanonicalJson.Parse(File.ReadAllBytes(Path.Combine(_folder, "bootstrap.json"))).Root.Text("api_key")!;
    }

    /// <summary>The catalogue of the repository, read once.</summary>
    public static Catalogue Catalogue => Schemas.Value;

    public IServiceProvider Services => _app.Services;

    /// <summary>The ref of the manifest that it knows.</summary>
    public static string Ref { get; } = MiniContainerRef.Of(Signer.Tenant, "web", Manifest().Root).ToString();

    /// <summary>Starts one.</summary>
    /// <param name="podman">Whether this target is up, which the catalogue's examples name; docker is.</param>
    public static FuzzGateway Open(bool podman)
    {
        var gateway = new FuzzGateway(podman);
        foreach (var span in Acts())
        {
            var answer = gateway.Send(Post("/v1/spans", span, Guid.NewGuid().ToString("N")));
            if (answer.Status != 200)
            {
                throw new InvalidOperationException($"The gateway did not take what it should know: {Encoding.UTF8.GetString(answer.Body)}");
            }
        }
        // Composed once, when it is asked for first: not the doing of a request.
        gateway.Send(new FuzzRequest("GET", "/openapi/v1.json", [], []));
        return gateway;
    }

    /// <summary>A write with everything that it needs.</summary>
    public static FuzzRequest Post(string path, byte[] body, string nonce, string method = "POST") => new(
        method, path, [("Authorization", "ApiKey " + FuzzRequest.Token), ("Content-Type", "application/json"), ("X-Nonce", nonce), ("X-Timestamp", Timestamps.Write(Now))], body);

    /// <summary>Sends a request and waits for the answer, on this thread.</summary>
    /// <exception cref="BrokenPromiseException">The gateway logged an error, or does not end a request whose client has gone.</exception>
    public FuzzAnswer Send(FuzzRequest request)
    {
        using var aborted = new CancellationTokenSource();
        using var body = new MemoryStream();
        var features = Features(request, body, aborted);
        var ended = Run(() => _server.ProcessAsync(features), aborted.Cancel);
        if (_errors.Take() is { } logged)
        {
            throw new BrokenPromiseException(logged);
        }
        if (!ended)
        {
            throw new BrokenPromiseException("The request does not end, although its client has gone.");
        }
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        return aborted.IsCancellationRequested ? new FuzzAnswer(0, null, []) : new FuzzAnswer(response.StatusCode, response.Headers.ContentType, body.ToArray());
    }

    /// <summary>Runs work of the gateway's on this thread.</summary>
    public bool Run(Func<Task> work, Action end) => _thread.Run(work, Idle, end);

    private FeatureCollection Features(FuzzRequest request, MemoryStream body, CancellationTokenSource aborted)
    {
        var query = request.Target.IndexOf('?');
        var headers = new HeaderDictionary { ["Host"] = "localhost" };
        foreach (var (name, value) in request.Headers)
        {
            headers.Append(name, value.Replace(FuzzRequest.Token, _token, StringComparison.Ordinal));
        }
        if (request.Body.Length > 0)
        {
            headers.ContentLength = request.Body.Length;
        }
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = request.Method, Scheme = "http", Protocol = "HTTP/1.1", RawTarget = request.Target, Headers = headers, Body = new MemoryStream(request.Body),
            Path = PathString.FromUriComponent(query < 0 ? request.Target : request.Target[..query]).Value!, QueryString = query < 0 ? "" : request.Target[query..],
        });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = aborted.Token });
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = IPAddress.Loopback, LocalIpAddress = IPAddress.Loopback });
        return features;
    }

    private void Adjust(WebApplicationBuilder builder, bool podman)
    {
        builder.Logging.AddProvider(_errors);
        foreach (var acting in builder.Services.Where(service => service.ServiceType == typeof(IHostedService) && IsOurs(service)).ToList())
        {
            builder.Services.Remove(acting);
        }
        builder.Services.AddHostedService(provider => provider.GetRequiredService<RefusalLog>());
        builder.Services.AddSingleton<IServer>(_server);
        builder.Services.AddSingleton<TimeProvider>(new StoppedClock());
        builder.Services.AddSingleton(Catalogue);
        builder.Services.AddSingleton(provider => new RunTargets([new MemoryTarget("podman", Catalogue, podman), new MemoryTarget("docker", Catalogue, isUp: true)], provider.GetRequiredService<TimeProvider>()));
    }

    private static bool IsOurs(ServiceDescriptor service) =>
        (service.ImplementationType ?? service.ImplementationFactory?.Method.DeclaringType)?.Assembly == typeof(GatewayOptions).Assembly
        || service.ImplementationFactory?.Method.ReturnType.Assembly == typeof(GatewayOptions).Assembly;

    private static IEnumerable<byte[]> Acts()
    {
        var (pub, usage) = (Signer.Key.PublicKeyHex, new[] { "sign", "admin" });
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = Signer.Tenant, Subject = "urn:minicontainer:dev/web", Ts = Now, Exp = Now.AddMinutes(14) }.Sign(Signer.Kid, Signer.Key);
        yield return Span("wallet.key.register", "urn:wallet:dev", $$"""{"kid":"{{Signer.Kid}}","pub":"{{pub}}","usage":["sign","admin"],"pop":"{{Possession.Sign(Signer.Key, Signer.Tenant, Signer.Kid, pub, usage)}}"}""");
        yield return Span("minicontainer.apply", "urn:minicontainer:dev/web", $$"""{"manifest":{{Text(Manifest())}} }""");
        yield return Span("wallet.proof.submit", "urn:minicontainer:dev/web", $$"""{"proof":{{Text(proof)}} }""");
    }

    private static byte[] Span(string intent, string subject, string payload) => Encoding.UTF8.GetBytes($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{{payload}} }""");

    private static CanonicalJson Manifest() => SignedManifest.Sign(
        CanonicalJson.Parse("""{"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_1","tenant":"dev"},"deploy":{"image":"localhost/web:1"},"ts":"2026-11-20T12:00:00Z"}"""), Signer.Kid, Signer.Key);

    private static string Text(CanonicalJson json) => Encoding.UTF8.GetString(json.Utf8.Span);

    private static void OffContext(Func<Task> work) => Task.Run(work).GetAwaiter().GetResult();

    public void Dispose()
    {
        OffContext(async () =>
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        });
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
