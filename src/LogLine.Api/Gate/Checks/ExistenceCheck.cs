using LogLine.Api.Errors;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 15: does this tenant have what the span names? Another tenant's things do not exist.</summary>
internal static class ExistenceCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel) => item.Effect switch
    {
        "minicontainer.apply" or "minicontainer.verify" or "deploy.plan" or "deploy.apply" => await ManifestAsync(item),
        "deploy.rollback" => await RollbackTarget.FindAsync(item) ?? await ManifestAsync(item),
        "run.cancel" => await RunAsync(item),
        "wallet.key.revoke" => await KeyAsync(item),
        "wallet.grant.revoke" => await GrantAsync(item),
        "token.revoke" => await TokenAsync(item),
        "artifact.remove" => Artifact(item),
        "webhook.delete" or "webhook.rotate" or "webhook.replay" => await WebhookActs.ExistenceAsync(item),
        "span.erase" => await SpanErasure.ExistenceAsync(item),
        _ => null,
    };

    private static async ValueTask<Rejection?> ManifestAsync(Judgement item)
    {
        if (item.Ref is not { } reference)
        {
            return null;
        }
        if (await item.State.FindManifestAsync(reference) is not { } manifest)
        {
            return Missing("ref", reference.ToString(), "Apply its manifest first with 'minicontainer.apply' ('logline minicontainer apply').");
        }
        item.Manifest = manifest;
        if (!item.Definition!.IsDeploy)
        {
            return null;
        }
        return manifest.Deploy.ValueKind == System.Text.Json.JsonValueKind.Undefined
            ? Rejection.Inconsistent("/payload/ref", "names a manifest without a deploy section: there is nothing to run")
            : null;
    }

    private static async ValueTask<Rejection?> RunAsync(Judgement item)
    {
        var runId = item.Payload.Text("run_id")!;
        item.Run = await item.State.FindRunAsync(item.Tenant, runId);
        if (item.Run is null)
        {
            return NoRun(runId);
        }
        return item.Run.Subject == item.Span.Subject ? null : Rejection.Inconsistent("/subject", $"is {item.Span.Subject}, but the run's is {item.Run.Subject}");
    }

    private static async ValueTask<Rejection?> KeyAsync(Judgement item)
    {
        var kid = item.Payload.Text("kid")!;
        return await item.State.FindKeyAsync(item.Tenant, kid) is null ? Missing("kid", kid, "GET /v1/wallet/keys lists the tenant's keys.") : null;
    }

    private static async ValueTask<Rejection?> GrantAsync(Judgement item)
    {
        var id = item.Payload.Text("grant_id")!;
        return await item.State.FindGrantAsync(item.Tenant, id) is null ? Missing("grant_id", id, "Grants are recorded with 'wallet.grant.create'.") : null;
    }

    private static async ValueTask<Rejection?> TokenAsync(Judgement item)
    {
        var id = item.Payload.Text("token_id")!;
        return await item.State.FindTokenAsync(item.Tenant, id) is null ? Missing("token_id", id, "GET /v1/tokens lists the tenant's tokens.") : null;
    }

    private static Rejection? Artifact(Judgement item)
    {
        var hash = item.Payload.Text("hash")!;
        item.Artifact = item.State.FindArtifact(item.Tenant, hash);
        return item.Artifact is null ? Missing("artifact", hash, "GET /v1/artifacts lists the tenant's artifacts.") : null;
    }

    internal static Rejection NoRun(string runId) => Missing("run_id", runId, "GET /v1/runs lists the tenant's runs.");

    internal static Rejection Missing(string field, string value, string way) => new(RefusalCode.NotFound, $"This tenant has no {field} '{value}'. {way}")
    {
        Details = new Dictionary<string, object?> { [field] = value },
    };
}
