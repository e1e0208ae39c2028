using LogLine.Api.OpenApi;

namespace LogLine.Api.Submissions;

/// <summary>Words for the writes (docs/adding-a-route.md).</summary>
internal static class SubmissionDocs
{
    public static readonly RouteDoc Submit = new(
        "submitSpans", RouteTags.Spans, "Submit a span, or up to 100",
        "The one door through which everything is wanted. `intent`, `subject` and `payload` are enough; what else is missing in an unsigned span the gate fills in and names in `repaired`. "
        + "A signed span is never changed. An array is gated and committed item by item, in order.")
    {
        Access = RouteAccess.Writer,
        Body = MediaDoc.Json(
            "span-submission",
            ("person", """{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{"name":"Joana","email":"joana@example.com","country":"PT","consent":true}}"""),
            ("deploy", """{"intent":"deploy.apply","subject":"urn:minicontainer:vv/web","payload":{"ref":"mc:vv/web@blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","target":{"provider":"podman","service":"web"}}}"""),
            ("several", """[{"intent":"quota.set","subject":"urn:tenant:vv","payload":{"intent_pattern":"deploy.*","rate_per_minute":60}}]""")),
        Answers =
        [
            new(200, "All of it is durable: the Ack, or the list of Acks.", MediaDoc.Json("submission-answer")),
            new(207, "An array of which some items were refused: each has its own `status`.", MediaDoc.Json("submission-answer", ("mixed",
                """[{"status":"invalid","code":"422_SCHEMA_INVALID","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","errors":[{"path":"/intent","keyword":"catalogue","message":"intent is 'deploy.aply'; did you mean deploy.apply?"}],"suggested_reply":"Please fix the following:\n- /intent: …"}]"""))),
        ],
    };

    public static readonly RouteDoc Compile = new(
        "compileSentence", RouteTags.Universal, "Compile a sentence, dry by default",
        "A sentence in English or Portuguese, a partial span, or both. With `dry_run`, which is the default, the answer says what would be sent and what the gate would say to it; "
        + "nothing is written and no nonce is needed. Without it the rules of `POST /v1/spans` hold.")
    {
        Access = RouteAccess.Writer,
        Body = MediaDoc.Json("universal-request"),
        Answers = [new(200, "What the sentence stands for; without `dry_run`, its Ack.", MediaDoc.Json("universal-answer"))],
    };

    public static readonly RouteDoc CreateTenant = new("createTenant", RouteTags.Administration, "Create a tenant", "Needs scope `admin:tenants`. The answer has the tenant's first token, with scope `*`.")
    {
        Access = RouteAccess.Writer,
        Body = MediaDoc.Json("tenant-request"),
        Answers = [new(201, "The tenant and its first token, shown this once.", MediaDoc.Json("token-issued"))],
    };

    public static readonly RouteDoc CreateToken = new("createToken", RouteTags.Administration, "Create a token", "Needs scope `admin:tokens`. Never more, nor longer, than the caller has.")
    {
        Access = RouteAccess.Writer,
        Body = MediaDoc.Json("token-request"),
        Answers = [new(201, "The token, shown this once.", MediaDoc.Json("token-issued"))],
    };

    public static readonly RouteDoc RevokeToken = new("revokeToken", RouteTags.Administration, "Revoke a token", "Needs scope `admin:tokens`. Effective at once; streams that it holds end.")
    {
        Access = RouteAccess.Writer,
        Parameters = new Dictionary<string, ParameterDoc> { ["tokenId"] = new("Id of the token.", "tok_0123456789abcdef") },
        Answers = [new(204, "It is refused from now on.")],
    };
}
