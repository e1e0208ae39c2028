namespace LogLine.Api.OpenApi;

/// <summary>Words for this room's route.</summary>
internal static class OpenApiDocs
{
    public static readonly RouteDoc Document = new("openApi", RouteTags.Gateway, "This document", "OpenAPI 3.1, made from the code. `/swagger` shows it.")
    {
        Access = RouteAccess.Anyone,
        Answers = [new(200, "The document.", new MediaDoc("application/json", "openapi", new Dictionary<string, string>()))],
    };
}
