using System.Collections.Frozen;
using LogLine.Api.Secrets;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>What a gateway sees of a target: by itself, where it has the engine, else through a worker.</summary>
public interface IRunTarget
{
    /// <summary>Which engine it is (<see cref="EngineName"/>), for example <c>podman</c>.</summary>
    string Provider { get; }

    /// <summary>How long what it said of itself holds: to ask costs, with some more than with others.</summary>
    TimeSpan StatusLife => TimeSpan.FromSeconds(2);

    /// <summary>True when nobody may want it: that it is not there, where it never was, is nothing to warn of.</summary>
    bool IsOptional => false;

    /// <summary>The target as one tenant has it; an engine of this process is everybody's.</summary>
    IRunTarget For(string tenant) => this;

    /// <summary>The target for the gate's look before a run: whoever is asked on the gateway's behalf learns which run may come of it.</summary>
    IRunTarget Before(string runId) => this;

    /// <summary>True when the target has such a primitive, by its effect.</summary>
    bool CarriesOut(string effect);

    /// <summary>Whether the target answers now, and if not, why and what to do. Never throws for an absent engine.</summary>
    ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel);

    /// <summary>The workload that run <paramref name="runId"/> created, or null. Found by label, so it works after a crash.</summary>
    Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel);

    /// <summary>The tenant's workload of that name, or null; one without our labels, or of another tenant, does not exist for us.</summary>
    Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel);
}

/// <summary>
/// A target on which workloads run. The core is small: create, start, wait, stop, remove, and find again what an earlier worker
/// left. Whatever a worker did with an adapter can be continued by another worker, because everything is found by its labels
/// (architecture, rule 5). Adapters know neither the ledger nor HTTP.
/// </summary>
public interface IRunAdapter : IRunTarget
{
    /// <inheritdoc/>
    bool IRunTarget.CarriesOut(string effect) => PrimitiveTable.Find(this, effect) is not null;

    /// <summary>Fetches the image of a workload unless the target has it. Done before a secret is opened for the workload: to fetch takes minutes, in which the grant can end.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.ImageNotFound"/>; or the target is absent.</exception>
    Task FetchAsync(WorkloadSpec spec, CancellationToken wanted);

    /// <summary>
    /// Creates, never starts. The same run again finds what it created before. A stopped workload that an earlier run left under
    /// this name makes room; one in any other state keeps the name (<see cref="AdapterFailure.NameTaken"/>), also one that was
    /// created and not started: whoever ends a run before its start removes what it created.
    /// </summary>
    /// <param name="spec">What is to run.</param>
    /// <param name="mayMake">Asked once all that can be looked at before has been, right before it is made. False: nothing is made.</param>
    /// <param name="wanted">Ends when nobody wants it any more: what takes long before it is made, as fetching its image, is given up then; its making is not broken off.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>The workload; null when it may not be made.</returns>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task<Workload?> CreateAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel);

    /// <summary>
    /// Starts a created workload; one that runs or has ended already stays as it is, so that a worker which takes a run over cannot
    /// run it a second time. Answers with its state right after.
    /// </summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task<Workload> StartAsync(string workloadId, CancellationToken cancel);

    /// <summary>Starts one that has ended again; one that runs stays as it is. Only for a run that asks for it: a restart, or the way back after a replacement that failed.</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task<Workload> StartAgainAsync(string workloadId, CancellationToken cancel);

    /// <summary>Freezes one that runs; one that is frozen stays as it is.</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task PauseAsync(string workloadId, CancellationToken cancel);

    /// <summary>Gives a workload that was made beside another one (<see cref="WorkloadSpec.Beside"/>) the service's own name; one that has it stays as it is.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NameTaken"/> while the other one is there.</exception>
    Task AdoptNameAsync(string workloadId, CancellationToken cancel);

    /// <summary>One probe of a health check, within its own time limit. Not healthy is an answer, also for a workload that has ended or is gone.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.Unavailable"/>; or <see cref="AdapterFailure.Conflict"/> for one that is paused, of whose health nothing is known.</exception>
    Task<ProbeOutcome> ProbeAsync(string workloadId, HealthCheck check, CancellationToken cancel);

    /// <summary>Completes when the workload has ended, however long that takes; at once when it has already. When somebody else has started it again in the meantime, <paramref name="again"/> sees it as it runs now.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NotFound"/> when it was removed behind our back.</exception>
    Task<WorkloadEnd> WaitAsync(string workloadId, CancellationToken cancel, Func<Workload, Task>? again = null);

    /// <summary>Asks it to end, and kills it after <paramref name="grace"/>. One that has ended already stays as it is.</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task StopAsync(string workloadId, TimeSpan grace, CancellationToken cancel);

    /// <summary>Removes a workload; one that is gone already is fine.</summary>
    /// <exception cref="AdapterException">The target refused (it runs and <paramref name="force"/> is false) or is absent.</exception>
    Task RemoveAsync(string workloadId, bool force, CancellationToken cancel);

    /// <summary>The last output, standard output and error interleaved as the target kept them, never more than the limits.</summary>
    Task<LogTail> LogTailAsync(string workloadId, int maxLines, int maxBytes, CancellationToken cancel);
}

/// <summary>Whether a target answers. <paramref name="Reason"/> is set when it does not: what is wrong and the way out.</summary>
public sealed record AdapterStatus(bool Available, string? Endpoint, string? Version, string? Reason);

/// <summary>What a probe found. <paramref name="Why"/> says in a few words why it is not healthy.</summary>
public sealed record ProbeOutcome(bool Healthy, string? Why)
{
    /// <summary>Healthy.</summary>
    public static ProbeOutcome Good { get; } = new(true, null);

    /// <summary>Not healthy.</summary>
    public static ProbeOutcome Bad(string why) => new(false, why);
}

/// <summary>What is to run: the deploy section of a manifest with tenant, name and run filled in. Nothing in it goes through a shell.</summary>
public sealed record WorkloadSpec
{
    /// <summary>The tenant; label <c>logline.tenant</c>.</summary>
    public required string Tenant { get; init; }

    /// <summary>The service name; label <c>logline.name</c>; in the engine <c>&lt;tenant&gt;-&lt;name&gt;</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The run; label <c>logline.run_id</c>.</summary>
    public required string RunId { get; init; }

    /// <summary>Made beside the workload that has the service's name, under a name of its own, until it takes that one's place.</summary>
    public bool Beside { get; init; }

    /// <summary>Reference of the manifest, recorded as label <c>logline.ref</c>.</summary>
    public string? Ref { get; init; }

    /// <summary>Image reference, as the engine takes it.</summary>
    public required string Image { get; init; }

    /// <summary>Replaces the image's entry point when not empty.</summary>
    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    /// <summary>Replaces the image's command when not empty.</summary>
    public IReadOnlyList<string> Argv { get; init; } = [];

    /// <summary>Environment; a name has no '=' and no NUL.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary>Published TCP ports; host 0 lets the engine choose.</summary>
    public IReadOnlyList<PortMapping> Ports { get; init; } = [];

    /// <summary>What is mounted into it.</summary>
    public IReadOnlyList<WorkloadMount> Mounts { get; init; } = [];

    /// <summary>Memory limit in bytes, or none.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Processor limit in thousandths of a core, or none.</summary>
    public int? CpuMillis { get; init; }

    /// <summary>Limit on processes, or none.</summary>
    public int? Pids { get; init; }

    /// <summary>Root file system read-only.</summary>
    public bool ReadOnlyRootfs { get; init; }

    /// <summary>Linux capabilities to add after all were dropped, names without the CAP_ prefix.</summary>
    public IReadOnlyList<string> CapAdd { get; init; } = [];

    /// <summary>All of the host's devices and capabilities; a policy must allow it.</summary>
    public bool Privileged { get; init; }

    /// <summary>The host's network instead of one of its own; a policy must allow it.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>The host's processes in sight; a policy must allow it.</summary>
    public bool HostPid { get; init; }

    /// <summary>Says how far its image is fetched; as that of <see cref="PrimitiveCall"/>.</summary>
    public Func<RunProgress, Task> Progress { get; init; } = _ => Task.CompletedTask;

    /// <summary>The client's own labels; none begins with <c>logline.</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>What becomes of it, as the client chose; label <c>logline.strategy</c>. The target itself removes what is <c>ephemeral</c> when it ends.</summary>
    public string? Strategy { get; init; }

    /// <summary>The session that it belongs to; label <c>logline.session_id</c>.</summary>
    public string? SessionId { get; init; }

    /// <summary>The task that it belongs to; label <c>logline.task_id</c>.</summary>
    public string? TaskId { get; init; }

    /// <summary>User (name or uid[:gid]), or the image's.</summary>
    public string? User { get; init; }

    /// <summary>Working directory, or the image's.</summary>
    public string? Workdir { get; init; }
}

/// <summary>A port of the container and where it is published; on a spec host 0 means "choose one".</summary>
public sealed record PortMapping(int Host, int Container);

/// <summary>What kind of thing is mounted.</summary>
public enum MountKind
{
    /// <summary>A file or folder of the host.</summary>
    Bind,
    /// <summary>A volume of the tenant.</summary>
    Volume,
    /// <summary>Memory, 64 MiB.</summary>
    Tmpfs,
}

/// <summary>A mount. <paramref name="Source"/> is a path of the host, or a volume's name without the tenant; null for a tmpfs.</summary>
public sealed record WorkloadMount(MountKind Kind, string? Source, string Target, bool ReadOnly)
{
    /// <summary>The worker's own file of a secret: no client named its source.</summary>
    public bool IsSecret { get; init; }
}

/// <summary>Where a workload stands (containers, lifecycle). Transient engine states are waited out by the adapter.</summary>
public enum WorkloadState
{
    /// <summary>Made, not started yet.</summary>
    Created,
    /// <summary>Runs.</summary>
    Running,
    /// <summary>Frozen.</summary>
    Paused,
    /// <summary>Ended: the engine's exited, stopped or dead.</summary>
    Stopped,
}

/// <summary>A workload as its target shows it.</summary>
public sealed record Workload
{
    /// <summary>The target's own id.</summary>
    public required string Id { get; init; }

    /// <summary>The run that created it.</summary>
    public required string RunId { get; init; }

    /// <summary>Its tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Its service name, without the tenant.</summary>
    public required string Name { get; init; }

    /// <summary>Where it stands.</summary>
    public required WorkloadState State { get; init; }

    /// <summary>The ref that it was made from; null for one that no deploy made.</summary>
    public string? Ref { get; init; }

    /// <summary>Content id of the image that it was made from, for example <c>sha256:…</c>.</summary>
    public string? ImageDigest { get; init; }

    /// <summary>What a registry calls its image for good, <c>name@sha256:…</c>; said of a workload that was just made, and none for an image that no registry gave.</summary>
    public IReadOnlyList<string> ImageRepoDigests { get; init; } = [];

    /// <summary>Ports as published, with the host port that the engine chose.</summary>
    public IReadOnlyList<PortMapping> Ports { get; init; } = [];

    /// <summary>When it was last started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How it ended, when it has.</summary>
    public WorkloadEnd? End { get; init; }

    /// <summary>All that the target showed of it, for the target's own use; it stays in this process.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public object? Seen { get; init; }
}

/// <summary>How a workload ended.</summary>
public sealed record WorkloadEnd(int ExitCode, bool OomKilled, DateTimeOffset? EndedAt);

/// <summary>The last lines of output; <paramref name="Dropped"/> counts lines that were there and are not in <paramref name="Lines"/>, as far as is known.</summary>
public sealed record LogTail(IReadOnlyList<string> Lines, long Dropped)
{
    /// <summary>Which of the lines, by their place, lack their end: they were too long, or have not come to it yet. It is for whoever masks them, and stays in this process.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlySet<int> Cut { get; init; } = FrozenSet<int>.Empty;

    /// <summary>The lines without secrets, nor what is left of one at an edge.</summary>
    public LogTail Masked(SecretMask mask) => mask.Hides ? this with { Lines = [.. Lines.Select((line, at) => mask.ApplyToLine(line, Cut.Contains(at)))] } : this;
}

/// <summary>Why a target did not do what it was asked.</summary>
public enum AdapterFailure
{
    /// <summary>Nobody answers, or not in time.</summary>
    Unavailable,
    /// <summary>The workload is not there.</summary>
    NotFound,
    /// <summary>The image is not there and could not be fetched.</summary>
    ImageNotFound,
    /// <summary>The name is taken by another workload.</summary>
    NameTaken,
    /// <summary>A host port is taken.</summary>
    PortTaken,
    /// <summary>The workload does not stand where that can be done to it (containers, "Lifecycle").</summary>
    Conflict,
    /// <summary>As many use it as may, for now.</summary>
    Busy,
    /// <summary>The operator of the machine does not allow it, so the target was not asked.</summary>
    Denied,
    /// <summary>The target refused for another reason; the message is its own.</summary>
    Refused,
}

/// <summary>A target refused or is absent. The message is fit for a user and holds the target's own words whole.</summary>
public sealed class AdapterException(AdapterFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure it was.</summary>
    public AdapterFailure Failure { get; } = failure;
}
