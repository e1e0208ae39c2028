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

    private static async Task RunAsync(HttpContext http, string runId, SpanLedger ledger) =>
        await (await ledger.Store.FindRunAsync(runId) is { } run && run.Tenant == http.Principal().Tenant
            ? http.WriteAsync(json => RunViews.Write(json, run))
            : http.NotFoundAsync($"run '{(runId.Length <= 96 ? runId : runId[..93] + "…")}'"));

    /// <summary><c>{items[], cursor}</c>, newest first; the cursor goes into <c>before</c>.</summary>
    private static async Task ListAsync(HttpContext http, SpanLedger ledger, string? subject, string? limit, string? before)
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
        await http.WriteAsync(json => WriteRuns(json, runs, isFull ? runs[^1].RunId : null));
    }

    private static void WriteRuns(Utf8JsonWriter json, IEnumerable<RunRow> runs, string? cursor)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (var run in runs)
        {
            RunViews.Write(json, run);
        }
        json.WriteEndArray();
        json.WriteString("cursor", cursor);
        json.WriteEndObject();
    }
}
