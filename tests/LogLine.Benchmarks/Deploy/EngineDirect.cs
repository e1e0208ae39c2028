using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace LogLine.Benchmarks.Deploy;

/// <summary>The engine's own API over its socket, with the options that the gateway gives a container.</summary>
internal sealed class EngineDirect(Uri socket, string image) : IDisposable
{
    private const string Name = "logline-benchmark";
    private const int LateWordMs = 25;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) => new NetworkStream(await ConnectAsync(socket, cancel), ownsSocket: true),
    })
    { BaseAddress = new Uri("http://engine") };

    /// <summary>The process that listens on the socket, as the kernel knows it (unix(7), SO_PEERCRED).</summary>
    public async Task<Process> ProcessAsync()
    {
        const int SocketLevel = 1, PeerCredentials = 17;
        using var connection = await ConnectAsync(socket, CancellationToken.None);
        var credentials = new byte[3 * sizeof(int)];
        connection.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return Process.GetProcessById(BitConverter.ToInt32(credentials));
    }

    /// <summary>Creates and starts a container, and removes it again; milliseconds of the first two.</summary>
    public async Task<double> CreateAndStartAsync()
    {
        var started = Stopwatch.GetTimestamp();
        await CreateAndStartAsync(Name);
        var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        await RemoveAsync(Name);
        return elapsed;
    }

    /// <summary>Creates and starts a container of that name.</summary>
    public async Task CreateAndStartAsync(string name)
    {
        using var created = await SendAsync(HttpMethod.Post, $"/v1.41/containers/create?name={name}", Request("{}"));
        var id = await IdAsync(created);
        using var running = await SendAsync(HttpMethod.Post, $"/v1.41/containers/{id}/start");
    }

    /// <summary>Runs a command to its end and looks at how it ended, as every client has to.</summary>
    public async Task ExecAsync(string container, string command)
    {
        using var prepared = await SendAsync(HttpMethod.Post, $"/v1.41/containers/{container}/exec", $$"""{"Cmd":["{{command}}"],"AttachStdout":true,"AttachStderr":true}""");
        var id = await IdAsync(prepared);
        using var ended = await SendAsync(HttpMethod.Post, $"/v1.41/exec/{id}/start", """{"Detach":false,"Tty":false}""");
        await GetAsync($"/exec/{id}/json");
    }

    /// <summary>Reads to the end.</summary>
    public async Task GetAsync(string path) => (await SendAsync(HttpMethod.Get, "/v1.41" + path)).Dispose();

    /// <summary>Does something, with arguments in JSON or without.</summary>
    public async Task PostAsync(string path, string? body = null) => (await SendAsync(HttpMethod.Post, "/v1.41" + path, body)).Dispose();

    /// <summary>Takes something away.</summary>
    public async Task DeleteAsync(string path) => (await SendAsync(HttpMethod.Delete, "/v1.41" + path)).Dispose();

    /// <summary>Creates a container of that name with labels, in JSON.</summary>
    public Task CreateAsync(string name, string labels) => PostAsync($"/containers/create?name={name}", Request(labels));

    /// <summary>Thaws a container for good: Docker hears of a freeze from its runtime a moment late, and then takes what was thawed since for frozen again.</summary>
    public async Task ThawAsync(string container)
    {
        do
        {
            await PostAsync($"/containers/{container}/unpause");
            await Task.Delay(LateWordMs);
        }
        while (await IsPausedAsync(container));
    }

    /// <summary>Freezes a container for good, which may have been thawed a moment ago: Docker hears late of that as well.</summary>
    public async Task FreezeAsync(string container)
    {
        do
        {
            await Task.Delay(LateWordMs);
            await PostAsync($"/containers/{container}/pause");
            await Task.Delay(LateWordMs);
        }
        while (!await IsPausedAsync(container));
    }

    /// <summary>Removes a container if there is one.</summary>
    public async Task RemoveIfThereAsync(string name)
    {
        using var answer = await _http.DeleteAsync($"/v1.41/containers/{name}?force=true");
    }

    /// <summary>Removes a container, running or not.</summary>
    public Task RemoveAsync(string name) => DeleteAsync($"/containers/{name}?force=true");

    private string Request(string labels) => $$"""{"Image":"{{image}}","Labels":{{labels}},"HostConfig":{"Init":true,"CapDrop":["ALL"],"SecurityOpt":["no-new-privileges"]} }""";

    private static async Task<Socket> ConnectAsync(Uri socket, CancellationToken cancel)
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket.AbsolutePath), cancel);
        return connection;
    }

    private async Task<bool> IsPausedAsync(string container)
    {
        using var shown = await SendAsync(HttpMethod.Get, $"/v1.41/containers/{container}/json");
        return JsonElement.Parse(await shown.Content.ReadAsStringAsync()).GetProperty("State").GetProperty("Paused").GetBoolean();
    }

    private static async Task<string> IdAsync(HttpResponseMessage response) => JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("Id").GetString()!;

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        var response = await _http.SendAsync(request);
        return response.IsSuccessStatusCode ? response : throw new InvalidOperationException($"{method} {path}: {await response.Content.ReadAsStringAsync()}");
    }

    public void Dispose() => _http.Dispose();
}
