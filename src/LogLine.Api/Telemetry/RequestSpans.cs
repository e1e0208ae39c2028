using Microsoft.AspNetCore.Http.Features;

namespace LogLine.Api.Telemetry;

/// <summary>Gives the spans of requests what OpenTelemetry wants of them: a name after method and route, method, route and path, the server's address, the status.</summary>
internal static class RequestSpans
{
    /// <summary>Does so, when spans are sent at all.</summary>
    public static void UseRequestSpans(this WebApplication app)
    {
        if (Exports.IsSent(app.Configuration, "TRACES"))
        {
            app.Use(DescribeAsync);
        }
    }

    private static async Task DescribeAsync(HttpContext http, RequestDelegate next)
    {
        try
        {
            await next(http);
        }
        finally
        {
            if (http.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } activity && http.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } route })
            {
                activity.DisplayName = $"{http.Request.Method} {route}";
                activity.SetTag("http.request.method", http.Request.Method);
                activity.SetTag("http.route", route);
                activity.SetTag("url.scheme", http.Request.Scheme);
                activity.SetTag("url.path", http.Request.Path.Value);
                activity.SetTag("server.address", http.Request.Host.Host);
                activity.SetTag("server.port", http.Request.Host.Port);
                activity.SetTag("http.response.status_code", http.Response.StatusCode);
            }
        }
    }
}
