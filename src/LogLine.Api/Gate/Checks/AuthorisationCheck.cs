using LogLine.Api.Errors;
using LogLine.Protocol.Json;

namespace LogLine.Api.Gate.Checks;

/// <summary>
/// Row 16: has somebody with a key authorised exactly this? Of several proofs the one that expires first is used; the commit consumes
/// it. The subject is claimed until then, so no second request uses the same proof.
/// </summary>
internal static class AuthorisationCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel)
    {
        if (item.Definition!.ProofIntent is not { } intent)
        {
            return null;
        }
        var reference = item.Ref?.ToString();
        var target = item.Payload.Member("target") is { ValueKind: System.Text.Json.JsonValueKind.Object } element
            ? System.Text.Encoding.UTF8.GetString(CanonicalJson.BytesOf(element))
            : null;
        var planDigest = item.Payload.Text("plan_digest");
        item.Proof = (await item.State.LiveProofsAsync(item.Tenant, item.Span.Subject!, intent, item.Now)).FirstOrDefault(proof =>
            (proof.Env is null || proof.Env == item.Submission.Env)
            && (proof.Ref is null || proof.Ref == reference)
            && (proof.Target is null || proof.Target == target)
            && (proof.PlanDigest is null || proof.PlanDigest == planDigest));
        return item.Proof is not null ? null : new Rejection(
            RefusalCode.ProofRequired,
            $"{item.Span.Intent} needs a live proof for '{intent}' on {item.Span.Subject}. Submit one with 'wallet.proof.submit' ('logline wallet prove {intent}{(reference is null ? "" : $" --ref {reference}")}'), then send the same request again, unchanged.")
        {
            Details = new Dictionary<string, object?>
            {
                ["required_proof_intent"] = intent,
                ["subject"] = item.Span.Subject,
                ["ref"] = reference,
                ["env"] = item.Submission.Env,
            },
        };
    }
}
