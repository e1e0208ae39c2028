using System.Net;
using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Merkle;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Cli.Witness;

/// <summary>
/// A witness on HTTP (C2SP tlog-witness): <c>POST /add-checkpoint</c>, and for monitors <c>GET /&lt;SHA-256 of the origin, hex&gt;/checkpoint</c>. TLS is a proxy's.
/// </summary>
internal sealed class WitnessServer : IAsyncDisposable
{
    private const int MaxConnections = 512;
    private static readonly TimeSpan HeaderPatience = TimeSpan.FromSeconds(10);
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly WebApplication _app;

    private WitnessServer(WebApplication app) => _app = app;

    /// <summary>Where it listens, with the port that it got.</summary>
    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<WitnessServer> StartAsync(IPEndPoint listen, LogWitness witness, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = AddCheckpoint.MaxBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.RequestHeadersTimeout = HeaderPatience;
            kestrel.Listen(listen);
        });
        var app = builder.Build();
        var byHash = witness.Origins.ToDictionary(origin => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(origin))));
        app.Run(http => AnswerAsync(http, witness, byHash));
        try
        {
            await app.StartAsync(stop);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
        return new WitnessServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static Task AnswerAsync(HttpContext http, LogWitness witness, Dictionary<string, string> byHash)
    {
        var path = http.Request.Path.Value ?? "";
        if (path == "/add-checkpoint")
        {
            return HttpMethods.IsPost(http.Request.Method) ? AddAsync(http, witness) : NotAllowedAsync(http, "POST");
        }
        if (path.EndsWith("/checkpoint", StringComparison.Ordinal) && byHash.TryGetValue(path[1..^"/checkpoint".Length], out var origin))
        {
            return HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method) ? LatestAsync(http, witness, origin) : NotAllowedAsync(http, "GET, HEAD");
        }
        return WriteAsync(http, 404, "There is no such resource here.\n");
    }

    private static async Task AddAsync(HttpContext http, LogWitness witness)
    {
        string text;
        try
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            text = StrictUtf8.GetString(body.GetBuffer().AsSpan(0, (int)body.Length));
        }
        catch (DecoderFallbackException)
        {
            await WriteAsync(http, 400, "The request is not UTF-8.\n");
            return;
        }
        catch (BadHttpRequestException defect)
        {
            await WriteAsync(http, defect.StatusCode, $"A request has at most {AddCheckpoint.MaxBytes} bytes, sent without pauses.\n");
            return;
        }
        try
        {
            var answer = await witness.AddAsync(text, http.RequestAborted);
            await WriteAsync(http, Status(answer.Verdict), Text(answer), answer.Verdict == WitnessVerdict.OtherSize ? "text/x.tlog.size" : null);
        }
        catch (IOException)
        {
            await WriteAsync(http, 503, "The witness cannot record what it would cosign.\n");
        }
    }

    private static async Task LatestAsync(HttpContext http, LogWitness witness, string origin)
    {
        if (await witness.LatestAsync(origin, http.RequestAborted) is not { } note)
        {
            await WriteAsync(http, 404, "Nothing of this log was cosigned yet.\n");
            return;
        }
        http.Response.Headers.CacheControl = "public, max-age=2";
        await WriteAsync(http, 200, note);
    }

    private static int Status(WitnessVerdict verdict) => verdict switch
    {
        WitnessVerdict.Cosign => 200,
        WitnessVerdict.Malformed => 400,
        WitnessVerdict.NotSigned => 403,
        WitnessVerdict.UnknownLog => 404,
        WitnessVerdict.OtherSize => 409,
        _ => 422,
    };

    private static string Text(WitnessAnswer answer) => answer.Verdict switch
    {
        WitnessVerdict.Cosign => answer.Text,
        WitnessVerdict.OtherSize => answer.Text + "\n",
        WitnessVerdict.Malformed => "The request is malformed, or its old size is above the checkpoint's.\n",
        WitnessVerdict.NotSigned => "The checkpoint carries no valid signature of a key that is trusted for this log.\n",
        WitnessVerdict.UnknownLog => "This log is not watched here.\n",
        _ => "The checkpoint does not extend the one that was cosigned last: the consistency proof does not verify.\n",
    };

    private static Task NotAllowedAsync(HttpContext http, string allowed)
    {
        http.Response.Headers.Allow = allowed;
        return WriteAsync(http, 405, $"Only {allowed}.\n");
    }

    private static Task WriteAsync(HttpContext http, int status, string text, string? contentType = null)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType ?? "text/plain; charset=utf-8";
        http.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask();
    }
}
