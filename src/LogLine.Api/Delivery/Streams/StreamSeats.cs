using LogLine.Api.Tenants;

namespace LogLine.Api.Delivery.Streams;

/// <summary>Connections to the stream.</summary>
internal sealed class StreamSeats(StreamOptions options) : TenantSeats(options.MaxConnections, options.MaxConnectionsPerTenant);

/// <summary>Logs that are followed: each holds 1 MiB here, and a connection to an engine, or a process, where that is.</summary>
internal sealed class LogSeats(StreamOptions options) : TenantSeats(options.MaxFollowedLogs, options.MaxFollowedLogsPerTenant);
