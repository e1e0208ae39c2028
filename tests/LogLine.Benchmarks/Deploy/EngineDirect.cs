using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace LogLine.Benchmarks.Deploy;

/// <summary>The engine's own API over its socket, with the options that the gateway gives a container.</summary>
internal sealed class EngineDirect(Uri socket, string image) : IDisposable
{
    private const string Name = "logline-benchmark";

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket.AbsolutePath), cancel);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://engine") };

    /// <summary>Creates and starts a container, and removes it again; milliseconds of the first two.</summary>
    public async Task<double> CreateAndStartAsync()
    {
        var started = Stopwatch.GetTimestamp();
        var body = $$"""{"Image":"{{image}}","HostConfig":{"Init":true,"CapDrop":["ALL"],"SecurityOpt":["no-new-privileges"]} }""";
        using var created = await SendAsync(HttpMethod.Post, $"/v1.41/containers/create?name={Name}", body);
        var id = JsonElement.Parse(await created.Content.ReadAsStringAsync()).GetProperty("Id").GetString()!;
        using var running = await SendAsync(HttpMethod.Post, $"/v1.41/containers/{id}/start");
        var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        await RemoveAsync(id);
        return elapsed;
    }

    /// <summary>Removes a container, running or not.</summary>
    public async Task RemoveAsync(string name) => (await SendAsync(HttpMethod.Delete, $"/v1.41/containers/{name}?force=true")).Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        var response = await _http.SendAsync(request);
        return response.IsSuccessStatusCode ? response : throw new InvalidOperationException($"{method} {path}: {await response.Content.ReadAsStringAsync()}");
    }

    public void Dispose() => _http.Dispose();
}
