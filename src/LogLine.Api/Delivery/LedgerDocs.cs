using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery;

/// <summary>Words for the ledger as a whole (docs/adding-a-route.md).</summary>
internal static class LedgerDocs
{
    public static readonly RouteDoc Export = new(
        "exportLedger", RouteTags.Log, "The whole ledger",
        "Every row as NDJSON, for whoever verifies all of it (`logline ledger verify`). It holds every tenant's spans, so it needs scope `ledger:audit` of the first tenant, whose is the gateway.")
    {
        Query = new Dictionary<string, ParameterDoc> { ["after"] = new("The first entry.", "0", """{"type":"integer","minimum":0}""") },
        Answers = [new(200, "A line that names the log, then a line for each row.", MediaDoc.Text("{\"logline_export\":1,\"logs\":[…],\"span_keys\":{…}}\n", "application/x-ndjson"))],
        Refusals = [RefusalCode.SchemaInvalid, RefusalCode.Busy],
    };
}
