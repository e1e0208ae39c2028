using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Gate.Checks;

/// <summary>
/// Row 16: has somebody with a key authorised exactly this? Of several proofs the one that expires first is used; the commit consumes
/// it. The subject is claimed until then, so no second request uses the same proof.
/// </summary>
internal sealed class AuthorisationCheck(OperatorPolicy policy)
{
    private const string CapabilityIntent = "capability.allow";

    public async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel)
    {
        var (ofSecrets, unsettled) = await SecretsOfContainerAsync(item, cancel);
        if (unsettled is not null)
        {
            return unsettled;
        }
        if ((item.Definition!.ProofIntent ?? ofSecrets) is { } intent)
        {
            item.Proof = (await MatchingAsync(item, intent)).FirstOrDefault();
            if (item.Proof is null)
            {
                return Required(item, intent, $"{item.Span.Intent} needs a live proof for '{intent}' on {item.Span.Subject}.", "", []);
            }
        }
        return await CapabilitiesAsync(item);
    }

    /// <summary>What reaches beyond the container needs a proof that names it, besides the operator's word.</summary>
    private async ValueTask<Rejection?> CapabilitiesAsync(Judgement item)
    {
        var order = item.Effect == "container.create" ? item.Payload : item.Effect is "deploy.apply" or "deploy.rollback" && item.Manifest is { } manifest ? manifest.Deploy : default;
        var security = order.Member("security");
        var dropped = security.Texts("cap_drop");
        var wanted = security.Texts("cap_add").Where(LinuxCapabilities.NeedsProof).Where(name => !dropped.Contains(name) && !dropped.Contains("ALL")).Distinct().Order(StringComparer.Ordinal).ToList();
        if (wanted.Count == 0)
        {
            return null;
        }
        var allowed = CapabilitySet.Of(policy.AllowCapabilities);
        foreach (var proof in await MatchingAsync(item, CapabilityIntent))
        {
            if (allowed.Attenuate(await item.State.CapabilitiesOfAsync(proof)).Holds(wanted))
            {
                item.CapabilityProof = proof;
                return null;
            }
        }
        return Required(item, CapabilityIntent, $"Adding {string.Join(", ", wanted)} needs a live proof for '{CapabilityIntent}' on {item.Span.Subject} that names them.",
            string.Concat(wanted.Select(name => " --capability " + name)), wanted);
    }

    /// <summary>Live proofs that cover the item, the one that expires first in front.</summary>
    private static async ValueTask<IEnumerable<ProofRow>> MatchingAsync(Judgement item, string intent)
    {
        var reference = item.Ref?.ToString();
        var target = Canonical(item.Target);
        var asked = item.Choice is null ? target : Canonical(item.Payload.Member("target")); // a proof for 'auto' covers whatever it comes to mean
        var planDigest = item.Payload.Text("plan_digest");
        return (await item.State.LiveProofsAsync(item.Tenant, item.Span.Subject!, intent, item.Now)).Where(proof =>
            (proof.Env is null || proof.Env == item.Submission.Env)
            && (proof.Ref is null || proof.Ref == reference)
            && (proof.Target is null || proof.Target == target || proof.Target == asked)
            && (proof.PlanDigest is null || proof.PlanDigest == planDigest));
    }

    private static string? Canonical(System.Text.Json.JsonElement target) =>
        target is { ValueKind: System.Text.Json.JsonValueKind.Object } ? System.Text.Encoding.UTF8.GetString(CanonicalJson.BytesOf(target)) : null;

    private static Rejection Required(Judgement item, string intent, string why, string options, IReadOnlyList<string> capabilities)
    {
        var reference = item.Ref?.ToString();
        var details = new Dictionary<string, object?>
        {
            ["required_proof_intent"] = intent,
            ["subject"] = item.Span.Subject,
            ["ref"] = reference,
            ["env"] = item.Submission.Env,
        };
        if (capabilities.Count > 0)
        {
            details["capabilities"] = capabilities;
        }
        var subject = reference is null ? $" --subject {item.Span.Subject}" : $" --ref {reference}";
        return new Rejection(RefusalCode.ProofRequired, $"{why} Submit one with 'wallet.proof.submit' ('logline wallet prove {intent}{subject}{options}'), then send the same request again, unchanged.") { Details = details };
    }

    /// <summary>The proof that the container's secrets ask for (<see cref="SecretAccess"/>). One that is not there is a later check's; one that cannot be looked at is not got into.</summary>
    private static async ValueTask<(string? Intent, Rejection? Unsettled)> SecretsOfContainerAsync(Judgement item, CancellationToken cancel)
    {
        if (!SecretAccess.IsBy(item.Effect))
        {
            return default;
        }
        var (adapter, name) = (item.State.Targets.Find(item.Target.Text("provider")!)!, item.Payload.Text("name")!);
        try
        {
            return (await adapter.FindByNameAsync(item.Tenant, name, cancel) is { } workload && await item.State.HoldsGrantsAsync(item.Tenant, workload.RunId) ? SecretAccess.ProofIntent : null, null);
        }
        catch (AdapterException failure)
        {
            return (null, await LifecycleCheck.UnsettledAsync(item, adapter.Provider, name, failure, cancel));
        }
    }
}
