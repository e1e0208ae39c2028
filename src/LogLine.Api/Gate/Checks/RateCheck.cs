using LogLine.Api.Errors;
using LogLine.Api.Policy;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 5: is there room in the tenant's buckets for this intent? Without a quota there is no limit.</summary>
internal static class RateCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, TenantRules rules)
    {
        if (item.Submission.Counted is { } counted)
        {
            item.RateLimit = counted.State;
            return null;
        }
        if (item.Definition is not { } definition || await rules.TakeTokenAsync(item.Tenant, definition.Name) is not { } bucket)
        {
            return null;
        }
        item.RateLimit = bucket.State;
        return bucket.Taken ? null : Limited(item.Tenant, definition.Name, bucket.State);
    }

    private static Rejection Limited(string tenant, string intent, RateLimitState state) => new(
        RefusalCode.RateLimited, $"'{intent}' is limited to {state.Limit} a minute for tenant '{tenant}'. Send the same request again in {state.ResetSeconds} s.")
    {
        RetryAfterSeconds = Math.Max(1, state.ResetSeconds),
        RateLimit = state,
        Details = new Dictionary<string, object?> { ["limit_per_minute"] = state.Limit, ["retry_after_seconds"] = Math.Max(1, state.ResetSeconds) },
    };
}
