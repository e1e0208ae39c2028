using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// HTTP to an engine over its socket: every call has a time limit, every answer a size limit, and every failure comes out as an
/// <see cref="AdapterException"/> that holds the engine's own words. Knows nothing of containers.
/// </summary>
internal sealed class EngineConnection : IDisposable
{
    const int ErrorBytes = 64 << 10;

    // What an engine says of one container fits into it.
    const int FirstBytes = 16 << 10;

    readonly EngineEndpoint endpoint;
    readonly EngineLimits limits;
    readonly TimeProvider time;
    readonly HttpClient http;

    public EngineConnection(EngineEndpoint endpoint, EngineLimits limits, TimeProvider time, int maxConnections)
    {
        (this.endpoint, this.limits, this.time) = (endpoint, limits, time);
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) => (await ConnectAsync(cancel)).Connection,
            ConnectTimeout = limits.Connect,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxConnectionsPerServer = maxConnections,
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
        })
        {
            BaseAddress = new Uri("http://engine"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public void Dispose() => http.Dispose();

    /// <summary>One call whose answer, at most <see cref="EngineLimits.AnswerBytes"/>, is read whole.</summary>
    /// <param name="what">What is done, for the message of a failure: "create a container".</param>
    public Task<EngineReply> CallAsync(HttpMethod method, string path, HttpContent? body, string what, TimeSpan limit, CancellationToken cancel) =>
        WithinAsync(what, limit, async inner =>
        {
            using var response = await SendAsync(method, path, body, inner);
            var status = (int)response.StatusCode;
            if (status >= 400)
                return await ErrorAsync(response, what, inner);
            return new EngineReply(status, await ReadBoundedAsync(response, limits.AnswerBytes, what, inner), null);
        }, cancel);

    /// <summary>A look whose connection ends before a word has come back (an engine drops the connection of a call that it stumbled over) is tried once more; an act never is.</summary>
    async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancel)
    {
        try
        {
            return await OnceAsync();
        }
        catch (HttpRequestException e) when (method == HttpMethod.Get && e.InnerException is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded })
        {
            return await OnceAsync();
        }

        async Task<HttpResponseMessage> OnceAsync()
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        }
    }

    /// <summary>One call whose answer is a stream that <paramref name="read"/> reads while it comes, within the limit.</summary>
    public Task<T> StreamAsync<T>(
        HttpMethod method, string path, HttpContent? body, string what, TimeSpan limit, Func<EngineReply?, Stream, CancellationToken, Task<T>> read, CancellationToken cancel,
        string registryAuth = RegistryCredentials.None) =>
        WithinAsync(what, limit, async inner =>
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            request.Headers.Add("X-Registry-Auth", registryAuth);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, inner);
            if ((int)response.StatusCode >= 400)
                return await read(await ErrorAsync(response, what, inner), Stream.Null, inner);
            await using var stream = await response.Content.ReadAsStreamAsync(inner);
            return await read(null, stream, inner);
        }, cancel);

    /// <summary>
    /// One call after which the connection is no HTTP any more but a stream in both directions, as attaching to a command wants it. The base
    /// library's client cannot close one direction alone, which is how a command learns that its input has ended.
    /// </summary>
    public Task<T> UpgradeAsync<T>(string path, ReadOnlyMemory<byte> json, string what, TimeSpan limit, Func<EngineReply?, EngineStream?, CancellationToken, Task<T>> use, CancellationToken cancel) =>
        WithinAsync(what, limit, async inner =>
        {
            await using var stream = await ConnectAsync(inner);
            var head = $"POST {path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n";
            await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. json.Span], inner);
            var (status, length) = await HeadAsync(stream, inner);
            if (status < 400)
                return await use(null, stream, inner);
            var body = new byte[Math.Min(length, ErrorBytes)];
            var read = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, inner);
            return await use(new EngineReply(status, body.AsMemory(0, read), Words(body.AsMemory(0, read)) ?? $"no reason given (status {status})"), null, inner);
        }, cancel);

    /// <summary>The status and the content length of an answer; what follows the head stays unread.</summary>
    static async Task<(int Status, int Length)> HeadAsync(EngineStream stream, CancellationToken cancel)
    {
        const int MaxBytes = 16 << 10;
        var (head, read, end) = (new byte[MaxBytes], 0, -1);
        while (end < 0)
        {
            var more = read == MaxBytes ? 0 : await stream.ReadAsync(head.AsMemory(read), cancel);
            if (more == 0)
                throw new IOException("the answer has no end of its head");
            read += more;
            end = head.AsSpan(0, read).IndexOf("\r\n\r\n"u8);
        }
        stream.Unread(head.AsMemory(end + 4, read - end - 4));
        var lines = Encoding.ASCII.GetString(head, 0, end).Split("\r\n");
        if (lines[0].Split(' ') is not [_, var code, ..] || !int.TryParse(code, out var status))
            throw new IOException("the answer begins with no status");
        const string Length = "Content-Length:";
        var length = lines.FirstOrDefault(line => line.StartsWith(Length, StringComparison.OrdinalIgnoreCase));
        return (status, length is not null && int.TryParse(length.AsSpan(Length.Length), out var bytes) ? Math.Max(bytes, 0) : ErrorBytes);
    }

    /// <summary>Runs <paramref name="call"/> under a time limit and measures it; what waits for a container on purpose says nothing about the engine.</summary>
    Task<T> WithinAsync<T>(string what, TimeSpan limit, Func<CancellationToken, Task<T>> call, CancellationToken cancel) =>
        limit == limits.Follow
            ? CallAsync(what, limit, call, cancel)
            : RunTelemetry.MeasureAsync(endpoint.Provider, what, () => CallAsync(what, limit, call, cancel));

    /// <summary>Runs <paramref name="call"/> under a time limit and turns what goes wrong on the way into words.</summary>
    async Task<T> CallAsync<T>(string what, TimeSpan limit, Func<CancellationToken, Task<T>> call, CancellationToken cancel)
    {
        if (endpoint.Current() is null)
            throw new AdapterException(AdapterFailure.Unavailable, endpoint.Absence());
        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            return await call(either.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw Unavailable($"did not {what} within {limit.TotalSeconds:0.###} s", e);
        }
        catch (HttpRequestException e) when (e.InnerException is ArtifactException refused)
        {
            throw refused; // found in a body while it was sent: no fault of the engine's
        }
        catch (HttpRequestException e) when (e.InnerException is AdapterException untrusted)
        {
            throw untrusted; // no connection to speak over
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException socket)
        {
            throw new AdapterException(AdapterFailure.Unavailable, endpoint.Explain(Address(), socket), e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw Unavailable($"did not answer as a container engine does ({what}): {(e.InnerException ?? e).Message}", e);
        }
    }

    AdapterException Unavailable(string what, Exception inner) => new(AdapterFailure.Unavailable, $"The engine at {Address()} {what}", inner);

    Uri Address() => endpoint.Current() ?? endpoint.Candidates[0];

    async Task<EngineStream> ConnectAsync(CancellationToken cancel)
    {
        var address = endpoint.Current() ?? throw new SocketException((int)SocketError.AddressNotAvailable);
        var socket = address.Scheme == "unix"
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (address.Scheme == "unix")
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(address.LocalPath), cancel);
            else
                await socket.ConnectAsync(address.Host, address.Port, cancel);
            var plain = new NetworkStream(socket, ownsSocket: true);
            if (endpoint.Tls is not { } tls || address.Scheme == "unix")
                return new EngineStream(plain, () => EndWritingAsync(socket));
            var secured = await tls.OpenAsync(plain, address, cancel);
            return new EngineStream(secured, secured.ShutdownAsync);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static Task EndWritingAsync(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Send);
        return Task.CompletedTask;
    }

    async Task<EngineReply> ErrorAsync(HttpResponseMessage response, string what, CancellationToken cancel)
    {
        var body = await ReadBoundedAsync(response, ErrorBytes, what, cancel);
        return new EngineReply((int)response.StatusCode, body, Words(body) ?? response.ReasonPhrase ?? "no reason given");
    }

    static string? Words(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (JsonSerializer.Deserialize(body.Span, EngineJson.Default.EngineError)?.Message is { Length: > 0 } message)
                return message.Trim();
        }
        catch (JsonException)
        {
            // Not the engine's error object: the text itself is what it said.
        }
        var text = Encoding.UTF8.GetString(body.Span).Trim();
        return text.Length > 0 ? text : null;
    }

    async Task<ReadOnlyMemory<byte>> ReadBoundedAsync(HttpResponseMessage response, int limit, string what, CancellationToken cancel)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        var body = new byte[Math.Clamp(response.Content.Headers.ContentLength ?? FirstBytes, 1, FirstBytes)];
        int length = 0, read;
        while ((read = await stream.ReadAsync(body.AsMemory(length), cancel)) > 0)
        {
            length += read;
            if (length > limit)
                throw new AdapterException(AdapterFailure.Unavailable, $"The engine at {Address()} answered with more than {limit} bytes ({what})");
            if (length == body.Length)
                Array.Resize(ref body, body.Length * 2);
        }
        return body.AsMemory(0, length);
    }
}

/// <summary>An engine's answer. <paramref name="Error"/> holds its own words when the status is 400 or above.</summary>
internal sealed record EngineReply(int Status, ReadOnlyMemory<byte> Body, string? Error)
{
    /// <summary>Nothing, or the refusal as an exception.</summary>
    public EngineReply OrThrow() => Error is null ? this : throw new AdapterException(EngineQuirks.Classify(Status, Error), Error);

    /// <summary>The body as JSON. A body that is none means that this is no engine.</summary>
    public T Read<T>(JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(Body.Span, type) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"The engine's answer is not what a container engine answers ({what}): {e.Message}", e);
        }
    }
}
