using System.Buffers;
using System.Globalization;
using LogLine.Api.Runs;
using LogLine.Protocol.Quantities;

namespace LogLine.Api.Adapters.Engine;

/// <summary>The labels by which a container is ours.</summary>
internal static class EngineLabels
{
    public const string Tenant = "logline.tenant";
    public const string Name = "logline.name";
    public const string RunId = "logline.run_id";
    public const string Ref = "logline.ref";
    public const string Strategy = "logline.strategy";
    public const string SessionId = "logline.session_id";
    public const string TaskId = "logline.task_id";

    /// <summary>Capabilities that were added. Podman shows them only as far as they are not among its own defaults, which ours were dropped to.</summary>
    public const string CapAdd = "logline.cap_add";

    /// <summary>Of an image alone: the run that made it of a container, under a name that was free. A container that somebody makes of it has it too, where it says nothing.</summary>
    public const string CommittedBy = "logline.committed_by";

    /// <summary>All of them that a container has.</summary>
    public static readonly string[] All = [Tenant, Name, RunId, Ref, Strategy, SessionId, TaskId, CapAdd];

    /// <summary>What begins so is the gateway's own.</summary>
    public const string Prefix = "logline.";

    /// <summary>What a label says; one that is empty says nothing.</summary>
    public static string? Value(IReadOnlyDictionary<string, string> labels, string name) => labels.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
}

/// <summary>
/// From a specification to the create call, pure. The defaults (containers, "Linux capabilities" and "Logs"): all capabilities
/// dropped, no new privileges, an init as process 1, the engine's own log capped.
/// </summary>
internal static class ContainerRequests
{
    static readonly SearchValues<char> NameChars = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>The container's name in the engine.</summary>
    public static string NameOf(WorkloadSpec spec) => spec.Beside ? BesideName(spec) : NameOf(spec.Tenant, spec.Name);

    /// <summary>The name that a tenant's container, volume or network has in the engine.</summary>
    public static string NameOf(string tenant, string name) => $"{tenant}-{name}";

    /// <summary>Why the specification is refused before any engine sees it, or null.</summary>
    public static string? Problem(WorkloadSpec spec)
    {
        if (!IsName(spec.Tenant) || !IsName(spec.Name))
            return $"tenant and name are lower-case letters, digits, '_' and '-', beginning with a letter or digit; found '{spec.Tenant}' and '{spec.Name}'";
        if (ImageReference.Problem(spec.Image) is { } image)
            return image;
        foreach (var (name, value) in spec.Env)
        {
            if (name.Length == 0 || name.Contains('=') || !IsText(name))
                return $"env: '{name}' is no name of a variable (no '=', no NUL, not empty)";
            if (!IsText(value))
                return $"env.{name}: a NUL or a lone surrogate in the value";
        }
        if (!spec.Entrypoint.Concat(spec.Argv).All(IsText))
            return "argv: a NUL or a lone surrogate in an argument";
        if (spec.User is { } user && !IsText(user) || spec.Workdir is { } workdir && !IsText(workdir))
            return "user, workdir: a NUL or a lone surrogate";
        if (spec.Ports.FirstOrDefault(p => p.Container is < 1 or > 65535 || p.Host is < 0 or > 65535) is { } port)
            return $"ports: {port.Host}:{port.Container} is no pair of a host port (0 to 65535) and a container port (1 to 65535)";
        if (spec.Mounts.FirstOrDefault(m => !IsPath(m.Target) || m.Kind == MountKind.Bind && !IsPath(m.Source)) is { } mount)
            return $"mounts: {mount.Source}:{mount.Target} is no pair of absolute paths without control characters, ',', ':' and quotes";
        if (spec.Labels.FirstOrDefault(l => !IsText(l.Key) || !IsText(l.Value) || l.Key.StartsWith(EngineLabels.Prefix, StringComparison.Ordinal)) is { Key: { } label })
            return $"labels: '{label}' has a NUL or a lone surrogate, or begins with {EngineLabels.Prefix}";
        return spec switch
        {
            { MemoryBytes: < LeastResources.MemoryBytes } => "resources.memory: at least 6 MiB, the least that engines accept",
            { CpuMillis: < LeastResources.CpuMillis } => "resources.cpus: at least 0.01, the least that engines accept",
            { Pids: <= 0 } => "resources.pids: more than 0",
            _ => null,
        };
    }

    public static ContainerRequest Of(WorkloadSpec spec, EngineQuirks quirks) => new()
    {
        Image = spec.Image,
        Entrypoint = spec.Entrypoint.Count > 0 ? spec.Entrypoint : null,
        Cmd = spec.Argv.Count > 0 ? spec.Argv : null,
        Env = spec.Env.Count > 0 ? [.. spec.Env.Select(e => $"{e.Key}={e.Value}")] : null,
        User = spec.User,
        WorkingDir = spec.Workdir,
        Labels = LabelsOf(spec),
        ExposedPorts = spec.Ports.Count > 0 ? spec.Ports.Select(PortKey).Distinct().ToDictionary(key => key, _ => new EmptyBody()) : null,
        HostConfig = new HostConfig
        {
            PortBindings = spec.Ports.Count > 0 ? spec.Ports.GroupBy(PortKey).ToDictionary(g => g.Key, PortBinding[]? (g) => [.. g.Select(p => Binding(p, quirks))]) : null,
            Memory = spec.MemoryBytes,
            MemorySwap = spec.MemoryBytes, // Memory and swap together: a limit that swap could stretch would be none.
            NanoCpus = spec.CpuMillis * 1_000_000L,
            PidsLimit = spec.Pids,
            ReadonlyRootfs = spec.ReadOnlyRootfs,
            Tmpfs = InMemory(spec),
            Mounts = Mounts(spec),
            Init = spec.HostPid ? null : true,
            Privileged = spec.Privileged ? true : null,
            CapDrop = spec.Privileged ? null : ["ALL"],
            CapAdd = spec.CapAdd.Count > 0 && !spec.Privileged ? spec.CapAdd : null,
            SecurityOpt = spec.Privileged ? null : ["no-new-privileges"],
            NetworkMode = spec.HostNetwork ? "host" : null,
            PidMode = spec.HostPid ? "host" : null,
            UsernsMode = quirks.UserNamespace,
            AutoRemove = spec.Strategy == "ephemeral" ? true : null,
            LogConfig = quirks.BoundedLog,
        },
    };

    // No name of a tenant or service has a '.', so it cannot be another container's.
    static string BesideName(WorkloadSpec spec) => $"{NameOf(spec.Tenant, spec.Name)}.{spec.RunId[^Math.Min(12, spec.RunId.Length)..]}";

    static Dictionary<string, string>? InMemory(WorkloadSpec spec)
    {
        var folders = spec.ReadOnlyRootfs ? EngineQuirks.WritableInMemory() : [];
        foreach (var mount in spec.Mounts)
        {
            // What is mounted there on purpose is there instead; an engine takes no two mounts of one place.
            folders.Remove(mount.Target.TrimEnd('/'));
            if (mount.Kind == MountKind.Tmpfs)
                folders[mount.Target.TrimEnd('/')] = (mount.ReadOnly ? "ro" : "rw") + EngineQuirks.InMemoryOptions;
        }
        return folders.Count > 0 ? folders : null;
    }

    static MountRequest[]? Mounts(WorkloadSpec spec) => spec.Mounts.Any(m => m.Kind != MountKind.Tmpfs)
        ? [.. spec.Mounts.Where(m => m.Kind != MountKind.Tmpfs).Select(m => m.Kind == MountKind.Bind
            ? new MountRequest("bind", m.Source!, m.Target, m.ReadOnly)
            : new MountRequest("volume", NameOf(spec.Tenant, m.Source!), m.Target, m.ReadOnly))]
        : null;

    /// <summary>The client's labels with ours.</summary>
    public static Dictionary<string, string> LabelsOf(WorkloadSpec spec)
    {
        var labels = new Dictionary<string, string>(spec.Labels)
        {
            [EngineLabels.Tenant] = spec.Tenant,
            [EngineLabels.Name] = spec.Name,
            [EngineLabels.RunId] = spec.RunId,
        };
        foreach (var (name, value) in new[]
        {
            (EngineLabels.Ref, spec.Ref), (EngineLabels.Strategy, spec.Strategy), (EngineLabels.SessionId, spec.SessionId), (EngineLabels.TaskId, spec.TaskId),
            (EngineLabels.CapAdd, spec.CapAdd.Count > 0 ? string.Join(',', spec.CapAdd) : null),
        })
        {
            // What it does not have is said too: else it would have what its image says.
            labels[name] = value ?? "";
        }
        return labels;
    }

    static string PortKey(PortMapping port) => string.Create(CultureInfo.InvariantCulture, $"{port.Container}/tcp");

    static PortBinding Binding(PortMapping port, EngineQuirks quirks) =>
        new(quirks.EveryInterface, port.Host == 0 ? "" : port.Host.ToString(CultureInfo.InvariantCulture));

    static bool IsName(string name) => name.Length > 0 && char.IsAsciiLetterOrDigit(name[0]) && !name.AsSpan().ContainsAnyExcept(NameChars);

    // Podman writes a mount as one line of options, so that a ',' would begin another option.
    static bool IsPath(string? path) => path is ['/', ..] && IsText(path) && !path.Any(c => char.IsControl(c) || c is ',' or ':' or '"' or '\\');

    // A lone surrogate cannot be written as UTF-8: it would reach the container as another string.
    public static bool IsText(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0' || char.IsLowSurrogate(text[i]))
                return false;
            if (char.IsHighSurrogate(text[i]) && (++i == text.Length || !char.IsLowSurrogate(text[i])))
                return false;
        }
        return true;
    }
}
