namespace LogLine.Api.Delivery.Streams;

/// <summary>Streams, section <c>LogLine:Streams</c> of the configuration.</summary>
public sealed class StreamOptions
{
    /// <summary>Connections at a time, of all tenants. Default: 20,000; more are answered with <c>503_BUSY</c>.</summary>
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>Connections at a time of one tenant. Default: 12,000.</summary>
    public int MaxConnectionsPerTenant { get; set; } = 12_000;

    /// <summary>Logs that are followed at a time, of all tenants. Default: 256; more are answered with <c>503_BUSY</c>.</summary>
    public int MaxFollowedLogs { get; set; } = 256;

    /// <summary>Logs that one tenant follows at a time. Default: 32.</summary>
    public int MaxFollowedLogsPerTenant { get; set; } = 32;

    /// <summary>Seconds of silence after which a heartbeat is sent. Default: 15.</summary>
    public double HeartbeatSeconds { get; set; } = 15;

    /// <summary>Seconds that a reader may take to accept what is sent before it is cut off. Default: 20.</summary>
    public double SlowestWriteSeconds { get; set; } = 20;

    /// <summary>Minutes after which a connection is ended, give or take a quarter, so that replicas share the readers again. Default: 30.</summary>
    public double LifeMinutes { get; set; } = 30;

    internal TimeSpan Heartbeat => TimeSpan.FromSeconds(HeartbeatSeconds);

    internal TimeSpan SlowestWrite => TimeSpan.FromSeconds(SlowestWriteSeconds);

    /// <summary>How long a connection that opens now will last: not all end at once.</summary>
    internal TimeSpan NextLife => TimeSpan.FromMinutes(LifeMinutes) * (0.75 + (Random.Shared.NextDouble() / 2));
}
