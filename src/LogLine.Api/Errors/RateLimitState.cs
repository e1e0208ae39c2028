namespace LogLine.Api.Errors;

/// <summary>How much of a quota is left.</summary>
/// <param name="Limit">Spans a minute.</param>
/// <param name="Remaining">Spans that can be sent at once now.</param>
/// <param name="ResetSeconds">Seconds until the bucket is full again.</param>
public sealed record RateLimitState(int Limit, int Remaining, int ResetSeconds)
{
    /// <summary>Says so in the headers of an answer (draft-ietf-httpapi-ratelimit-headers-06).</summary>
    public void WriteTo(IHeaderDictionary headers)
    {
        headers["RateLimit-Limit"] = Limit.ToString();
        headers["RateLimit-Remaining"] = Remaining.ToString();
        headers["RateLimit-Reset"] = ResetSeconds.ToString();
    }
}
