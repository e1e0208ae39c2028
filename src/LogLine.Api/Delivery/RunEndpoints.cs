using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Runs;

namespace LogLine.Api.Delivery;

/// <summary>Runs as they stand.</summary>
internal static class RunEndpoints
{
    public static void MapRunReads(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/v1/runs").RequireReader();
        runs.MapGet("", ListAsync).Documented(DeliveryDocs.Runs);
        runs.MapGet("/{runId}", RunAsync).Documented(DeliveryDocs.Run);
        runs.MapGet("/{runId}/logs", RunLogs.ReadAsync).Documented(DeliveryDocs.RunLogs);
    }

    private static async Task RunAsync(HttpContext http, string runId, RunDesk desk)
    {
        if (await desk.FindAsync(runId) is not { } run || run.Tenant != http.Principal().Tenant)
        {
            await http.NotFoundAsync($"run '{(runId.Length <= 96 ? runId : runId[..93] + "…")}'");
            return;
        }
        var revoked = await desk.RevokedGrantsAsync(run);
        await http.WriteAsync(json => RunViews.Write(json, run, revoked));
    }

    /// <summary><c>{items[], cursor}</c>, newest first; the cursor goes into <c>before</c>.</summary>
    private static async Task ListAsync(HttpContext http, SpanLedger ledger, RunDesk desk, string? subject, string? limit, string? before)
    {
        if (!PageLimit.TryRead(limit, out var most, out var refused))
        {
            await http.RefuseAsync(refused!);
            return;
        }
        var tenant = http.Principal().Tenant;
        RunRow? last = null;
        if (before is not null && ((last = await ledger.Store.FindRunAsync(before)) is null || last.Tenant != tenant))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, "before must be the cursor of the answer before") { Errors = [new FieldError("/before", "query", "must be the cursor of the answer before")] });
            return;
        }
        var runs = await ledger.Store.RunsAsync(tenant, subject, most, last, ILedgerStore.PageBytes);
        var isFull = runs.Count == most || runs.Sum(run => run.DetailBytes) >= ILedgerStore.PageBytes;
        var shown = new List<(RunRow, IReadOnlySet<string>)>(runs.Count);
        foreach (var run in runs)
        {
            shown.Add((run, await desk.RevokedGrantsAsync(run)));
        }
        await http.WriteAsync(json => WriteRuns(json, shown, isFull ? runs[^1].RunId : null));
    }

    private static void WriteRuns(Utf8JsonWriter json, IEnumerable<(RunRow, IReadOnlySet<string>)> runs, string? cursor)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (var (run, revoked) in runs)
        {
            RunViews.Write(json, run, revoked);
        }
        json.WriteEndArray();
        json.WriteString("cursor", cursor);
        json.WriteEndObject();
    }
}
