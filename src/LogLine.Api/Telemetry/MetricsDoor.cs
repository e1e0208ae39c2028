using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace LogLine.Api.Telemetry;

/// <summary>The address of its own that <c>/metrics</c> can have (<see cref="MetricsOptions.Url"/>): there it is open, and nothing else is there.</summary>
internal sealed class MetricsDoor(MetricsOptions options, IServer server)
{
    private int _port;

    /// <summary>True for a request that came in by that address.</summary>
    public bool IsUsedBy(HttpContext http) => options.Url is not null && http.Connection.LocalPort == Port();

    // It is bound last; with port 0 its number is known only then.
    private int Port() => _port != 0 ? _port : _port = BindingAddress.Parse(server.Features.Get<IServerAddressesFeature>()!.Addresses.Last()).Port;
}

/// <summary>Puts the metrics' own address beside the others.</summary>
internal static class MetricsDoors
{
    private const string Route = "/metrics";

    /// <summary>Listens there as well, when there is one.</summary>
    public static void AddMetricsAddress(this WebApplicationBuilder builder, MetricsOptions options)
    {
        if (options.Url is not { } own)
        {
            return;
        }
        var others = builder.Configuration["urls"]
            ?? (builder.Configuration["http_ports"] is { Length: > 0 } ports ? string.Join(';', ports.Split(';').Select(port => "http://*:" + port)) : "http://localhost:5000");
        builder.WebHost.UseUrls([.. others.Split(';', StringSplitOptions.RemoveEmptyEntries), own]);
    }

    /// <summary>Keeps every other route away from that address.</summary>
    public static void UseMetricsAddress(this WebApplication app)
    {
        if (app.Services.GetRequiredService<MetricsOptions>().Url is null)
        {
            return; // nothing to keep away: no request passes here
        }
        var door = app.Services.GetRequiredService<MetricsDoor>();
        app.Use((http, next) =>
        {
            if (http.Request.Path == Route || !door.IsUsedBy(http))
            {
                return next(http);
            }
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return http.Response.WriteAsync("Only /metrics is here.\n");
        });
    }
}
