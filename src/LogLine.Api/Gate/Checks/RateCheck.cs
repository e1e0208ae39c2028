using LogLine.Api.Errors;
using LogLine.Api.Policy;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 5: is there room in the tenant's buckets for this intent? Without a quota there is no limit.</summary>
internal static class RateCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, TenantRules rules)
    {
        if (item.Definition is not { } definition || await rules.TakeTokenAsync(item.Tenant, definition.Name) is not { } bucket)
        {
            return null;
        }
        item.RateLimit = bucket.State;
        return bucket.Taken ? null : new Rejection(
            RefusalCode.RateLimited, $"'{definition.Name}' is limited to {bucket.State.Limit} a minute for tenant '{item.Tenant}'. Send the same request again in {bucket.State.ResetSeconds} s.")
        {
            RetryAfterSeconds = Math.Max(1, bucket.State.ResetSeconds),
            RateLimit = bucket.State,
            Details = new Dictionary<string, object?> { ["limit_per_minute"] = bucket.State.Limit, ["retry_after_seconds"] = Math.Max(1, bucket.State.ResetSeconds) },
        };
    }
}
