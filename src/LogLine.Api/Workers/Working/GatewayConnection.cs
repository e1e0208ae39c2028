using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Working;

/// <summary>An answer of a gateway: its status, and its body where that is a JSON object.</summary>
internal sealed record GatewayAnswer(int Status, JsonElement Body)
{
    /// <summary>True for 2xx.</summary>
    public bool IsOk => Status is >= 200 and < 300;

    /// <summary>What a refusal says of its reason, for programs.</summary>
    public string? Reason => Body.Member("details").Text("reason");
}

/// <summary>The gateway refused for good what it was asked; the message is its own.</summary>
internal sealed class GatewayRefusalException(int status, string message) : Exception(message)
{
    /// <summary>The status.</summary>
    public int Status { get; } = status;
}

/// <summary>
/// Requests to the gateway, or to whichever of several is there. A request that finds none goes on trying until it is cancelled: everything in the worker protocol can be said twice.
/// </summary>
internal sealed class GatewayConnection : IDisposable
{
    private const int MostAnswerBytes = 64 << 20;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly HttpClient _client;
    private readonly WorkerOptions _options;
    private readonly string _id;
    private readonly TimeProvider _time;
    private volatile string _token;
    private volatile int _current;

    /// <summary>Connects to nothing yet.</summary>
    /// <exception cref="DataFolderException">The options are not whole.</exception>
    public GatewayConnection(WorkerOptions options, WorkerIdentity identity, TimeProvider time)
    {
        (_options, _id, _time) = (options, identity.Id, time);
        (Addresses, _token) = (options.Addresses(), options.ReadToken());
        _client = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5), PooledConnectionLifetime = TimeSpan.FromMinutes(5), AutomaticDecompression = DecompressionMethods.None, AllowAutoRedirect = false,
        })
        { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostAnswerBytes };
    }

    /// <summary>Every gateway that there is.</summary>
    public IReadOnlyList<Uri> Addresses { get; }

    /// <summary>One try at one gateway.</summary>
    /// <exception cref="HttpRequestException">It is not there, or cannot answer now.</exception>
    public async Task<GatewayAnswer> TryAsync(Uri address, HttpMethod method, string path, byte[]? body, TimeSpan patience, CancellationToken cancel)
    {
        using var late = new CancellationTokenSource(patience, _time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        using var request = Request(address, method, path, body is null ? null : new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } });
        try
        {
            using var response = await _client.SendAsync(request, over.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(over.Token);
            return Judged(address, new GatewayAnswer((int)response.StatusCode, Parse(bytes)));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException($"{address} did not answer within {patience.TotalSeconds:0} s");
        }
        catch (IOException cut)
        {
            throw new HttpRequestException($"{address}: {cut.Message}", cut);
        }
    }

    /// <summary>Asks until somebody answers, one gateway after the other.</summary>
    public async Task<GatewayAnswer> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancel) =>
        await UntilAnsweredAsync(address => TryAsync(address, method, path, body, Patience, cancel), cancel);

    /// <summary>Downloads into a stream, which is emptied before each try. False when there is nothing of that name.</summary>
    public async Task<bool> DownloadAsync(string path, FileStream into, CancellationToken cancel) => await UntilAnsweredAsync(async address =>
    {
        try
        {
            using var request = Request(address, HttpMethod.Get, path, null);
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return false;
            }
            response.EnsureSuccessStatusCode();
            into.SetLength(0);
            await response.Content.CopyToAsync(into, cancel);
            return true;
        }
        catch (IOException cut)
        {
            throw new HttpRequestException(cut.Message, cut);
        }
    }, cancel);

    /// <summary>Uploads a file, from its beginning at each try.</summary>
    public async Task<GatewayAnswer> UploadAsync(string path, Func<Stream> open, CancellationToken cancel) => await UntilAnsweredAsync(async address =>
    {
        using var request = Request(address, HttpMethod.Put, path, new StreamContent(open()));
        using var response = await _client.SendAsync(request, cancel);
        return Judged(address, new GatewayAnswer((int)response.StatusCode, Parse(await response.Content.ReadAsByteArrayAsync(cancel))));
    }, cancel);

    /// <summary>Sends what is written while it is written; once, since nobody waits for what was said before.</summary>
    public async Task PushAsync(Uri address, string path, HttpContent content, CancellationToken cancel)
    {
        using var request = Request(address, HttpMethod.Post, path, content);
        request.Headers.ExpectContinue = false;
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<T> UntilAnsweredAsync<T>(Func<Uri, Task<T>> ask, CancellationToken cancel)
    {
        var pause = FirstPause;
        while (true)
        {
            var current = _current;
            try
            {
                return await ask(Addresses[current % Addresses.Count]);
            }
            catch (HttpRequestException)
            {
                _current = (current + 1) % Addresses.Count;
                await Task.Delay(pause, _time, cancel);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    /// <summary>An answer that settles something; what says that it cannot be settled now is thrown, and asked again.</summary>
    private GatewayAnswer Judged(Uri address, GatewayAnswer answer)
    {
        if (answer.Status is 429 or >= 500)
        {
            throw new HttpRequestException($"{address} answers {answer.Status}: {answer.Body.Text("detail")}");
        }
        if (answer.Status == 401)
        {
            try
            {
                _token = _options.ReadToken(); // it may have been replaced
            }
            catch (DataFolderException missing)
            {
                throw new HttpRequestException(missing.Message, missing); // or is just being replaced
            }
            throw new HttpRequestException($"{address} does not take the token: {answer.Body.Text("detail")}");
        }
        return answer;
    }

    private HttpRequestMessage Request(Uri address, HttpMethod method, string path, HttpContent? content)
    {
        var request = new HttpRequestMessage(method, new Uri(address, path)) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", _token);
        request.Headers.Add(WorkerWire.Header, _id);
        return request;
    }

    private static JsonElement Parse(byte[] bytes)
    {
        try
        {
            using var parsed = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 64 });
            return parsed.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
