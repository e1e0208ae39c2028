namespace LogLine.Api.OpenApi;

/// <summary><c>/openapi/v1.json</c>, and pages for people at <c>/swagger</c>; both without a token, and without anything from elsewhere.</summary>
internal static class OpenApiEndpoints
{
    private const string Path = "/openapi/v1.json";

    // The page's own scripts and styles, calls to this gateway, and nothing else. Swagger UI sets styles in elements and has its icons in data URLs.
    private const string ContentSecurity = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Registers the document.</summary>
    /// <param name="services">The gateway's services.</param>
    /// <param name="schemas">The folder of the schemas.</param>
    public static void AddApiDocument(this IServiceCollection services, Func<string> schemas)
    {
        services.AddSingleton(_ => ComponentSchemas.Load(schemas()));
        services.AddSingleton<ApiDocument>();
        services.AddOpenApi(ApiDocument.Name, options =>
        {
            options.ShouldInclude = route => route.HttpMethod != HttpMethods.Head; // goes without saying where GET is
            options.AddDocumentTransformer((document, _, _) =>
            {
                ApiDocument.Frame(document);
                return Task.CompletedTask;
            });
            options.AddOperationTransformer<OperationWords>();
        });
    }

    /// <summary>Maps the document and its pages.</summary>
    public static void MapApiDocument(this WebApplication app)
    {
        app.MapGet(Path, async (ApiDocument document) => Results.Bytes(await document.Utf8Async(), "application/json")).Documented(OpenApiDocs.Document);
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/swagger"), pages =>
        {
            pages.Use((context, next) =>
            {
                context.Response.Headers.ContentSecurityPolicy = ContentSecurity;
                context.Response.Headers.XContentTypeOptions = "nosniff";
                context.Response.Headers["Referrer-Policy"] = "no-referrer";
                return next();
            });
            pages.UseSwaggerUI(page =>
            {
                page.DocumentTitle = "LogLine";
                page.SwaggerEndpoint(Path, "LogLine");
                page.EnableDeepLinking();
            });
        });
    }
}
