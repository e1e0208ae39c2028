using System.Text.Json.Serialization;

namespace LogLine.Api.Runs;

/// <summary>A container as primitives show it, the same for every target (docs/primitives.md). Times are RFC 3339.</summary>
/// <param name="ExecReady">A command can be run in it now.</param>
/// <param name="NetworkReady">It runs and has an address in a network.</param>
public sealed record ContainerView(
    string ContainerId, string Name, string State, string Image, string? ImageDigest, string? CreatedAt, string? StartedAt, string? EndedAt, int? ExitCode, bool? OomKilled,
    IReadOnlyList<PortMapping> Ports, bool ExecReady, bool NetworkReady, string? Strategy, string? SessionId, string? TaskId);

/// <summary>A container that is gone.</summary>
public sealed record ContainerRemoved(string ContainerId, string Name, bool Removed);

/// <summary>
/// What a command brought, whatever its exit code: what it said last, when it said more than fits, and how long it took. <paramref name="Killed"/>
/// is there when its time was over: whether it was ended, or goes on because its process could not be reached.
/// </summary>
public sealed record ExecResult(int ExitCode, string Stdout, string Stderr, long DurationMs, bool TimedOut, bool Truncated, bool? Killed);

/// <summary>An image that was made.</summary>
public sealed record ImageCommitted(string Image, string ImageId);

/// <summary>Containers, as far as they fit.</summary>
public sealed record ContainerList(IReadOnlyList<ContainerListItem> Containers, bool Truncated);

/// <summary>A container in a list.</summary>
public sealed record ContainerListItem(
    string ContainerId, string Name, string State, string Image, string? CreatedAt, IReadOnlyList<PortMapping> Ports, IReadOnlyDictionary<string, string> Labels,
    string? Strategy, string? SessionId, string? TaskId);

/// <summary>
/// A container in full. <paramref name="Env"/> holds names alone: a value may be a secret, and whoever set it knows it. Limits are as the engine holds them,
/// absent for none.
/// </summary>
public sealed record ContainerInspection(
    ContainerView Container, IReadOnlyList<string> Argv, IReadOnlyList<string> Env, string? Workdir, string? User, IReadOnlyList<MountView> Mounts, ResourceView Resources,
    SecurityView Security, IReadOnlyList<string> Networks, IReadOnlyDictionary<string, string> Labels);

/// <summary>A mount. The source of a bind is the host's path, that of a volume its name without the tenant.</summary>
public sealed record MountView(string Type, string? Source, string Target, bool ReadOnly);

/// <summary>Limits: bytes, thousandths of a core, processes.</summary>
public sealed record ResourceView(long? MemoryBytes, long? CpuMillis, long? Pids);

/// <summary>What was tightened or opened.</summary>
public sealed record SecurityView(bool ReadOnlyRootfs, bool Privileged, IReadOnlyList<string> CapAdd);

/// <summary>Lines of output, the last ones. <paramref name="Dropped"/> counts lines that matched and did not fit or were not asked for.</summary>
public sealed record ContainerLog(IReadOnlyList<string> Lines, long Dropped, bool Truncated);

/// <summary>What a container uses: counters since its start, and what it holds now.</summary>
public sealed record ContainerStats(
    string ReadAt, long CpuUsageNs, long MemoryBytes, long? MemoryLimitBytes, long? Pids, long NetworkReceivedBytes, long NetworkSentBytes, long BlockReadBytes, long BlockWrittenBytes);

/// <summary>Processes. <paramref name="Pid"/> is the number on the engine's host.</summary>
public sealed record ContainerProcess(long? Pid, string? User, string Command);

/// <summary>Processes of a container.</summary>
public sealed record ContainerProcesses(IReadOnlyList<ContainerProcess> Processes, bool Truncated);

/// <summary>A change of the file system: <c>modified</c>, <c>added</c> or <c>deleted</c>.</summary>
public sealed record FileChange(string Path, string Kind);

/// <summary>Changes of a container's file system.</summary>
public sealed record FileChanges(IReadOnlyList<FileChange> Changes, bool Truncated);

/// <summary>What was unpacked in a container.</summary>
public sealed record CopiedIn(string Path, int Entries, long Bytes);

/// <summary>
/// What was taken out of a container, as an artifact (tar). Links that lead out of it, and what is neither file nor folder nor link, are
/// <paramref name="LeftOut"/>: how many, and the first of them by name.
/// </summary>
public sealed record CopiedOut(string Path, string Artifact, long Bytes, int Entries, int LeftOut, IReadOnlyList<string> LeftOutPaths);

/// <summary>An engine. Containers are counted as far as they are the tenant's.</summary>
public sealed record SystemInfo(
    string Provider, string Version, string? ApiVersion, string? OperatingSystem, string? Architecture, string? KernelVersion, long? Cpus, long? MemoryBytes, string? StorageDriver,
    int Containers, int ContainersRunning);

/// <summary>How results are written: snake case, nothing for null.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContainerView))]
[JsonSerializable(typeof(ContainerRemoved))]
[JsonSerializable(typeof(ExecResult))]
[JsonSerializable(typeof(ContainerList))]
[JsonSerializable(typeof(ContainerInspection))]
[JsonSerializable(typeof(ContainerLog))]
[JsonSerializable(typeof(ContainerStats))]
[JsonSerializable(typeof(ContainerProcesses))]
[JsonSerializable(typeof(FileChanges))]
[JsonSerializable(typeof(SystemInfo))]
[JsonSerializable(typeof(ImageList))]
[JsonSerializable(typeof(ImageView))]
[JsonSerializable(typeof(ImageHistory))]
[JsonSerializable(typeof(ImageRemoved))]
[JsonSerializable(typeof(NetworkViews))]
[JsonSerializable(typeof(VolumeViews))]
[JsonSerializable(typeof(ThingRemoved))]
[JsonSerializable(typeof(ImageCommitted))]
[JsonSerializable(typeof(ResourcesSet))]
[JsonSerializable(typeof(ContainerUsage))]
[JsonSerializable(typeof(RecreatePlan))]
[JsonSerializable(typeof(ContainerNetworks))]
[JsonSerializable(typeof(LinkEstablished))]
[JsonSerializable(typeof(LinkSevered))]
[JsonSerializable(typeof(SystemMetrics))]
[JsonSerializable(typeof(EngineEvents))]
[JsonSerializable(typeof(RemovalPlan))]
[JsonSerializable(typeof(GroupEnded))]
[JsonSerializable(typeof(GroupViews))]
[JsonSerializable(typeof(IReadOnlyList<Removable>))]
[JsonSerializable(typeof(CopiedIn))]
[JsonSerializable(typeof(CopiedOut))]
[JsonSerializable(typeof(ImageBuilt))]
[JsonSerializable(typeof(ImageSaved))]
[JsonSerializable(typeof(ImagePushed))]
internal sealed partial class ResultJson : JsonSerializerContext;
