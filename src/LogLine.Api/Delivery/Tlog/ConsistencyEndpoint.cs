using System.Globalization;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Tlog;

/// <summary>
/// <c>GET /v1/ledger/consistency?from=&amp;to=</c>: the proof that the log of <c>from</c> entries is the beginning of that of <c>to</c> (RFC 9162, section 2.1.4),
/// with the checkpoints that were signed at these sizes. Without <c>from</c> it leads from the first entry, without <c>to</c> to the newest.
/// </summary>
internal static class ConsistencyEndpoint
{
    public static void MapConsistency(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/ledger/consistency", ConsistencyAsync).RequireReader().Documented(TlogDocs.Consistency);

    private static async Task ConsistencyAsync(HttpContext http, SpanLedger ledger)
    {
        var tree = ledger.Tree;
        if (tree.Size == 0)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.NotFound, "The log is empty."));
            return;
        }
        var query = http.Request.Query;
        var errors = new List<FieldError>();
        var to = !query.ContainsKey("to") ? tree.Size : Size(query["to"], tree.Size) ?? Wrong("to", $"must be a whole number from 1 to {tree.Size}, the size of the log");
        var last = errors.Count == 0 ? to : tree.Size;
        var from = !query.ContainsKey("from") ? 1 : Size(query["from"], last) ?? Wrong("from", $"must be a whole number from 1 to {last}: from the empty log nothing can be proved");
        foreach (var name in query.Keys.Where(name => name is not ("from" or "to")))
        {
            Wrong(name, "is not known; there are from and to");
        }
        if (errors.Count > 0)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, "The query asks for no consistency proof.") { Errors = [.. errors.OrderBy(error => error.Path, StringComparer.Ordinal)] });
            return;
        }
        var proof = new LogConsistency
        {
            Origin = ledger.Origin,
            From = from,
            To = to,
            Hashes = tree.ConsistencyProof(from, to),
            OlderCheckpoint = await ledger.Store.ReadCheckpointAsync(from),
            NewerCheckpoint = await ledger.Store.ReadCheckpointAsync(to),
        };
        await http.WriteAsync(proof.WriteTo);

        long Wrong(string field, string message)
        {
            errors.Add(new FieldError("/" + field, "query", message));
            return 0;
        }
    }

    private static long? Size(string? text, long max) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size >= 1 && size <= max ? size : null;
}
