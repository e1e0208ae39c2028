using LogLine.Api.Errors;
using LogLine.Api.Runs;

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
        return status.Available ? null : Unavailable(item, item.Provider, status.Reason ?? "it does not answer");
    }

    /// <summary>Says so; where the gateway had the choice, of everything that it could have chosen.</summary>
    public static Rejection Unavailable(Judgement item, string engine, string reason)
    {
        var details = new Dictionary<string, object?> { ["provider"] = EngineName.ProviderOf(engine) };
        if (EngineName.EndpointOf(engine) is var endpoint and not EngineName.Default)
        {
            details["endpoint"] = endpoint;
        }
        var message = $"The target '{engine}' is down: {reason}";
        if (item.Choice is { Absent: { Count: > 1 } absent })
        {
            details["providers"] = absent.Select(one => one.Provider).ToList();
            message = $"No target answers that '{RunTargets.Auto}' could stand for. {string.Join("; ", absent.Select(one => $"{one.Provider}: {one.Reason.TrimEnd('.')}"))}.";
        }
        return new Rejection(RefusalCode.AdapterUnavailable, message) { RetryAfterSeconds = 5, Details = details };
    }
}
