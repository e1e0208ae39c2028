using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery;

/// <summary>Words for what the gateway says about itself (docs/adding-a-route.md).</summary>
internal static class ServerDocs
{
    public static readonly RouteDoc Keys = new("getServerKeys", RouteTags.Log, "Keys of the gateway", "A receipt is verified with the key of use `log`, a span of the gateway's own with `span`. Keep them: a key that comes with what it verifies proves nothing.")
    {
        Access = RouteAccess.Anyone,
        Answers = [new(200, "The keys and the log's name.", MediaDoc.Json("server-keys"))],
    };

    public static readonly RouteDoc Live = new("getLiveness", RouteTags.Gateway, "Is it alive?", "200 as long as the process answers.")
    {
        Access = RouteAccess.Anyone,
        Answers = [new(200, "It is.", MediaDoc.Text("live\n"))],
    };

    public static readonly RouteDoc Ready = new("getReadiness", RouteTags.Gateway, "Does it admit spans?", "200 while spans can be admitted; engines or a Redis that are missing degrade it, and are named. A gateway that was told to stop says 503 (`draining`) while it still serves, so that a balancer sends new requests elsewhere.")
    {
        Access = RouteAccess.Anyone,
        Answers = [new(200, "It does.", MediaDoc.Json("readiness")), new(503, "The ledger has stopped, or the gateway is about to.", MediaDoc.Json("readiness", ("stopped", """{"status":"stopped","ledger":{"status":"the disk is full","size":42},"engines":{}}""")))],
    };

    public static readonly RouteDoc Metrics = new("getMetrics", RouteTags.Gateway, "Metrics", "Needs scope `metrics`, unless the operator gave it an address of its own. Prometheus' text format; docs/observability.md has the list.")
    {
        Answers = [new(200, "The metrics.", MediaDoc.Text("# TYPE logline_ledger_tree_size gauge\nlogline_ledger_tree_size 42\n"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Problem = new("getProblem", RouteTags.Gateway, "What a code means", "The page to which `type` of a problem leads: what it says, and what to do about it.")
    {
        Access = RouteAccess.Anyone,
        Parameters = new Dictionary<string, ParameterDoc> { ["code"] = new("The code.", "428_PROOF_REQUIRED") },
        Answers = [new(200, "The page.", MediaDoc.Text("428_PROOF_REQUIRED\n\nA proof of authorisation is required.\n\n…\n"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc WhoAmI = new("whoAmI", RouteTags.Administration, "Who am I?", "What the token stands for.")
    {
        Answers = [new(200, "Tenant, environment, scopes.", MediaDoc.Json("principal"))],
    };

    public static readonly RouteDoc Catalogue = new("getCatalogue", RouteTags.Gateway, "Every intent", "What can be wanted, with the JSON Schema of its payload, the effect that it starts and the proof that it needs.")
    {
        Answers = [new(200, "The catalogue.", MediaDoc.Json("catalogue"))],
    };

    public static readonly RouteDoc WalletKeys = new("listWalletKeys", RouteTags.Administration, "Keys of the tenant", "Retired and revoked ones too.")
    {
        Answers = [new(200, "The keys.", MediaDoc.Json("wallet-keys"))],
    };

    public static readonly RouteDoc Tokens = new("listTokens", RouteTags.Administration, "Tokens of the tenant", "Needs scope `admin:tokens`. Without the tokens themselves, which are stored hashed.")
    {
        Answers = [new(200, "The tokens.", MediaDoc.Json("token-page"))],
    };
}
