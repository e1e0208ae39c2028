using LogLine.Api.Errors;
using LogLine.Protocol.Json;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 4: may this token send this intent at all?</summary>
internal static class ScopeCheck
{
    public static Rejection? Judge(Judgement item, Catalogue catalogue)
    {
        var intent = item.Span.Intent;
        item.Definition = catalogue.Find(intent);
        if (intent is null)
        {
            return null; // the form says that it is missing
        }
        if (item.Submission.Compiled is { IsRoute: true } && item.Definition is { Sender: IntentSender.Route } route)
        {
            return route.Right is { } right
                ? item.Submission.Principal.Has(right) ? null : Lacks(item, right)
                : item.Submission.Principal.MaySend(intent) ? null : Lacks(item, intent);
        }
        if (IsReserved(intent) || item.Definition is { Sender: not IntentSender.Client })
        {
            return new Rejection(RefusalCode.Forbidden, item.Definition is { Sender: IntentSender.Route }
                ? $"'{intent}' has a route of its own (docs/api.md); it cannot be sent as a span."
                : $"'{intent}' is emitted by the gateway and its workers alone; read it from /v1/stream or /v1/runs.")
            {
                Details = new Dictionary<string, object?> { ["intent"] = intent, ["reason"] = "reserved_intent" },
            };
        }
        return item.Submission.Principal.MaySend(intent) ? null : Lacks(item, intent);
    }

    private static Rejection Lacks(Judgement item, string permission) => new(
        RefusalCode.Forbidden, $"The token's scopes do not hold '{permission}'. It has: {string.Join(", ", item.Submission.Principal.Scopes)}.")
    {
        Details = new Dictionary<string, object?> { ["intent"] = item.Definition?.Name ?? permission, ["tenant"] = item.Tenant, ["required_permission"] = permission, ["reason"] = "scope" },
    };

    private static bool IsReserved(string intent) =>
        intent == "grant.materialized"
        || intent.StartsWith("run_state.", StringComparison.Ordinal) || intent.StartsWith("gate.", StringComparison.Ordinal)
        || intent.EndsWith(".verified", StringComparison.Ordinal) || intent.EndsWith(".applied", StringComparison.Ordinal) || intent.EndsWith(".planned", StringComparison.Ordinal);
}
