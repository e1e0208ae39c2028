using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate.Checks;

/// <summary>
/// What <c>deploy.rollback</c> goes back to. <c>run_id</c> names the run that is not wanted, and the ref that ran before it on the same service is gone back to;
/// <c>ref</c> names the one to go back to, and the subject's latest run says where. A ref is good when a run of it has been running.
/// </summary>
internal static class RollbackTarget
{
    public static async ValueTask<Rejection?> FindAsync(Judgement item)
    {
        // As the store has them, newest first: what earlier items of the same request start is not there yet.
        var runs = (await item.State.RunsOfAsync(item.Tenant, item.Span.Subject!)).Where(run => run.Ref is not null).ToList();
        var unwanted = item.Payload.Text("run_id") is { } runId ? runs.Find(run => run.RunId == runId) : Latest(runs);
        if (unwanted is null)
        {
            return item.Payload.Text("run_id") is { } unknown
                ? ExistenceCheck.Missing("run_id", unknown, $"GET /v1/runs?subject={item.Span.Subject} lists the deploys of this subject.")
                : ExistenceCheck.Missing("ref", item.Payload.Text("ref")!, "Nothing of this subject was deployed yet, so there is nowhere to go back to it; deploy it (deploy.apply).");
        }
        if (item.Payload.Text("run_id") is null && runs.Where(run => !run.HasEnded).Select(run => (run.Provider, run.Service)).Distinct().Count() > 1)
        {
            return Rejection.Inconsistent("/payload/run_id", "is missing, and this subject runs on more than one service; name the run that is not wanted");
        }
        if (item.State.Targets.Find(unwanted.Provider) is null)
        {
            return Rejection.Inconsistent("/payload/run_id", $"ran on '{unwanted.Provider}', for which this gateway has no adapter; it has: {string.Join(", ", item.State.Targets.Engines)}");
        }
        (item.Run, item.Target) = (unwanted, CanonicalJson.Parse(unwanted.Target).Root);
        var good = runs.Where(run => run.StartedAt is not null && run.Provider == unwanted.Provider && run.Service == unwanted.Service).ToList();
        if (item.Payload.Text("ref") is { } wanted)
        {
            return good.Exists(run => run.Ref == wanted) ? null : ExistenceCheck.Missing(
                "ref", wanted, $"It has never been running on '{unwanted.Service}', so there is nothing to go back to; deploy it (deploy.apply).");
        }
        if (good.Find(run => run.CreatedAt <= unwanted.CreatedAt && run.RunId != unwanted.RunId && run.Ref != unwanted.Ref) is not { } last)
        {
            return new Rejection(RefusalCode.NotFound, $"Before {unwanted.RunId} no other ref of {item.Span.Subject} was running on '{unwanted.Service}': there is nothing to go back to.")
            {
                Details = new Dictionary<string, object?> { ["run_id"] = unwanted.RunId, ["service"] = unwanted.Service },
            };
        }
        MiniContainerRef.TryParse(last.Ref, out var reference);
        item.Ref = reference;
        return null;
    }

    private static RunRow? Latest(List<RunRow> runs) => runs.Find(run => !run.HasEnded) ?? runs.FirstOrDefault();
}
