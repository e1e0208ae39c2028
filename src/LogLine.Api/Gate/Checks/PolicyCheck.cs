using LogLine.Api.Errors;
using LogLine.Api.Policy;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 14: does a policy forbid it?</summary>
internal static class PolicyCheck
{
    public static Rejection? Judge(Judgement item, OperatorPolicy policy)
    {
        if (!policy.AllowUnsigned && item.Kid is null)
        {
            return Denied("unsigned", "The operator requires signed spans or requests (LogLine:Policy:AllowUnsigned). Sign with a key of the tenant.");
        }
        return item.Effect == "minicontainer.apply" ? Manifest(item, policy) : null;
    }

    public static Rejection? Manifest(Judgement item, OperatorPolicy policy) =>
        item.Manifest is { } manifest && policy.Violation(manifest) is { } violation ? Denied(violation.Rule, violation.Detail) : null;

    private static Rejection Denied(string rule, string detail) => new(RefusalCode.PolicyDenied, detail)
    {
        Details = new Dictionary<string, object?> { ["rule"] = rule },
    };
}
