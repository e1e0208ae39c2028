using System.Collections.Concurrent;
using System.Security.Cryptography;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Artifacts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LogLine.Api.Tests.Primitives;

/// <summary>As much of a registry (OCI distribution spec 1.1) as an engine needs to push an image and to fetch it again. In memory; asks who it is only when it was told to.</summary>
internal sealed class SmallRegistry : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _blobs = new();
    private readonly ConcurrentDictionary<string, (byte[] Bytes, string Type)> _manifests = new();
    private readonly ConcurrentDictionary<string, MemoryStream> _uploads = new();
    private readonly WebApplication _app;

    private readonly string? _basic;

    private SmallRegistry(string? login)
    {
        _basic = login is null ? null : "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(login));
        var builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"]);
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Awaited when the first byte of a layer is on its way; the token ends with the connection of whoever asked for it.</summary>
    public Func<CancellationToken, Task> AmidLayer { get; set; } = _ => Task.CompletedTask;

    /// <summary>127.0.0.1:port.</summary>
    public string Host => new Uri(_app.Urls.First()).Authority;

    /// <param name="login"><c>user:password</c> that it wants, or null.</param>
    public static async Task<SmallRegistry> StartAsync(string? login = null)
    {
        var registry = new SmallRegistry(login);
        await registry._app.StartAsync();
        return registry;
    }

    /// <summary>The name of an image that this registry has alone; the gateway of <paramref name="lab"/> may push to <c>team/*</c> of it.</summary>
    public async Task<string> PushedAsync(PrimitiveLab lab)
    {
        var (name, image) = (lab.Name("slow"), $"{Host}/team/{lab.Name("slow")}:1");
        await lab.DoAsync("image.load", null, $$"""{"artifact":"{{await lab.Gateway.UploadAsync(new OciLayout("hello", name).Tar())}}","tag":"{{name}}:1"}""");
        await lab.DoAsync("image.push", null, $$"""{"image":"localhost/dev/{{name}}:1","to":"{{image}}"}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:1"}""");
        return image;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        http.Response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
        if (_basic is not null && http.Request.Headers.Authorization != _basic)
        {
            http.Response.StatusCode = 401;
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"small\"";
            return;
        }
        var (name, last) = (path[(path.LastIndexOf('/') + 1)..], path);
        if (path == "/v2/")
        {
            return;
        }
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        if (last.Contains("/blobs/uploads/"))
        {
            Upload(http, name, body);
        }
        else if (last.Contains("/blobs/"))
        {
            await ServeAsync(http, _blobs.GetValueOrDefault(name), "application/octet-stream", AmidLayer);
        }
        else if (http.Request.Method == "PUT")
        {
            var stored = (body.ToArray(), http.Request.ContentType!);
            _manifests[name] = _manifests[Digest(stored.Item1)] = stored;
            http.Response.Headers["Docker-Content-Digest"] = Digest(stored.Item1);
            http.Response.StatusCode = 201;
        }
        else
        {
            var found = _manifests.GetValueOrDefault(name);
            await ServeAsync(http, found.Bytes, found.Type);
        }
    }

    private void Upload(HttpContext http, string id, MemoryStream body)
    {
        if (http.Request.Method == "POST")
        {
            id = Guid.NewGuid().ToString("N");
            _uploads[id] = new MemoryStream();
        }
        body.WriteTo(_uploads[id]);
        http.Response.Headers.Location = $"{http.Request.Path.Value![..http.Request.Path.Value!.LastIndexOf("/uploads/", StringComparison.Ordinal)]}/uploads/{id}";
        http.Response.Headers["Docker-Upload-UUID"] = id;
        http.Response.Headers.Range = $"0-{Math.Max(0, _uploads[id].Length - 1)}";
        http.Response.StatusCode = 202;
        if (http.Request.Query["digest"] is [{ } digest])
        {
            _blobs[digest] = _uploads[id].ToArray();
            http.Response.Headers["Docker-Content-Digest"] = digest;
            http.Response.StatusCode = Digest(_blobs[digest]) == digest ? 201 : 400;
        }
    }

    private static async Task ServeAsync(HttpContext http, byte[]? bytes, string type, Func<CancellationToken, Task>? amid = null)
    {
        if (bytes is null)
        {
            http.Response.StatusCode = 404;
            return;
        }
        http.Response.ContentType = type;
        http.Response.ContentLength = bytes.Length;
        http.Response.Headers["Docker-Content-Digest"] = Digest(bytes);
        if (http.Request.Method != "HEAD")
        {
            await http.Response.Body.WriteAsync(bytes.AsMemory(0, 1));
            await http.Response.Body.FlushAsync();
            if (amid is not null && bytes[0] != '{') // an image's configuration is JSON
            {
                await amid(http.RequestAborted);
            }
            await http.Response.Body.WriteAsync(bytes.AsMemory(1));
        }
    }

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
