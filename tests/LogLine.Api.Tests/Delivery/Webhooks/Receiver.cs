using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>A delivery as a receiver gets it.</summary>
/// <param name="Status">What it was answered.</param>
internal sealed record Received(string Id, string Timestamp, string Signature, string Event, int Attempt, byte[] Body, int Status);

/// <summary>Somebody's server that takes webhooks: a real one, on a port of its own.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Received> _received = [];
    private readonly SemaphoreSlim _arrived = new(0);

    private Receiver(WebApplication app) => _app = app;

    /// <summary>What came, in the order in which it came, whatever was answered.</summary>
    public IReadOnlyList<Received> Received => [.. _received];

    public Uri Url => new(_app.Urls.First() + "/hook");

    /// <summary>The same under another name.</summary>
    public Uri At(string host) => new($"http://{host}:{Url.Port}/hook");

    /// <summary>Starts it; <paramref name="answer"/> answers instead of 200; the body is in <c>Items["body"]</c>.</summary>
    public static async Task<Receiver> StartAsync(Func<HttpContext, Task>? answer = null, string url = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls", url]);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var receiver = new Receiver(app);
        app.MapPost("/hook", async http =>
        {
            var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            var headers = http.Request.Headers;
            http.Items["body"] = System.Text.Encoding.UTF8.GetString(body.ToArray());
            try
            {
                await (answer?.Invoke(http) ?? Task.CompletedTask);
            }
            finally
            {
                receiver._received.Enqueue(new Received(
                    headers["webhook-id"]!, headers["webhook-timestamp"]!, headers["webhook-signature"]!, headers["X-LogLine-Event"]!, int.Parse(headers["X-LogLine-Attempt"]!), body.ToArray(),
                    http.Response.StatusCode));
                receiver._arrived.Release();
            }
        });
        await app.StartAsync();
        return receiver;
    }

    /// <summary>What came, once it is at least so much.</summary>
    public Task<IReadOnlyList<Received>> ReceiveAsync(int count) => ReceiveUntilAsync(received => received.Count >= count);

    /// <summary>What came, once it is as <paramref name="condition"/> wants it.</summary>
    public async Task<IReadOnlyList<Received>> ReceiveUntilAsync(Func<IReadOnlyList<Received>, bool> condition)
    {
        while (!condition(Received))
        {
            if (!await _arrived.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken))
            {
                Assert.Fail($"{_received.Count} deliveries came, and not what was waited for.");
            }
        }
        return Received;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
