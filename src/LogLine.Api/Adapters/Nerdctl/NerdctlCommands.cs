using System.Globalization;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// From what is asked for to the argument vector of a command line that speaks as Docker's does (nerdctl, podman). Pure. Every value is an argument of its own, and
/// <c>--</c> ends the options before the first that a client chose, so that none can become one. No value of a variable is among them.
/// </summary>
internal static class NerdctlCommands
{
    const string Json = "{{json .}}";

    /// <summary>The arguments.</summary>
    public static IReadOnlyList<string> ToArgs(NerdctlCommand command) => command switch
    {
        NerdctlVersion => ["version", "--format", Json],
        NerdctlInfo => ["info", "--format", Json],
        NerdctlList list => ["ps", "--all", "--quiet", "--no-trunc", "--filter", $"label={list.Label}"],
        NerdctlInspect inspect => ["inspect", "--type", "container", "--", .. inspect.Ids],
        NerdctlCreate create => Create(create.Name, create.Request, create.EnvFile),
        NerdctlAct act => [act.Verb, "--", act.Id],
        NerdctlEnd end => [end.Verb, "--time", Number(end.GraceSeconds), "--", end.Id],
        NerdctlKill kill => ["kill", "--signal", kill.Signal, "--", kill.Id],
        NerdctlRename rename => ["rename", "--", rename.Id, rename.Name],
        NerdctlRemove remove => ["rm", .. Flag("--force", remove.Force), .. Flag("--volumes", remove.Volumes), "--", remove.Id],
        NerdctlLogs logs =>
        [
            "logs", .. Option("--since", logs.Since?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
            .. Flag("--follow", logs.Follow), "--", logs.Id,
        ],
        NerdctlExec exec =>
        [
            "exec", .. Flag("--interactive", exec.Request.AttachStdin), .. Flag("--tty", exec.Request.Tty), .. Option("--workdir", exec.Request.WorkingDir), .. Option("--user", exec.Request.User),
            .. Option("--env-file", exec.EnvFile), "--", exec.Id, .. exec.Request.Cmd,
        ],
        NerdctlTop top => ["top", top.Id],
        NerdctlUpdate update => ["update", .. Limits(update.Limits.MemoryBytes, update.Limits.CpuMillis * 1_000_000, update.Limits.Pids), "--", update.Id],
        NerdctlCommit commit => ["commit", .. commit.Changes.SelectMany(change => new[] { "--change", change }), "--", commit.Id, commit.Image],
        NerdctlCopyTo copy => ["cp", "-", $"{copy.Id}:{copy.Path}"],
        NerdctlCopyFrom copy => ["cp", $"{copy.Id}:{copy.Path}", "-"],
        NerdctlImages => ["images", "--quiet", "--no-trunc"],
        NerdctlInspectImages inspect => ["image", "inspect", "--", .. inspect.References],
        NerdctlHistory history => ["history", "--no-trunc", "--format", Json, "--", history.Image],
        NerdctlTransfer transfer => [transfer.Verb, .. transfer.Unencrypted is { } flag ? [flag] : (string[])[], "--", transfer.Image],
        NerdctlTag tag => ["tag", "--", tag.Image, tag.Name],
        NerdctlUntag untag => ["rmi", "--", untag.Name],
        NerdctlSave save => ["save", "--", save.Image],
        NerdctlLoad => ["load"],
        NerdctlBuild build => Build(build.Order, build.Folder),
        NerdctlListThings list => [list.What, "ls", "--quiet", "--filter", $"label={list.Label}"],
        NerdctlInspectThings inspect => [inspect.What, "inspect", "--", .. inspect.Names],
        NerdctlCreateThing create => [create.What, "create", .. Flag("--internal", create.Internal), .. Labels(create.Labels), "--", create.Name],
        NerdctlRemoveThing remove => [remove.What, "rm", "--", remove.Name],
        NerdctlConnect connect => ["network", "connect", "--alias", connect.Alias, "--", connect.Network, connect.Container],
        NerdctlDisconnect disconnect => ["network", "disconnect", .. Flag("--force", disconnect.Force), "--", disconnect.Network, disconnect.Container],
        _ => throw new ArgumentOutOfRangeException(nameof(command), command.GetType().Name, "has no verb"),
    };

    /// <summary>The same container as through the Engine API.</summary>
    static IReadOnlyList<string> Create(string name, ContainerRequest request, string? envFile)
    {
        var host = request.HostConfig;
        return
        [
            // What is missing is fetched by a call of its own, which has credentials and says how far it is.
            "create", "--name", name, "--pull", "never", .. Labels(request.Labels),
            .. Flag("--privileged", host.Privileged == true), .. Each("--cap-drop", host.CapDrop), .. Each("--cap-add", host.CapAdd), .. Each("--security-opt", host.SecurityOpt),
            .. Flag("--init", host.Init == true), .. Flag("--read-only", host.ReadonlyRootfs), .. Flag("--rm", host.AutoRemove == true), .. Limits(host.Memory, host.NanoCpus, host.PidsLimit),
            .. Option("--network", host.NetworkMode), .. Option("--pid", host.PidMode), .. Option("--user", request.User), .. Option("--workdir", request.WorkingDir), .. Option("--env-file", envFile),
            .. (host.PortBindings ?? []).SelectMany(port => (port.Value ?? []).SelectMany(binding => new[] { "--publish", Published(port.Key, binding) })),
            .. (host.Tmpfs ?? []).OrderBy(folder => folder.Key, StringComparer.Ordinal).SelectMany(folder => new[] { "--tmpfs", $"{folder.Key}:{folder.Value}" }),
            .. (host.Mounts ?? []).SelectMany(mount => new[] { "--mount", $"type={mount.Type},source={mount.Source},target={mount.Target}{(mount.ReadOnly ? ",ro" : "")}" }),
            .. Option("--log-driver", host.LogConfig?.Type), .. (host.LogConfig?.Config ?? []).OrderBy(option => option.Key, StringComparer.Ordinal).SelectMany(option => new[] { "--log-opt", $"{option.Key}={option.Value}" }),
            .. Option("--entrypoint", request.Entrypoint?[0]), "--", request.Image, .. request.Entrypoint?.Skip(1) ?? [], .. request.Cmd ?? [],
        ];
    }

    static IReadOnlyList<string> Build(BuildOrder order, string folder) =>
    [
        "build", "--tag", order.Tag, "--file", Path.Combine(folder, order.Dockerfile), .. Option("--target", order.Stage), .. Flag("--no-cache", order.NoCache), "--network", order.Network ? "default" : "none",
        .. order.Arguments.OrderBy(one => one.Key, StringComparer.Ordinal).SelectMany(one => new[] { "--build-arg", $"{one.Key}={one.Value}" }), .. Labels(order.Labels), "--", folder,
    ];

    static string Published(string port, PortBinding binding) => string.IsNullOrEmpty(binding.HostPort) ? port.Split('/')[0] : $"{binding.HostPort}:{port.Split('/')[0]}";

    static IEnumerable<string> Limits(long? memory, long? nanoCpus, long? pids) =>
    [
        .. memory is { } bytes ? ["--memory", Number(bytes), "--memory-swap", Number(bytes)] : (string[])[],
        .. Option("--cpus", nanoCpus is { } nanos ? (nanos / 1_000_000_000m).ToString("0.###", CultureInfo.InvariantCulture) : null),
        .. Option("--pids-limit", pids is { } most ? Number(most) : null),
    ];

    static IEnumerable<string> Labels(IReadOnlyDictionary<string, string> labels) =>
        labels.OrderBy(label => label.Key, StringComparer.Ordinal).SelectMany(label => new[] { "--label", $"{label.Key}={label.Value}" });

    static IEnumerable<string> Each(string option, IReadOnlyList<string>? values) => (values ?? []).SelectMany(value => new[] { option, value });

    static string[] Flag(string flag, bool isSet) => isSet ? [flag] : [];

    static string[] Option(string option, string? value) => value is null ? [] : [option, value];

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
