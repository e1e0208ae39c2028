using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Client;

/// <summary>
/// One write, as often as it has to be sent: body and idempotency key never change, nonce and timestamp only when the gateway's window of
/// ±120 s is about to close (contract, sections 3 and 5). Every write is a span at the gateway, whichever its path.
/// </summary>
internal sealed class SpanSubmission(CanonicalJson body)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(90);

    private string _nonce = "";
    private DateTimeOffset _madeAt = DateTimeOffset.MinValue;

    /// <summary>How it is sent.</summary>
    public HttpMethod Method { get; init; } = HttpMethod.Post;

    /// <summary>Where it goes.</summary>
    public string Path { get; init; } = "/v1/spans";

    /// <summary>Random, so that a lost answer can be asked for again.</summary>
    public string IdempotencyKey { get; init; } = Guid.NewGuid().ToString("D");

    /// <summary>Seconds to wait for the run that it starts; 0 for none.</summary>
    public int WaitSeconds { get; init; }

    /// <summary>The request with its headers.</summary>
    /// <param name="signer">Signs the request too when the environment in force is known; null for a token alone.</param>
    public HttpRequestMessage ToRequest(Uri baseUrl, Profile profile, ProfileSigner? signer, DateTimeOffset now)
    {
        if (now - _madeAt > Freshness)
        {
            (_nonce, _madeAt) = (RequestHead.NewNonce(), now);
        }
        var request = new HttpRequestMessage(Method, new Uri(baseUrl, Path)) { Content = JsonBody.Of(body.Given) };
        if (WaitSeconds > 0)
        {
            request.Headers.Add("Prefer", $"wait={WaitSeconds}");
        }
        new RequestHead(ContentHash.Of(body.Utf8.Span), _nonce, _madeAt, IdempotencyKey).WriteTo(request, profile, signer);
        return request;
    }
}

/// <summary>A JSON body.</summary>
internal static class JsonBody
{
    public static HttpContent Of(ReadOnlyMemory<byte> utf8)
    {
        var content = new ReadOnlyMemoryContent(utf8);
        content.Headers.ContentType = new("application/json");
        return content;
    }
}
