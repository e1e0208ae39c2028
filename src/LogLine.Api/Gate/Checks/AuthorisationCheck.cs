using System.Text;
using System.Text.Json;
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
            foreach (var proof in await LiveAsync(item, intent))
            {
                if (Covers(proof, item))
                {
                    item.Proof = proof;
                    break;
                }
            }
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
        var wanted = FarReaching(order.Member("security"));
        if (wanted.Count == 0)
        {
            return null;
        }
        var allowed = CapabilitySet.Of(policy.AllowCapabilities);
        foreach (var proof in await LiveAsync(item, CapabilityIntent))
        {
            if (Covers(proof, item) && allowed.Attenuate(await item.State.CapabilitiesOfAsync(proof)).Holds(wanted))
            {
                item.CapabilityProof = proof;
                return null;
            }
        }
        return Required(item, CapabilityIntent, $"Adding {string.Join(", ", wanted)} needs a live proof for '{CapabilityIntent}' on {item.Span.Subject} that names them.",
            string.Concat(wanted.Select(name => " --capability " + name)), wanted);
    }

    /// <summary>Those that are added, not dropped again, and reach beyond the container; each once, in order.</summary>
    private static IReadOnlyList<string> FarReaching(JsonElement security)
    {
        if (security.Member("cap_add").ValueKind != JsonValueKind.Array)
        {
            return [];
        }
        var dropped = security.Texts("cap_drop");
        return [.. security.Texts("cap_add").Where(LinuxCapabilities.NeedsProof).Where(name => !dropped.Contains(name) && !dropped.Contains("ALL")).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Live proofs for the item's subject, the one that expires first in front.</summary>
    private static ValueTask<List<ProofRow>> LiveAsync(Judgement item, string intent) => item.State.LiveProofsAsync(item.Tenant, item.Span.Subject!, intent, item.Now);

    /// <summary>True when everything that the proof names is the item's.</summary>
    private static bool Covers(ProofRow proof, Judgement item) =>
        (proof.Env is null || proof.Env == item.Submission.Env)
        && (proof.Ref is null || proof.Ref == item.Ref?.ToString())
        && (proof.Target is null || proof.Target == Canonical(item.Target)
            || (item.Choice is not null && proof.Target == Canonical(item.Payload.Member("target")))) // a proof for 'auto' covers whatever it comes to mean
        && (proof.PlanDigest is null || item.Payload.Is("plan_digest", proof.PlanDigest));

    private static string? Canonical(JsonElement target) => target.ValueKind == JsonValueKind.Object ? Encoding.UTF8.GetString(CanonicalJson.BytesOf(target)) : null;

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
        var (adapter, name) = (item.State.Targets.Find(item.Provider)!, item.Payload.Text("name")!);
        try
        {
            return (await item.LookAsync(cancel) is { } workload && await item.State.HoldsGrantsAsync(item.Tenant, workload) ? SecretAccess.ProofIntent : null, null);
        }
        catch (AdapterException failure)
        {
            return (null, await LifecycleCheck.UnsettledAsync(item, adapter.Provider, name, failure, cancel));
        }
    }
}
