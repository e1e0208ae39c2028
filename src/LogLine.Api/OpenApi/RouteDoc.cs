using System.Reflection;
using LogLine.Api.Errors;

namespace LogLine.Api.OpenApi;

/// <summary>
/// What the OpenAPI document says about one route (docs/adding-a-route.md). It stands in the <c>…Docs</c> file beside the route, which names it with
/// <see cref="RouteDocs.Documented"/>; a route without one fails <c>OpenApiTests</c>.
/// </summary>
/// <param name="Id">Operation id, camel case: the name of the function in a generated client.</param>
/// <param name="Tag">One of <see cref="RouteTags"/>.</param>
/// <param name="Summary">A few words.</param>
/// <param name="Description">What to know before calling it; Markdown.</param>
public sealed record RouteDoc(string Id, string Tag, string Summary, string Description)
{
    /// <summary>Who may call it: this decides token, headers, and the codes that come with them.</summary>
    public RouteAccess Access { get; init; } = RouteAccess.Reader;

    /// <summary>Words for the parameters of path and query, one for each, by the name in the route.</summary>
    public IReadOnlyDictionary<string, ParameterDoc> Parameters { get; init; } = new Dictionary<string, ParameterDoc>();

    /// <summary>Query parameters that the handler reads itself, so that ASP.NET does not know them.</summary>
    public IReadOnlyDictionary<string, ParameterDoc> Query { get; init; } = new Dictionary<string, ParameterDoc>();

    /// <summary>Headers that this route reads beside those of its <see cref="Access"/>.</summary>
    public IReadOnlyDictionary<string, ParameterDoc> Headers { get; init; } = new Dictionary<string, ParameterDoc>();

    /// <summary>The body, or null when there is none.</summary>
    public MediaDoc? Body { get; init; }

    /// <summary>What it answers when all is well.</summary>
    public required IReadOnlyList<AnswerDoc> Answers { get; init; }

    /// <summary>Codes beside those of its <see cref="Access"/>.</summary>
    public IReadOnlyList<RefusalCode> Refusals { get; init; } = [];

    /// <summary>Every code that the route can answer with, in the order of the table.</summary>
    public IEnumerable<RefusalCode> AllRefusals => RouteDocs.Implied(Access).Concat(Refusals).Distinct().Order();
}

/// <summary>Who may call a route.</summary>
public enum RouteAccess
{
    /// <summary>Everybody, without a token.</summary>
    Anyone,
    /// <summary>A token; with scope <c>read</c> unless the words say otherwise.</summary>
    Reader,
    /// <summary>A token whose scopes hold what is wanted; the request passes the whole gate.</summary>
    Writer,
}

/// <summary>A parameter of path, query or header.</summary>
/// <param name="Description">What it stands for.</param>
/// <param name="Example">A value.</param>
/// <param name="Schema">JSON Schema; a string without it.</param>
/// <param name="Required">True where the route refuses without it; what is in the path always is.</param>
public sealed record ParameterDoc(string Description, string? Example = null, string Schema = """{"type":"string"}""", bool Required = false);

/// <summary>A body in one media type.</summary>
/// <param name="Type">Media type.</param>
/// <param name="Schema">Name of a component (<c>span-query</c> → <c>SpanQuery</c>); null for text.</param>
/// <param name="Examples">Named examples as JSON, or text; without any, the component's own.</param>
public sealed record MediaDoc(string Type, string? Schema, IReadOnlyDictionary<string, string> Examples)
{
    /// <summary>JSON of a component.</summary>
    public static MediaDoc Json(string schema, params (string Name, string Json)[] examples) =>
        new("application/json", schema, examples.ToDictionary(example => example.Name, example => example.Json));

    /// <summary>Bytes.</summary>
    public static readonly MediaDoc Bytes = new("application/octet-stream", null, new Dictionary<string, string>());

    /// <summary>Text.</summary>
    public static MediaDoc Text(string example, string type = "text/plain") => new(type, null, new Dictionary<string, string> { ["text"] = example });
}

/// <summary>An answer: status, what it means, and its body in the media types that there are.</summary>
public sealed record AnswerDoc(int Status, string Description, params MediaDoc[] Bodies);

/// <summary>The groups of routes, in the order in which a reader needs them.</summary>
public static class RouteTags
{
    /// <summary>Writing and reading spans.</summary>
    public const string Spans = "Spans";
    /// <summary>Sentences.</summary>
    public const string Universal = "Universal";
    /// <summary>The cursor.</summary>
    public const string Stream = "Stream";
    /// <summary>Events that are sent.</summary>
    public const string Webhooks = "Webhooks";
    /// <summary>Effects.</summary>
    public const string Runs = "Runs";
    /// <summary>Binary content.</summary>
    public const string Artifacts = "Artifacts";
    /// <summary>The worker protocol.</summary>
    public const string Workers = "Workers";
    /// <summary>Tenants, tokens, keys.</summary>
    public const string Administration = "Administration";
    /// <summary>The log that anybody can verify.</summary>
    public const string Log = "Log";
    /// <summary>The gateway itself.</summary>
    public const string Gateway = "Gateway";

    /// <summary>Every tag and what it is about.</summary>
    public static readonly IReadOnlyDictionary<string, string> All = new Dictionary<string, string>
    {
        [Spans] = "The one door through which everything is wanted, and what came of it.",
        [Universal] = "Sentences in English and Portuguese, compiled to spans by a grammar.",
        [Stream] = "The ledger from a cursor, as it grows.",
        [Webhooks] = "The ledger from a cursor, posted to a URL.",
        [Runs] = "What effects are doing.",
        [Artifacts] = "Binary content under its own hash; spans name the hash.",
        [Workers] = "What workers in processes of their own ask of a gateway, and say to it. Served by gateways of the role `gateway`; the others answer 404.",
        [Administration] = "Tenants, tokens and keys; each act is also a span.",
        [Log] = "What anybody needs to verify the log.",
        [Gateway] = "Health, keys, catalogue and help of the gateway itself.",
    };
}

/// <summary>Ties routes and their words together.</summary>
public static class RouteDocs
{
    private static readonly RefusalCode[] Always = [RefusalCode.MalformedHeader, RefusalCode.Internal];
    private static readonly RefusalCode[] Authenticated = [.. Always, RefusalCode.Unauthenticated, RefusalCode.Forbidden];

    /// <summary>Says what a route is for.</summary>
    public static TBuilder Documented<TBuilder>(this TBuilder route, RouteDoc words) where TBuilder : IEndpointConventionBuilder
    {
        route.Add(endpoint =>
        {
            endpoint.Metadata.Add(words);
            // ASP.NET describes a handler by its method; one that takes the context alone has none in its metadata.
            if (endpoint.RequestDelegate is { } handler && !endpoint.Metadata.OfType<MethodInfo>().Any())
            {
                endpoint.Metadata.Add(handler.Method);
            }
        });
        return route;
    }

    /// <summary>The codes that come with who may call it. A write passes the gate, so any row of its table can be the answer.</summary>
    internal static IEnumerable<RefusalCode> Implied(RouteAccess access) => access switch
    {
        RouteAccess.Anyone => Always,
        RouteAccess.Reader => Authenticated,
        _ => Enum.GetValues<RefusalCode>(),
    };
}
