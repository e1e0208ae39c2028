using System.Text.Json.Serialization;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

// The parts of the Docker Engine API (v1.40 to v1.47, docs.docker.com/reference/api/engine) that the adapter reads and writes,
// under the API's own names. What is not used is not declared.

internal sealed record EngineVersion(string? Version, string? ApiVersion, string? MinAPIVersion, EngineComponent[]? Components);

internal sealed record EngineComponent(string? Name, string? Version);

internal sealed record EngineError([property: JsonPropertyName("message")] string? Message);

internal sealed record PullProgress([property: JsonPropertyName("error")] string? Error)
{
    [JsonPropertyName("id")] public string? Id { get; init; }
    [JsonPropertyName("status")] public string? Status { get; init; }
    [JsonPropertyName("progressDetail")] public PullAmount? Amount { get; init; }
}

internal sealed record PullAmount([property: JsonPropertyName("current")] long Current, [property: JsonPropertyName("total")] long Total);

internal sealed record BuildProgress([property: JsonPropertyName("stream")] string? Text, [property: JsonPropertyName("error")] string? Error, [property: JsonPropertyName("aux")] BuildResult? Result);

internal sealed record BuildResult([property: JsonPropertyName("ID")] string? Id);

internal sealed record PathStat([property: JsonPropertyName("name")] string? Name, [property: JsonPropertyName("size")] long Size);

internal sealed record ImageManifest(string? Config, string[]? RepoTags, string[]? Layers);

internal sealed record OciIndex([property: JsonPropertyName("manifests")] OciDescriptor[]? Manifests);

internal sealed record OciManifest([property: JsonPropertyName("schemaVersion")] int SchemaVersion, [property: JsonPropertyName("config")] OciDescriptor? Config, [property: JsonPropertyName("layers")] OciDescriptor[]? Layers);

internal sealed record OciDescriptor([property: JsonPropertyName("mediaType")] string? MediaType, [property: JsonPropertyName("digest")] string? Digest, [property: JsonPropertyName("size")] long Size);

internal sealed record OciImage([property: JsonPropertyName("architecture")] string? Architecture, [property: JsonPropertyName("os")] string? Os, [property: JsonPropertyName("rootfs")] OciRootfs? Rootfs, [property: JsonPropertyName("config")] OciImageConfig? Config);

internal sealed record OciRootfs([property: JsonPropertyName("type")] string? Type, [property: JsonPropertyName("diff_ids")] string[]? DiffIds);

internal sealed record OciImageConfig(string[]? OnBuild, Dictionary<string, string>? Labels);

internal sealed record ContainerCreated(string Id);

internal sealed record ContainerSummary(string Id)
{
    public string? Image { get; init; }
    public string? State { get; init; }
    public long Created { get; init; }
    public Dictionary<string, string>? Labels { get; init; }
    public PortSummary[]? Ports { get; init; }
    public NetworkSettings? NetworkSettings { get; init; }
}

internal sealed record PortSummary(int PrivatePort, int PublicPort);

/// <summary>A container in Podman's own list.</summary>
internal sealed record LibpodContainer(string Id)
{
    public string[]? Names { get; init; }
    public string? Image { get; init; }
    public string? ImageID { get; init; }
    public string? State { get; init; }
    public int ExitCode { get; init; }
    public DateTimeOffset Created { get; init; }
    public Dictionary<string, string>? Labels { get; init; }
    public LibpodPort[]? Ports { get; init; }
    public string[]? Networks { get; init; }

    /// <summary>As the list of the Engine API has it.</summary>
    public ContainerSummary Summary() => new(Id)
    {
        Image = Image, State = State, Created = Created.ToUnixTimeSeconds(), Labels = Labels, Ports = [.. (Ports ?? []).Select(port => new PortSummary(port.Container, port.Host))],
        NetworkSettings = Joined(),
    };

    /// <summary>As the Engine API shows a container, as far as it goes.</summary>
    public ContainerDetail Detail() => new(
        Id, "sha256:" + ImageID, new ContainerState(State ?? "", ExitCode, false, null, null), new ContainerConfig(Labels, false) { Image = Image }, null, Joined())
    {
        Name = Names is [var name, ..] ? name : null,
        Created = Created.ToString("O"),
    };

    NetworkSettings Joined() => new(null) { Networks = (Networks ?? []).ToDictionary(network => network, _ => (EndpointSettings?)null) };
}

internal sealed record LibpodPort([property: JsonPropertyName("container_port")] int Container, [property: JsonPropertyName("host_port")] int Host);

internal sealed record StatsReading
{
    [JsonPropertyName("read")] public string? Read { get; init; }
    [JsonPropertyName("cpu_stats")] public CpuReading? Cpu { get; init; }
    [JsonPropertyName("memory_stats")] public MemoryReading? Memory { get; init; }
    [JsonPropertyName("pids_stats")] public PidsReading? Pids { get; init; }
    [JsonPropertyName("networks")] public Dictionary<string, NetworkReading>? Networks { get; init; }
    [JsonPropertyName("blkio_stats")] public BlockReading? Block { get; init; }
}

internal sealed record CpuReading([property: JsonPropertyName("cpu_usage")] CpuUsage? Usage);

internal sealed record CpuUsage([property: JsonPropertyName("total_usage")] ulong Total);

internal sealed record MemoryReading([property: JsonPropertyName("usage")] ulong Usage, [property: JsonPropertyName("limit")] ulong Limit);

internal sealed record PidsReading([property: JsonPropertyName("current")] ulong Current);

internal sealed record NetworkReading([property: JsonPropertyName("rx_bytes")] ulong Received, [property: JsonPropertyName("tx_bytes")] ulong Sent);

internal sealed record BlockReading([property: JsonPropertyName("io_service_bytes_recursive")] BlockEntry[]? Bytes);

internal sealed record BlockEntry([property: JsonPropertyName("op")] string? Op, [property: JsonPropertyName("value")] ulong Value);

internal sealed record ProcessTable(string[]? Titles, string[][]? Processes);

internal sealed record LimitsRequest(long? Memory, long? MemorySwap, long? NanoCpus, long? PidsLimit)
{
    public static LimitsRequest Of(ResourceView limits) => new(limits.MemoryBytes, limits.MemoryBytes, limits.CpuMillis * 1_000_000, limits.Pids);
}

// Podman's own call: the OCI runtime's resources, a share of a core as time in a period.
internal sealed record LibpodLimits([property: JsonPropertyName("memory")] LibpodMemory? Memory, [property: JsonPropertyName("cpu")] LibpodCpu? Cpu, [property: JsonPropertyName("pids")] LibpodPids? Pids)
{
    public static LibpodLimits Of(ResourceView limits) => new(
        limits.MemoryBytes is { } bytes ? new(bytes, bytes) : null, limits.CpuMillis is { } millis ? new(millis * 100, 100_000) : null, limits.Pids is { } pids ? new(pids) : null);
}

internal sealed record LibpodMemory([property: JsonPropertyName("limit")] long Limit, [property: JsonPropertyName("swap")] long Swap);

internal sealed record LibpodCpu([property: JsonPropertyName("quota")] long Quota, [property: JsonPropertyName("period")] long Period);

internal sealed record LibpodPids([property: JsonPropertyName("limit")] long Limit);

internal sealed record EventLine(string? Action, EventActor? Actor, [property: JsonPropertyName("timeNano")] long TimeNano);

internal sealed record EventActor(Dictionary<string, string>? Attributes);

internal sealed record FileChangeEntry(string? Path, int Kind);

internal sealed record EngineInfo(string? OperatingSystem, string? Architecture, string? KernelVersion, [property: JsonPropertyName("NCPU")] long? Cpus, long? MemTotal, string? Driver)
{
    /// <summary>The engine's own clock.</summary>
    public string? SystemTime { get; init; }

    /// <summary>Podman alone says it so.</summary>
    public bool? Rootless { get; init; }

    /// <summary>Docker says it among these.</summary>
    public string[]? SecurityOptions { get; init; }

    /// <summary>It runs as an ordinary user.</summary>
    public bool IsRootless => Rootless == true || SecurityOptions?.Contains("name=rootless") == true;
}

internal sealed record ExecRequest
{
    public required IReadOnlyList<string> Cmd { get; init; }
    public IReadOnlyList<string>? Env { get; init; }
    public string? WorkingDir { get; init; }
    public string? User { get; init; }
    public bool Tty { get; init; }
    public bool AttachStdin { get; init; }
    public bool AttachStdout { get; init; } = true;
    public bool AttachStderr { get; init; } = true;
}

internal sealed record ExecStart(bool Detach, bool Tty);

internal sealed record ExecDetail(bool Running, int? ExitCode, int Pid);

internal sealed record ObjectCreated(string? Id);

internal sealed record ImageSummary(string Id, string[]? RepoTags, long Size, long Created);

internal sealed record ImageDetail(string Id, string[]? RepoTags, string[]? RepoDigests, string? Created, long Size, string? Architecture, string? Os, ContainerConfig? Config);

internal sealed record Layer(long Created, string? CreatedBy, long Size, string? Comment);

internal sealed record VolumeRequest(string Name, Dictionary<string, string> Labels);

internal sealed record VolumeDetail(string Name, string? CreatedAt, Dictionary<string, string>? Labels);

internal sealed record VolumeList(VolumeDetail[]? Volumes);

internal sealed record NetworkRequest(string Name, bool CheckDuplicate, string Driver, bool Internal, Dictionary<string, string> Labels);

internal sealed record NetworkDetail(string Id, string Name, string? Created, bool Internal, Dictionary<string, string>? Labels);

/// <summary>A network as Podman's own API shows it.</summary>
internal sealed record LibpodNetwork(
    [property: JsonPropertyName("id")] string Id, [property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("created")] string? Created, [property: JsonPropertyName("internal")] bool Internal,
    [property: JsonPropertyName("labels")] Dictionary<string, string>? Labels)
{
    /// <summary>As the Engine API has it.</summary>
    public NetworkDetail Detail() => new(Id, Name, Created, Internal, Labels);
}

internal sealed record ConnectRequest(string Container, EndpointRequest EndpointConfig);

internal sealed record EndpointRequest(string[] Aliases);

internal sealed record DisconnectRequest(string Container, bool Force);

internal sealed record ContainerRequest
{
    public required string Image { get; init; }
    public IReadOnlyList<string>? Entrypoint { get; init; }
    public IReadOnlyList<string>? Cmd { get; init; }
    public IReadOnlyList<string>? Env { get; init; }
    public string? User { get; init; }
    public string? WorkingDir { get; init; }
    public required Dictionary<string, string> Labels { get; init; }
    public Dictionary<string, EmptyBody>? ExposedPorts { get; init; }
    public required HostConfig HostConfig { get; init; }
}

/// <summary>The empty object that the API wants as a value in sets.</summary>
internal sealed record EmptyBody;

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
    public IReadOnlyList<MountRequest>? Mounts { get; init; }
    public bool? Privileged { get; init; }
    public string? NetworkMode { get; init; }
    public string? PidMode { get; init; }
    public string? UsernsMode { get; init; }
    public bool? AutoRemove { get; init; }
}

internal sealed record MountRequest(string Type, string Source, string Target, bool ReadOnly);

internal sealed record LogConfig(string? Type, Dictionary<string, string>? Config);

internal sealed record PortBinding(string? HostIp, string? HostPort);

internal sealed record ContainerDetail(
    string Id, string? Image, ContainerState State, ContainerConfig? Config, HostConfig? HostConfig, NetworkSettings? NetworkSettings)
{
    public string? Name { get; init; }
    public string? Created { get; init; }
    public MountPoint[]? Mounts { get; init; }
}

internal sealed record MountPoint(string? Type, string? Name, string? Source, string? Destination, [property: JsonPropertyName("RW")] bool Writable);

internal sealed record ContainerState(string Status, int ExitCode, [property: JsonPropertyName("OOMKilled")] bool OomKilled, string? StartedAt, string? FinishedAt)
{
    public int Pid { get; init; }
}

internal sealed record ContainerConfig(Dictionary<string, string>? Labels, bool Tty)
{
    public string? Image { get; init; }
    public string? User { get; init; }
    public string? WorkingDir { get; init; }
    public string[]? Env { get; init; }
    public string[]? Cmd { get; init; }
    public string[]? OnBuild { get; init; }
    // Docker answers with an array, Podman 4 with one string; neither is needed but as it is.
    public System.Text.Json.JsonElement Entrypoint { get; init; }
}

internal sealed record NetworkSettings(Dictionary<string, PortBinding[]?>? Ports)
{
    public Dictionary<string, EndpointSettings?>? Networks { get; init; }
    public string? IPAddress { get; init; }
}

internal sealed record EndpointSettings(string? IPAddress)
{
    public string? EndpointID { get; init; }

    /// <summary>Podman gives the network's name.</summary>
    public string? NetworkID { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EngineVersion))]
[JsonSerializable(typeof(EngineError))]
[JsonSerializable(typeof(PullProgress))]
[JsonSerializable(typeof(LibpodContainer[]))]
[JsonSerializable(typeof(LibpodNetwork[]))]
[JsonSerializable(typeof(BuildProgress))]
[JsonSerializable(typeof(LimitsRequest))]
[JsonSerializable(typeof(LibpodLimits))]
[JsonSerializable(typeof(EventLine))]
[JsonSerializable(typeof(PathStat))]
[JsonSerializable(typeof(ImageManifest[]))]
[JsonSerializable(typeof(OciIndex))]
[JsonSerializable(typeof(OciManifest))]
[JsonSerializable(typeof(OciImage))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(ContainerCreated))]
[JsonSerializable(typeof(ContainerSummary[]))]
[JsonSerializable(typeof(ContainerRequest))]
[JsonSerializable(typeof(ContainerDetail))]
[JsonSerializable(typeof(ContainerDetail[]))]
[JsonSerializable(typeof(VolumeDetail[]))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
[JsonSerializable(typeof(EmptyBody))]
[JsonSerializable(typeof(ExecRequest))]
[JsonSerializable(typeof(ImageSummary[]))]
[JsonSerializable(typeof(ImageDetail))]
[JsonSerializable(typeof(ImageDetail[]))]
[JsonSerializable(typeof(System.Text.Json.JsonElement))]
[JsonSerializable(typeof(System.Text.Json.JsonElement[]))]
[JsonSerializable(typeof(Layer[]))]
[JsonSerializable(typeof(VolumeRequest))]
[JsonSerializable(typeof(VolumeDetail))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(NetworkRequest))]
[JsonSerializable(typeof(NetworkDetail))]
[JsonSerializable(typeof(NetworkDetail[]))]
[JsonSerializable(typeof(ConnectRequest))]
[JsonSerializable(typeof(DisconnectRequest))]
[JsonSerializable(typeof(StatsReading))]
[JsonSerializable(typeof(ProcessTable))]
[JsonSerializable(typeof(FileChangeEntry[]))]
[JsonSerializable(typeof(EngineInfo))]
[JsonSerializable(typeof(ExecStart))]
[JsonSerializable(typeof(ExecDetail))]
[JsonSerializable(typeof(ObjectCreated))]
internal sealed partial class EngineJson : JsonSerializerContext;
