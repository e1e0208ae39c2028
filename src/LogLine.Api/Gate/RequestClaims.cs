using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate;

/// <summary>What a request claims while it is judged and committed: everything that a second request must not decide about at the same time.</summary>
internal static class RequestClaims
{
    public static List<string> Of(Submission submission, IReadOnlyList<JsonElement> items)
    {
        var tenant = submission.Tenant;
        var names = new List<string>(4);
        if (submission.IdempotencyKey is { } key)
        {
            names.Add($"key {tenant} {key}");
        }
        if (submission.Nonce is { } nonce)
        {
            names.Add($"nonce {tenant} {nonce}");
        }
        for (var i = 0; i < Math.Min(items.Count, 100); i++)
        {
            var item = items[i];
            if (item.Text("this") is { } name)
            {
                names.Add($"this {tenant} {name}");
            }
            // Plain records never conflict; whatever changes state does so for its subject.
            if (item.Text("intent") is { } intent && !intent.StartsWith("registry.", StringComparison.Ordinal) && item.Text("subject") is { } subject)
            {
                names.Add($"subject {tenant} {subject}");
            }
            // A service has one container, whatever subject is deployed to it.
            var payload = item.Member("payload");
            if (payload.Member("target").Text("service") is { } service)
            {
                names.Add($"subject {tenant} {Identifiers.ContainerSubject(tenant, service)}");
            }
            if (payload.Member("proof").Text("subject") is { } proven)
            {
                names.Add($"subject {tenant} {proven}");
            }
        }
        return names;
    }
}
