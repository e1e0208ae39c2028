using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Policy;
using LogLine.Api.Tenants;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 14: does a policy forbid it? The operator's word comes first; a tenant can only tighten it.</summary>
internal sealed class PolicyCheck(OperatorPolicy policy, TenantRules rules)
{
    public async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel)
    {
        var tenant = await rules.PolicyOfAsync(item.Tenant);
        var intent = item.Span.Intent!;
        if (item.Kid is null && !policy.AllowUnsigned)
        {
            return Denied("unsigned", "The operator requires signed spans or requests (LogLine:Policy:AllowUnsigned). Sign with a key of the tenant.");
        }
        // What sets the policy is never forbidden by it: a tenant cannot lock itself out.
        if (intent != "tenant.policy.set")
        {
            if (item.Kid is null && tenant.AllowUnsigned == false)
            {
                return Denied("unsigned", "The tenant's policy requires signed spans or requests (tenant.policy.set). Sign with a key of the tenant.");
            }
            if (NotAllowed(intent, tenant) is { } denied)
            {
                return denied;
            }
        }
        else if (TenantPolicy.Parse(item.Payload).LooserThan(policy) is { } field)
        {
            return Denied("operator." + field, $"payload.{field} is true, which the operator does not allow; a tenant can only tighten what the operator set.");
        }
        if (item.Effect == "webhook.create")
        {
            return await WebhookActs.ViolationAsync(item, policy.Webhooks) is var (rule, detail) ? Denied(rule, detail) : null;
        }
        if (item.Definition!.Family == "image" && policy.ImageViolation(item.Effect!, item.Payload, tenant) is { } image)
        {
            return Denied(image.Rule, image.Detail);
        }
        if (item.Effect == "minicontainer.apply")
        {
            return item.Manifest is { } manifest ? Of(manifest.Deploy, "The manifest", tenant) : null;
        }
        return item.Definition!.Operation == "create" ? Of(item.Payload, "The container", tenant) : null;
    }

    /// <summary>Whether the tenant's policy leaves out an intent.</summary>
    private static Rejection? NotAllowed(string intent, TenantPolicy tenant) => tenant.AllowedIntents is { } allowed && !allowed.Any(pattern => IntentPattern.Covers(pattern, intent))
        ? Denied("allowed_intents", $"The tenant's policy allows {string.Join(", ", allowed)} (tenant.policy.set), not '{intent}'.")
        : null;

    /// <summary>The same for a manifest that the span names by ref; it is known only after the check for existence.</summary>
    public async ValueTask<Rejection?> OfManifestAsync(Judgement item, CancellationToken cancel) =>
        item.Manifest is { } manifest ? Of(manifest.Deploy, "The manifest", await rules.PolicyOfAsync(item.Tenant)) : null;

    private Rejection? Of(JsonElement order, string who, TenantPolicy tenant) =>
        policy.Violation(PolicyInput.Of(order), who, tenant) is { } violation ? Denied(violation.Rule, violation.Detail) : null;

    private static Rejection Denied(string rule, string detail) => new(RefusalCode.PolicyDenied, detail)
    {
        Details = new Dictionary<string, object?> { ["rule"] = rule },
    };
}
