using LogLine.Api.Policy;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>When a delivery that failed is tried again (contract, section 8): after 1, 5 and 15 s, then twice as long each time up to an hour, with jitter, for 24 h.</summary>
internal sealed class RetrySchedule(WebhookPolicy policy)
{
    private static readonly double[] First = [1, 5, 15];
    private const double Longest = 3600;
    private const double Jitter = 0.2;

    /// <summary>How long a delivery is tried.</summary>
    public TimeSpan GiveUpAfter => TimeSpan.FromHours(24) * policy.RetryScale;

    /// <summary>How long to wait after so many attempts, the first included.</summary>
    public TimeSpan After(int attempts)
    {
        var seconds = attempts <= First.Length
            ? First[Math.Max(0, attempts - 1)]
            : Math.Min(Longest, First[^1] * Math.Pow(2, Math.Min(attempts - First.Length, 16))) * (1 - Jitter + (2 * Jitter * Random.Shared.NextDouble()));
        return TimeSpan.FromSeconds(seconds) * policy.RetryScale;
    }
}
