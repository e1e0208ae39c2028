using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Client;

/// <summary>
/// The gateway over HTTP. A write is sent again only after 429, 503 or a broken connection, with the same body and idempotency key, at
/// most <see cref="Attempts"/> times; a conflict is never sent again.
/// </summary>
internal sealed class GatewayClient : IDisposable
{
    /// <summary>How often one request is sent.</summary>
    public const int Attempts = 4;

    private const int MaxAnswerBytes = 64 << 20;
    private const long SlowestBytesPerSecond = 256 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly Uri _baseUrl;
    private readonly Profile _profile;
    private readonly Shell _shell;
    private readonly Action<string> _note;

    private GatewayClient(Uri baseUrl, Profile profile, Shell shell, Action<string> note)
    {
        (_baseUrl, _profile, _shell, _note) = (baseUrl, profile, shell, note);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10), AutomaticDecompression = DecompressionMethods.All };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("logline", typeof(GatewayClient).Assembly.GetName().Version?.ToString(3)));
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", profile.ApiKey!.Reveal());
        if (profile.Tenant is { } tenant)
        {
            _http.DefaultRequestHeaders.Add("X-Tenant-Id", tenant);
        }
        if (profile.Env is { } env)
        {
            _http.DefaultRequestHeaders.Add("X-Env", env);
        }
    }

    /// <summary>The host that answers; published ports are most often there too.</summary>
    public string Host => _baseUrl.Host;

    /// <summary>A client for what is in force, or what is missing for one.</summary>
    public static Attempt<GatewayClient> Open(ConnectionSettings connection, Shell shell, Action<string> note)
    {
        var profile = connection.Profile;
        if (profile.BaseUrl is null || profile.ApiKey is null)
        {
            var missing = profile.BaseUrl is null ? "where the gateway is" : "which token to use";
            return new CommandFailure("settings", $"It is not known {missing} (profile '{connection.ProfileName}').",
                "logline init --bootstrap data/bootstrap.json\nor set LOGLINE_URL and LOGLINE_TOKEN, or give --url and --token");
        }
        if (!Uri.TryCreate(profile.BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            return CommandFailure.Usage($"'{profile.BaseUrl}' is no http or https URL.", "For example --url http://127.0.0.1:5080");
        }
        if (profile.ApiKey.Reveal().AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return CommandFailure.Usage("The token holds characters that no token has (white space, or beyond ASCII).");
        }
        if (profile.Tenant is not null && connection.Tenant().Fails(out var failure, out _))
        {
            return failure;
        }
        return new GatewayClient(url, profile, shell, note);
    }

    /// <summary>Reads <paramref name="path"/>.</summary>
    public Task<Attempt<JsonElement>> GetAsync(string path, CancellationToken stop) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Get, new Uri(_baseUrl, path)), Patience, stop);

    /// <summary>Asks a question that has a body; it writes nothing.</summary>
    public Task<Attempt<JsonElement>> QueryAsync(string path, CanonicalJson body, CancellationToken stop) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Post, new Uri(_baseUrl, path)) { Content = JsonBody.Of(body.Given) }, Patience, stop);

    /// <summary>Writes. The answer is an Ack, or a list of answers for an array.</summary>
    public Task<Attempt<JsonElement>> SubmitAsync(SpanSubmission submission, ProfileSigner? signer, CancellationToken stop) =>
        SendAsync(() => submission.ToRequest(_baseUrl, _profile, signer, _shell.Time.GetUtcNow()), Patience + TimeSpan.FromSeconds(submission.WaitSeconds), stop);

    /// <summary>Uploads an artifact that can be read again from its beginning. The same bytes again change nothing, so it is repeated as a new request.</summary>
    /// <param name="hash">Its name.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="signer">Signs the request when the environment in force is known; null for a token alone.</param>
    /// <param name="stop">Ends it.</param>
    public Task<Attempt<JsonElement>> UploadAsync(string hash, Stream content, ProfileSigner? signer, CancellationToken stop) =>
        SendAsync(() =>
        {
            content.Position = 0;
            var request = new HttpRequestMessage(HttpMethod.Put, new Uri(_baseUrl, "/v1/artifacts/" + hash)) { Content = StreamBody.Of(content) };
            new RequestHead(hash, RequestHead.NewNonce(), _shell.Time.GetUtcNow()).WriteTo(request, _profile, signer);
            return request;
        }, Patience + TimeSpan.FromSeconds(content.Length / SlowestBytesPerSecond), stop);

    /// <summary>Downloads once, into <paramref name="destination"/>; null, or why not. What came is to be verified by whoever knows its hash.</summary>
    public async Task<CommandFailure?> DownloadAsync(string path, Stream destination, CancellationToken stop)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(_baseUrl, path), HttpCompletionOption.ResponseHeadersRead, stop);
            if (response.IsSuccessStatusCode)
            {
                await response.Content.CopyToAsync(destination, stop);
                return null;
            }
            return GatewayAnswers.Read(response, await response.Content.ReadAsByteArrayAsync(stop), _baseUrl).Fails(out var failure, out _) ? failure : null;
        }
        catch (HttpRequestException broken)
        {
            return Unreachable(broken);
        }
    }

    /// <summary>Opens a stream once; following it is <see cref="EventStream"/>'s.</summary>
    /// <exception cref="HttpRequestException">Nobody answers.</exception>
    public async Task<HttpResponseMessage> OpenStreamAsync(string path, long? lastSeen, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_baseUrl, path));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (lastSeen is { } seq)
        {
            request.Headers.Add("Last-Event-ID", seq.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    /// <summary>Opens the export of the whole ledger; the caller reads it and disposes it. It is not tried again: a verifier would have to begin anew.</summary>
    public async Task<Attempt<HttpResponseMessage>> OpenExportAsync(CancellationToken stop)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_baseUrl, "/v1/ledger/export"));
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }
            using var refused = response;
            return GatewayAnswers.Read(refused, await refused.Content.ReadAsByteArrayAsync(stop), _baseUrl).Fails(out var failure, out _) ? failure : Unreachable(new IOException("an answer that is none"));
        }
        catch (HttpRequestException broken)
        {
            return Unreachable(broken);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Why the gateway cannot be reached, for people.</summary>
    public CommandFailure Unreachable(Exception reason)
    {
        var why = reason is OperationCanceledException ? "no answer in time" : (reason.InnerException ?? reason).Message;
        return new CommandFailure("network", $"{_baseUrl.GetLeftPart(UriPartial.Authority)} does not answer: {why}.",
            "Is the gateway running there? Another place is named by --url, LOGLINE_URL or the profile.");
    }

    private async Task<Attempt<JsonElement>> SendAsync(Func<HttpRequestMessage> make, TimeSpan patience, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (failure, pause, answer) = await SendOnceAsync(make, patience, stop);
            if (failure is null)
            {
                return answer;
            }
            if (pause is not { } seconds || attempt == Attempts)
            {
                return failure;
            }
            var wait = Pause(seconds, attempt);
            _note($"{failure.Message.TrimEnd('.')}. Trying again in {wait.TotalSeconds:0.#} s ({attempt + 1} of {Attempts}).");
            await Task.Delay(wait, _shell.Time, stop);
        }
    }

    /// <returns>The failure and, when the same request may be sent again, the least pause before; or the answer.</returns>
    private async Task<(CommandFailure?, TimeSpan?, JsonElement)> SendOnceAsync(Func<HttpRequestMessage> make, TimeSpan patience, CancellationToken stop)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timeout.CancelAfter(patience);
        try
        {
            using var request = make();
            using var response = await _http.SendAsync(request, timeout.Token);
            var body = await response.Content.ReadAsByteArrayAsync(timeout.Token);
            if (GatewayAnswers.Read(response, body, _baseUrl).Fails(out var failure, out var answer))
            {
                return (failure, MayRepeat(response), default);
            }
            return (null, null, answer);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException || (broken is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return (Unreachable(broken), TimeSpan.Zero, default);
        }
    }

    private TimeSpan? MayRepeat(HttpResponseMessage response)
    {
        if (response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable))
        {
            return null;
        }
        var after = response.Headers.RetryAfter;
        var pause = after?.Delta ?? (after?.Date is { } date ? date - _shell.Time.GetUtcNow() : TimeSpan.Zero);
        // A gateway that asks for minutes is not waited for: the person at the keyboard decides.
        return pause > LongestPause ? null : pause;
    }

    private static TimeSpan Pause(TimeSpan least, int attempt)
    {
        var backoff = TimeSpan.FromMilliseconds(200 * (1 << (attempt - 1)) * (0.75 + (Random.Shared.NextDouble() / 2)));
        return least > backoff ? least : backoff;
    }
}
