using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate;

/// <summary>What a request claims while it is judged and committed: everything that a second request must not decide about at the same time.</summary>
internal static class RequestClaims
{
    public static IEnumerable<string> Of(Submission submission)
    {
        var tenant = submission.Tenant;
        if (submission.IdempotencyKey is { } key)
        {
            yield return $"key {tenant} {key}";
        }
        if (submission.Nonce is { } nonce)
        {
            yield return $"nonce {tenant} {nonce}";
        }
        foreach (var item in submission.Items.Take(100))
        {
            if (item.Text("this") is { } name)
            {
                yield return $"this {tenant} {name}";
            }
            // Plain records never conflict; whatever changes state does so for its subject.
            if (item.Text("intent") is { } intent && !intent.StartsWith("registry.", StringComparison.Ordinal) && item.Text("subject") is { } subject)
            {
                yield return $"subject {tenant} {subject}";
            }
            // A service has one container, whatever subject is deployed to it.
            if (item.Member("payload").Member("target").Text("service") is { } service)
            {
                yield return $"subject {tenant} {Identifiers.ContainerSubject(tenant, service)}";
            }
            if (item.Member("payload").Member("proof").Text("subject") is { } proven)
            {
                yield return $"subject {tenant} {proven}";
            }
        }
    }
}
