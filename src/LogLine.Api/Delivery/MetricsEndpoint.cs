using LogLine.Api.Errors;
using LogLine.Api.OpenApi;
using LogLine.Api.Submissions;
using LogLine.Api.Telemetry;

namespace LogLine.Api.Delivery;

/// <summary><c>GET /metrics</c>: with scope <c>metrics</c>, or without a token at an address of its own.</summary>
internal static class MetricsEndpoint
{
    public static void MapMetrics(this IEndpointRouteBuilder routes) => routes.MapGet("/metrics", ShowAsync).Documented(ServerDocs.Metrics);

    private static async Task ShowAsync(HttpContext http, MetricsText metrics, MetricsDoor door, RequestReader requests)
    {
        if (!door.IsUsedBy(http) && (await requests.AuthenticateReaderAsync(http, "metrics")).Refused is { } refused)
        {
            await http.RefuseAsync(refused);
            return;
        }
        if (metrics.Collect() is not { } text)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.NotFound, "Nothing is measured here: LogLine:Metrics:Enabled is false."));
            return;
        }
        http.Response.ContentType = MetricsText.ContentType;
        await http.Response.WriteAsync(text, http.RequestAborted);
    }
}
