namespace LogLine.Api.Runs;

/// <summary>
/// Limits that hold from now on. <paramref name="Persistent"/> is false where the engine keeps them only until the container ends (Podman 4), and where it
/// then shows the earlier ones.
/// </summary>
public sealed record ResourcesSet(long? MemoryBytes, long? CpuMillis, long? Pids, bool Persistent);

/// <summary>What a container uses, over a while: thousandths of a core, and bytes per second.</summary>
public sealed record ContainerUsage(
    string ReadAt, long IntervalMs, long CpuMillis, long MemoryBytes, long? MemoryLimitBytes, int? MemoryPercent, long? Pids, long NetworkReceivedPerS, long NetworkSentPerS, long BlockReadPerS, long BlockWrittenPerS);

/// <summary>
/// Steps that would bring a change about which engines cannot make in place. None of them was done. A new container gets its variables anew, so
/// <paramref name="Env"/> names those that it has.
/// </summary>
public sealed record RecreatePlan(bool Applied, string Reason, IReadOnlyList<PlannedStep> Plan, IReadOnlyList<string> Env);

/// <summary>A step: an intent on the same container, or on the MiniContainer that it was deployed from, and what is other in its payload or its manifest's deploy section.</summary>
public sealed record PlannedStep(string Intent, CreateChange? Change);

/// <summary>Members of <c>container.create</c>, or of a manifest's deploy section, whole: the mounts, or the ports, that the new container is to have.</summary>
public sealed record CreateChange(IReadOnlyList<MountOrder>? Mounts, IReadOnlyList<PortMapping>? Ports);

/// <summary>A mount as <c>container.create</c> takes it.</summary>
public sealed record MountOrder(string Type, string? Source, string Target, bool ReadOnly);

/// <summary>Where a container can be reached.</summary>
public sealed record ContainerNetworks(IReadOnlyList<ContainerEnd> Networks, IReadOnlyList<PortMapping> Ports);

/// <summary>A container's end in a network.</summary>
public sealed record ContainerEnd(string Name, string? Address);

/// <summary>A private network of two. <paramref name="Enforced"/> is false: all ports are open between them, <paramref name="Port"/> is what was meant.</summary>
public sealed record LinkEstablished(string Network, string From, string To, long? Port, bool Enforced);

/// <summary>Two that have no private network any more.</summary>
public sealed record LinkSevered(string Network, string From, string To, bool Severed);

/// <summary>What all of the tenant's containers use together; <paramref name="Truncated"/> when there were too many to read each.</summary>
public sealed record SystemMetrics(string ReadAt, ContainerCounts Containers, long MemoryBytes, long CpuUsageNs, long Pids, bool Truncated);

/// <summary>Containers by state.</summary>
public sealed record ContainerCounts(int Created, int Running, int Paused, int Stopped);

/// <summary>Something that happened to a container, in the same word on every engine.</summary>
public sealed record EngineEvent(string At, string Action, string Name, string? RunId, int? ExitCode);

/// <summary>The last events; <paramref name="Dropped"/> counts earlier ones that were not wanted.</summary>
public sealed record EngineEvents(IReadOnlyList<EngineEvent> Events, long Dropped, bool Truncated);

/// <summary>Something that can be removed: container, network, volume or image.</summary>
public sealed record Removable(string Kind, string Name, string Id);

/// <summary>Why something was not removed.</summary>
public sealed record RemovalFailure(Removable Item, string Error);

/// <summary>What would be removed, or was. <paramref name="PlanDigest"/> is what the second call names.</summary>
public sealed record RemovalPlan(IReadOnlyList<Removable> Plan, string PlanDigest, bool Applied, IReadOnlyList<Removable> Removed, IReadOnlyList<RemovalFailure> Failed);

/// <summary>A session or task that has ended: the containers that went with it, and those that stay.</summary>
public sealed record GroupEnded(string Name, IReadOnlyList<string> Removed, IReadOnlyList<string> Kept);

/// <summary>A session or task with its containers; <paramref name="Ended"/> when it was ended and has containers all the same.</summary>
public sealed record GroupView(string Name, bool Ended, IReadOnlyList<string> Containers);

/// <summary>Sessions or tasks.</summary>
public sealed record GroupViews(IReadOnlyList<GroupView> Groups, bool Truncated);
