using LogLine.Api.Errors;
using LogLine.Api.Submissions;
using LogLine.Api.Tenants;

namespace LogLine.Api.Delivery;

/// <summary>What every read route does first: who asks, and may they read?</summary>
internal static class Readers
{
    private static readonly object Key = new();

    /// <summary>Lets requests pass whose token may read; their principal is in <see cref="Principal"/>.</summary>
    public static TBuilder RequireReader<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder => routes.RequireScope("read");

    /// <summary>Lets requests pass whose token is valid, whatever it may; their principal is in <see cref="Principal"/>.</summary>
    public static TBuilder RequireToken<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder => routes.RequireScope(null);

    /// <summary>Lets requests pass whose token has that scope; their principal is in <see cref="Principal"/>.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder routes, string? scope) where TBuilder : IEndpointConventionBuilder =>
        routes.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var (principal, refused) = await http.RequestServices.GetRequiredService<RequestReader>().AuthenticateReaderAsync(http, scope);
            if (refused is not null)
            {
                await http.RefuseAsync(refused);
                return Results.Empty;
            }
            http.Items[Key] = principal;
            return await next(context);
        });

    /// <summary>Who asks, when they may read, or whatever else <paramref name="scope"/> allows; null asks for no scope.</summary>
    public static async ValueTask<(TenantPrincipal? Principal, Rejection? Refused)> AuthenticateReaderAsync(this RequestReader requests, HttpContext http, string? scope = "read")
    {
        var (principal, refused) = await requests.AuthenticateAsync(http, fresh: true);
        return refused is not null || scope is null || principal!.Has(scope)
            ? (principal, refused)
            : (principal, new Rejection(RefusalCode.Forbidden, $"The token has no scope '{scope}'.") { Details = new Dictionary<string, object?> { ["required_permission"] = scope, ["reason"] = "scope" } });
    }

    /// <summary>Who asks.</summary>
    public static TenantPrincipal Principal(this HttpContext http) => (TenantPrincipal)http.Items[Key]!;

    /// <summary>404 for something that this tenant does not have.</summary>
    public static Task NotFoundAsync(this HttpContext http, string what) => http.RefuseAsync(new Rejection(RefusalCode.NotFound, $"This tenant has no {what}."));
}
