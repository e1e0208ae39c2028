using System.Globalization;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Delivery;

/// <summary>
/// <c>GET /v1/ledger/export?after=</c>: the whole ledger as NDJSON (<see cref="ExportLine"/>), entries from <c>after</c> on. It shows every tenant's spans and the hashes of
/// every token, so it is for the operator: scope <c>ledger:audit</c>, which only tokens of the first tenant can have.
/// </summary>
internal static class LedgerExport
{
    // Each reads the whole database.
    private static readonly SemaphoreSlim Seats = new(2);

    private const int FlushBytes = 64 * 1024;

    public static void MapLedgerExport(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/ledger/export", ExportAsync).RequireScope("ledger:audit").Documented(LedgerDocs.Export);

    private static async Task ExportAsync(HttpContext http, SpanLedger ledger)
    {
        long after = 0;
        if (http.Request.Query.ContainsKey("after") && !long.TryParse(http.Request.Query["after"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, "after must be an integer from 0") { Errors = [new FieldError("/after", "query", "must be an integer from 0")] });
            return;
        }
        if (!Seats.Wait(0, CancellationToken.None))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Busy, "Two exports are being read already.") { RetryAfterSeconds = 10 });
            return;
        }
        try
        {
            await WriteAsync(http, ledger, after);
        }
        finally
        {
            Seats.Release();
        }
    }

    private static async Task WriteAsync(HttpContext http, SpanLedger ledger, long after)
    {
        var output = http.Response.BodyWriter;
        http.Response.ContentType = "application/x-ndjson";
        http.Response.Headers.CacheControl = "no-store";
        ExportLine.WriteHeader(output, ledger.Trust, ledger.Size);
        await foreach (var row in ledger.Store.RowsAsync(after, http.RequestAborted))
        {
            ExportLine.WriteRow(output, row);
            if (output.UnflushedBytes > FlushBytes)
            {
                await output.FlushAsync(http.RequestAborted); // waits for a slow reader
            }
        }
        await output.FlushAsync(http.RequestAborted);
    }
}
