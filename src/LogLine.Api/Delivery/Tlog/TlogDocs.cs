using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery.Tlog;

/// <summary>Words for the log as tiles (docs/adding-a-route.md).</summary>
internal static class TlogDocs
{
    public static readonly RouteDoc Checkpoint = new(
        "getCheckpoint", RouteTags.Log, "Latest checkpoint", "C2SP tlog-checkpoint as a signed note: origin, size, root. Where a quorum of witnesses is asked for, the newest that it has cosigned.")
    {
        Access = RouteAccess.Anyone,
        Answers = [new(200, "The note.", MediaDoc.Text("logline/1f3c5d7e9a0b2c4d\n1\nbjQLnP+zepicpUTma3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n— logline/1f3c5d7e9a0b2c4d …\n"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Tile = new("getTile", RouteTags.Log, "A tile of the tree", "C2SP tlog-tiles: consecutive hashes of one level, 32 bytes each, 256 in a full tile. It never changes.")
    {
        Access = RouteAccess.Anyone,
        Parameters = new Dictionary<string, ParameterDoc> { ["path"] = new("`<L>/<N>` or `<L>/<N>.p/<W>`, N in groups of three digits.", "0/x001/x234/067.p/12") },
        Answers = [new(200, "The hashes.", MediaDoc.Bytes)],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Bundle = new("getEntryBundle", RouteTags.Log, "The entries under a tile", "C2SP tlog-tiles: each entry behind its length as a big-endian 16-bit number. It mixes tenants, so it needs scope `ledger:audit`.")
    {
        Parameters = new Dictionary<string, ParameterDoc> { ["path"] = new("`<N>` or `<N>.p/<W>`, N in groups of three digits.", "x001/x234/067.p/12") },
        Answers = [new(200, "The entries.", MediaDoc.Bytes)],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Consistency = new("getConsistencyProof", RouteTags.Log, "The log only grew", "The proof that the log of `from` entries is the beginning of that of `to` (RFC 9162, section 2.1.4).")
    {
        Query = new Dictionary<string, ParameterDoc>
        {
            ["from"] = new("The older size, at least 1 (the default).", "1", """{"type":"integer","minimum":1}"""),
            ["to"] = new("The newer size; without it the newest.", "42", """{"type":"integer","minimum":1}"""),
        },
        Answers = [new(200, "The proof, and the checkpoints that were signed at these sizes.", MediaDoc.Json("consistency-proof"))],
        Refusals = [RefusalCode.SchemaInvalid, RefusalCode.NotFound],
    };
}
