using System.Text.Json.Serialization;

namespace LogLine.Api.Adapters.Engine;

// The parts of the Docker Engine API (v1.40 to v1.47, docs.docker.com/reference/api/engine) that the adapter reads and writes,
// under the API's own names. What is not used is not declared.

internal sealed record EngineVersion(string? Version, string? ApiVersion, string? MinAPIVersion, EngineComponent[]? Components);

internal sealed record EngineComponent(string? Name, string? Version);

internal sealed record EngineError([property: JsonPropertyName("message")] string? Message);

internal sealed record PullProgress([property: JsonPropertyName("error")] string? Error);

internal sealed record ContainerCreated(string Id);

internal sealed record ContainerSummary(string Id);

internal sealed record ContainerRequest
{
    public required string Image { get; init; }
    public IReadOnlyList<string>? Entrypoint { get; init; }
    public IReadOnlyList<string>? Cmd { get; init; }
    public IReadOnlyList<string>? Env { get; init; }
    public string? User { get; init; }
    public string? WorkingDir { get; init; }
    public required Dictionary<string, string> Labels { get; init; }
    public Dictionary<string, Nothing>? ExposedPorts { get; init; }
    public required HostConfig HostConfig { get; init; }
}

/// <summary>The empty object that the API wants as a value in sets.</summary>
internal sealed record Nothing;

internal sealed record HostConfig
{
    public Dictionary<string, PortBinding[]?>? PortBindings { get; init; }
    public long? Memory { get; init; }
    public long? MemorySwap { get; init; }
    public long? NanoCpus { get; init; }
    public long? PidsLimit { get; init; }
    public bool ReadonlyRootfs { get; init; }
    public Dictionary<string, string>? Tmpfs { get; init; }
    public bool? Init { get; init; }
    public IReadOnlyList<string>? CapDrop { get; init; }
    public IReadOnlyList<string>? CapAdd { get; init; }
    public IReadOnlyList<string>? SecurityOpt { get; init; }
    public LogConfig? LogConfig { get; init; }
}

internal sealed record LogConfig(string? Type, Dictionary<string, string>? Config);

internal sealed record PortBinding(string? HostIp, string? HostPort);

internal sealed record ContainerDetail(
    string Id, string? Image, ContainerState State, ContainerConfig? Config, HostConfig? HostConfig, NetworkSettings? NetworkSettings);

internal sealed record ContainerState(string Status, int ExitCode, [property: JsonPropertyName("OOMKilled")] bool OomKilled, string? StartedAt, string? FinishedAt);

internal sealed record ContainerConfig(Dictionary<string, string>? Labels, bool Tty);

internal sealed record NetworkSettings(Dictionary<string, PortBinding[]?>? Ports);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EngineVersion))]
[JsonSerializable(typeof(EngineError))]
[JsonSerializable(typeof(PullProgress))]
[JsonSerializable(typeof(ContainerCreated))]
[JsonSerializable(typeof(ContainerSummary[]))]
[JsonSerializable(typeof(ContainerRequest))]
[JsonSerializable(typeof(ContainerDetail))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class EngineJson : JsonSerializerContext;
