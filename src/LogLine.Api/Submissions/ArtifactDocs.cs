using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Submissions;

/// <summary>Words for artifacts, written and read (docs/adding-a-route.md).</summary>
internal static class ArtifactDocs
{
    private static readonly Dictionary<string, ParameterDoc> Hash = new()
    {
        ["hash"] = new("Hash of the bytes.", "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", """{"type":"string","pattern":"^blake3:[0-9a-f]{64}$"}"""),
    };

    public static readonly RouteDoc Put = new(
        "putArtifact", RouteTags.Artifacts, "Store bytes under their own hash",
        "Needs scope `artifact.put`. Whole or not at all: bytes with another hash are not kept. A repetition changes nothing, so without a signature neither nonce nor timestamp is needed. "
        + "A signature covers the hash of the path as `content_hash`, which `X-Payload-Hash` repeats. Head and bytes are judged apart: what the head is refused for is said before bytes are taken.")
    {
        Access = RouteAccess.Writer,
        Parameters = Hash,
        Body = MediaDoc.Bytes,
        Answers = [new(201, "They are kept.", MediaDoc.Json("artifact-stored")), new(200, "They were there already.", MediaDoc.Json("artifact-stored"))],
    };

    public static readonly RouteDoc Remove = new("removeArtifact", RouteTags.Artifacts, "Remove an artifact", "Needs scope `artifact.remove`. The bytes are gone; what the ledger says of them stays.")
    {
        Access = RouteAccess.Writer,
        Parameters = Hash,
        Answers = [new(204, "They are gone.")],
    };

    public static readonly RouteDoc Read = new("getArtifact", RouteTags.Artifacts, "Read an artifact", "Its bytes; also in parts (`Range`) and conditionally (`If-None-Match`; the ETag is the hash).")
    {
        Parameters = Hash,
        Answers = [new(200, "The bytes.", MediaDoc.Bytes), new(206, "The part that `Range` asked for.", MediaDoc.Bytes)],
        Refusals = [RefusalCode.NotFound, RefusalCode.MalformedHeader],
    };

    public static readonly RouteDoc List = new("listArtifacts", RouteTags.Artifacts, "List artifacts", "By hash, and how much of the tenant's share is used. `cursor` goes into `after`.")
    {
        Parameters = new Dictionary<string, ParameterDoc>
        {
            ["after"] = new("Cursor of the answer before.", Hash["hash"].Example, Hash["hash"].Schema),
            ["limit"] = new("Most items.", "100", """{"type":"integer","minimum":1,"maximum":1000,"default":100}"""),
        },
        Answers = [new(200, "The artifacts.", MediaDoc.Json("artifact-page"))],
        Refusals = [RefusalCode.SchemaInvalid],
    };
}
