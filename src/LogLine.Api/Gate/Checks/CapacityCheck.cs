using LogLine.Api.Errors;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 18: does the target answer? (The ledger's queue is asked when the span is appended.)</summary>
internal static class CapacityCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel)
    {
        if (!item.Definition!.IsDeploy && item.Definition.Family is null)
        {
            return null;
        }
        var status = await item.State.Targets.StatusAsync(item.Provider, cancel);
        return status.Available ? null : Unavailable(item.Provider, status.Reason ?? "it does not answer");
    }

    public static Rejection Unavailable(string provider, string reason) => new(RefusalCode.AdapterUnavailable, $"The target '{provider}' is down: {reason}")
    {
        RetryAfterSeconds = 5,
        Details = new Dictionary<string, object?> { ["provider"] = provider },
    };
}
