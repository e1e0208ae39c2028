using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LogLine.Api.Adapters.Engine;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>
/// A Unix socket in a folder of its own, or a TCP port that the system chose, that answers each request with bytes of the test's choice: for what no real engine does on
/// demand. An answer of null leaves the caller waiting.
/// </summary>
internal sealed class FakeEngine : IAsyncDisposable
{
    public const string Version = """{"Version":"99.1","ApiVersion":"1.52","MinAPIVersion":"1.44","Components":[{"Name":"Engine"}]}""";

    readonly string folder = Directory.CreateTempSubdirectory("lle").FullName;
    readonly CancellationTokenSource stop = new();
    readonly ConcurrentQueue<string> requests = new();
    readonly Func<string, byte[]?> answer;
    readonly Socket listener;
    readonly Task accepting;

    /// <param name="answer">From "GET /version" to the bytes of the answer.</param>
    /// <param name="tcp">On a port of the loopback instead of a Unix socket.</param>
    public FakeEngine(Func<string, byte[]?> answer, bool tcp = false)
    {
        this.answer = answer;
        EndPoint address = tcp ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(Path.Combine(folder, "s"));
        listener = new Socket(address.AddressFamily, SocketType.Stream, tcp ? ProtocolType.Tcp : ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen();
        accepting = AcceptAsync();
    }

    public EngineEndpoint Endpoint => EngineEndpoints.At("docker", listener.LocalEndPoint is IPEndPoint ip ? $"tcp://{ip}" : $"unix://{folder}/s");

    public IReadOnlyCollection<string> Requests => requests;

    public static byte[] Json(string body, string status = "200 OK") =>
        Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting;
        stop.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(ServeAsync(await listener.AcceptAsync(stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    async Task ServeAsync(Socket socket)
    {
        using var stream = new NetworkStream(socket, ownsSocket: true);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        try
        {
            while (await reader.ReadLineAsync(stop.Token) is { } line)
            {
                var body = 0;
                while (await reader.ReadLineAsync(stop.Token) is { Length: > 0 } header)
                {
                    if (header.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
                        body = int.Parse(header["Content-Length: ".Length..], CultureInfo.InvariantCulture);
                }
                if (body > 0)
                    await reader.ReadBlockAsync(new char[body], stop.Token);
                var request = line[..line.LastIndexOf(' ')];
                requests.Enqueue(request);
                if (answer(request) is { } bytes)
                    await stream.WriteAsync(bytes, stop.Token);
                else
                    await Task.Delay(Timeout.Infinite, stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The test is over, or the caller gave up: both are the end of this connection.
        }
    }
}
