using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using LogLine.Api.Policy;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>What came of one attempt.</summary>
/// <param name="Status">HTTP status; null when there was no answer.</param>
/// <param name="Error">Why it does not count, for people; null when it was taken.</param>
internal sealed record AttemptOutcome(int? Status, string? Error)
{
    /// <summary>True for 2xx.</summary>
    public bool Succeeded => Error is null;

    /// <summary>True when the receiver says that it will never take anything again.</summary>
    public bool IsGone => Status == (int)HttpStatusCode.Gone;
}

/// <summary>
/// Makes one attempt: signs, sends, and looks at the status. Redirects are not followed, proxies not used, cookies not kept; of the answer's body nothing is
/// looked at, and little is taken.
/// </summary>
internal sealed class WebhookSender : IDisposable
{
    private const int MaxDrained = 64 << 10;
    private const int MaxHeaderKilobytes = 16;

    private readonly HttpClient _http;
    private readonly SemaphoreSlim _seats;
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _seatsOfTenants = new();
    private readonly WebhookPolicy _policy;
    private readonly SigningKey _key;
    private readonly TimeProvider _time;

    /// <param name="policy">What is allowed, and how long.</param>
    /// <param name="dialer">Connects.</param>
    /// <param name="key">Signs <c>v1a</c>.</param>
    /// <param name="time">For <c>delivered_at</c> and <c>webhook-timestamp</c>.</param>
    public WebhookSender(WebhookPolicy policy, WebhookDialer dialer, SigningKey key, TimeProvider time)
    {
        (_policy, _key, _time) = (policy, key, time);
        _seats = new SemaphoreSlim(policy.MaxAttemptsAtOnce);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = dialer.ConnectAsync,
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            MaxConnectionsPerServer = policy.MaxAttemptsAtOnce,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            MaxResponseDrainSize = MaxDrained,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2), // so that a name is asked again
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator(),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Delivers a message once.</summary>
    /// <param name="tenant">Whose it is: one tenant has at most a quarter of the attempts, so that its slow receivers keep nobody else waiting.</param>
    /// <param name="url">Where to.</param>
    /// <param name="secrets">The shared secrets in force, the newest first.</param>
    /// <param name="message">What.</param>
    /// <param name="attempt">Which attempt it is, from 1.</param>
    /// <param name="cancel">Gives up; the attempt does not count then.</param>
    public async Task<AttemptOutcome> SendAsync(string tenant, Uri url, IReadOnlyList<SecretBytes> secrets, WebhookMessage message, int attempt, CancellationToken cancel)
    {
        var own = _seatsOfTenants.GetOrAdd(tenant, _ => new SemaphoreSlim(Math.Max(1, _policy.MaxAttemptsAtOnce / 4)));
        await own.WaitAsync(cancel);
        try
        {
            await _seats.WaitAsync(cancel);
            try
            {
                return await AttemptAsync(url, secrets, message, attempt, cancel);
            }
            finally
            {
                _seats.Release();
            }
        }
        finally
        {
            own.Release();
        }
    }

    private async Task<AttemptOutcome> AttemptAsync(Uri url, IReadOnlyList<SecretBytes> secrets, WebhookMessage message, int attempt, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(_policy.TimeoutSeconds));
        try
        {
            using var request = Compose(url, secrets, message, attempt);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            var status = (int)response.StatusCode;
            return new AttemptOutcome(status, response.IsSuccessStatusCode ? null : status is >= 300 and < 400 ? $"answered {status}; redirects are not followed" : $"answered {status}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new AttemptOutcome(null, $"no answer within {_policy.TimeoutSeconds:0.###} s");
        }
        catch (HttpRequestException failed)
        {
            return new AttemptOutcome(null, Reason(failed));
        }
    }

    private HttpRequestMessage Compose(Uri url, IReadOnlyList<SecretBytes> secrets, WebhookMessage message, int attempt)
    {
        var now = _time.GetUtcNow();
        var (timestamp, body) = (now.ToUnixTimeSeconds(), message.Body(now));
        var signatures = secrets.Select(secret => WebhookSignature.Sign(secret.Reveal(), message.Id, timestamp, body)).Append(WebhookSignature.Sign(_key, message.Id, timestamp, body));
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var headers = request.Headers;
        headers.TryAddWithoutValidation("webhook-id", message.Id);
        headers.TryAddWithoutValidation("webhook-timestamp", timestamp.ToString(System.Globalization.CultureInfo.InvariantCulture));
        headers.TryAddWithoutValidation("webhook-signature", string.Join(' ', signatures));
        headers.TryAddWithoutValidation("X-LogLine-Event", message.Event);
        headers.TryAddWithoutValidation("X-LogLine-Seq", message.Seq.ToString(System.Globalization.CultureInfo.InvariantCulture));
        headers.TryAddWithoutValidation("X-LogLine-Attempt", attempt.ToString(System.Globalization.CultureInfo.InvariantCulture));
        headers.TryAddWithoutValidation("User-Agent", "LogLine-Webhooks/1");
        return request;
    }

    /// <summary>Why there was no answer, without what an exception may say about this machine.</summary>
    private static string Reason(HttpRequestException failed) => failed.InnerException switch
    {
        WebhookAddressException forbidden => forbidden.Message,
        SocketException socket => $"cannot connect: {socket.SocketErrorCode}",
        AuthenticationException => "the TLS certificate is not trusted, or TLS failed",
        _ => failed.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "the name cannot be resolved",
            HttpRequestError.ConfigurationLimitExceeded => "the answer's headers are too large",
            HttpRequestError.InvalidResponse => "the answer is not HTTP",
            _ => "the connection broke",
        },
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _seats.Dispose();
        foreach (var own in _seatsOfTenants.Values)
        {
            own.Dispose();
        }
    }
}
