using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;

namespace LogLine.Api.Runs;

/// <summary>Payloads of what workers say about grants, without <c>kind</c>.</summary>
internal static class GrantEvents
{
    /// <summary><c>grant.materialize</c>: it is about to be opened.</summary>
    public static void WriteWish(Utf8JsonWriter json, RunRow run, string grantId)
    {
        json.WriteString("grant_id", grantId);
        json.WriteString("run_id", run.RunId);
    }

    /// <summary><c>grant.materialized</c>: it was opened, for this run's container.</summary>
    public static void WriteOpened(Utf8JsonWriter json, RunRow run, OpenedGrant grant, string runnerKid)
    {
        json.WriteString("artifact_hash", grant.ArtifactHash);
        json.WriteString("digest", grant.Digest);
        json.WriteString("grant_id", grant.GrantId);
        json.WriteString("run_id", run.RunId);
        json.WriteString("runner_kid", runnerKid);
    }
}
