using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LogLine.Cli.Tests;

/// <summary>A request as it arrived.</summary>
internal sealed record Received(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public SpanDocument Span => SpanDocument.View(CanonicalJson.Parse(Body));
}

/// <summary>
/// Answers as a test says, on a free port: for what a sound gateway cannot be brought to do (refuse twice and then agree, cut a stream, speak nonsense).
/// </summary>
internal sealed class FaultyGateway : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FaultyGateway(WebApplication app) => _app = app;

    public ConcurrentQueue<Received> Requests { get; } = [];

    public IReadOnlyList<Received> Writes => [.. Requests.Where(request => request.Target == "/v1/spans")];

    public string Url => _app.Urls.Single();

    /// <param name="answer">Gets the context and the number of earlier requests to this path.</param>
    public static async Task<FaultyGateway> StartAsync(Func<HttpContext, Received, int, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var gateway = new FaultyGateway(builder.Build());
        gateway._app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            var received = new Received(http.Request.Method, http.Request.Path + http.Request.QueryString,
                http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
            var earlier = gateway.Requests.Count(request => request.Target == received.Target);
            gateway.Requests.Enqueue(received);
            await answer(http, received, earlier);
        });
        await gateway._app.StartAsync();
        return gateway;
    }

    /// <summary>A profile for this gateway with a registered key, as 'init' leaves it.</summary>
    public void Enrol(Terminal terminal)
    {
        using var key = LogLine.Protocol.Crypto.SigningKey.FromSeed(new byte[32]);
        var home = new Cli.Settings.HomeFolder(terminal.Home);
        Assert.Null(Cli.Settings.KeyFile.Write(home.KeyFile("default"), key, overwrite: false));
        Assert.Null(Cli.Settings.ProfileStore.Save(home, "default", new Cli.Settings.Profile
        {
            BaseUrl = Url, Tenant = "dev", Env = "dev", ApiKey = new Cli.Settings.SecretToken("tok_secret_123"), Kid = "kid_test", KeyFile = home.KeyFile("default"), ServerPublicKey = TestLog.PublicKey,
        }));
    }

    public static Task Json(HttpContext http, string json, int status = 200)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = status < 400 ? "application/json" : "application/problem+json";
        return http.Response.WriteAsync(json, Encoding.UTF8);
    }

    public static Task Problem(HttpContext http, string code, string detail, string details = "{}") =>
        Json(http, $$"""{"type":"/problems/{{code}}","title":"t","status":{{code[..3]}},"detail":"{{detail}}","code":"{{code}}","trace_id":"trace-9","retryable":false,"details":{{details}}}""", int.Parse(code[..3]));

    public static Task Ack(HttpContext http, Received received, Action<Utf8JsonWriter>? more = null) => Json(http, TestLog.Ack(received.Span, more));

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
