using System.Globalization;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// From a primitive to the argument vector of a command line that speaks as Docker's does (nerdctl, podman). Pure. Every value is an argument of its own, and
/// <c>--</c> ends the options before the first that a client chose, so that none can become one.
/// </summary>
internal static class NerdctlCommands
{
    const string Json = "{{json .}}";

    /// <summary>The arguments, or null for a primitive that is more than one command, or that the command line does not have.</summary>
    public static IReadOnlyList<string>? ToArgs(string effect, PrimitiveCall call)
    {
        var (arguments, name) = (call.Arguments, ContainerRequests.NameOf(call.Tenant, call.Name));
        string Text(string member) => arguments.Text(member)!;
        return effect switch
        {
            "container.create" => Create(ContainerOrder.Compose(call)),
            "container.start" => ["start", "--", name],
            "container.stop" => ["stop", "--time", Seconds(PrimitiveTable.Grace(call)), "--", name],
            "container.kill" => ["kill", "--signal", arguments.Text("signal") ?? "SIGKILL", "--", name],
            "container.restart" => ["restart", "--time", Seconds(PrimitiveTable.Grace(call)), "--", name],
            "container.pause" => ["pause", "--", name],
            "container.unpause" => ["unpause", "--", name],
            "container.remove" => ["rm", .. Flag("--force", arguments.Flag("force")), .. Flag("--volumes", arguments.Flag("volumes")), "--", name],
            "container.exec" => Exec(call, name),
            "container.commit" => ["commit", "--", name, TenantImages.Own(call.Tenant, Text("image"))],
            "container.list" => ["ps", "--all", "--no-trunc", .. Labels(call), "--format", Json],
            "container.inspect" or "container.network" => ["inspect", "--type", "container", "--", name],
            "container.logs" => ["logs", .. Option("--since", arguments.Text("since")), .. Flag("--follow", arguments.Flag("follow")), "--tail", Number(arguments.Integer("tail") ?? 100), "--", name],
            "container.stats" or "container.usage" => ["stats", "--no-stream", "--no-trunc", "--format", Json, "--", name],
            "container.top" => ["top", name],
            "container.diff" => ["diff", "--", name],
            "container.resources" => ["update", .. Limits(PrimitiveArguments.Bytes(arguments, "memory"), PrimitiveArguments.CpuMillis(arguments), arguments.Integer("pids")), "--", name],
            "container.copy_to" => ["cp", "-", $"{name}:{Text("path")}"],
            "container.copy_from" => ["cp", $"{name}:{Text("path")}", "-"],
            "image.list" => ["images", "--all", "--no-trunc", "--format", Json],
            "image.inspect" => ["image", "inspect", "--", TenantImages.Visible(call.Tenant, Text("image"))],
            "image.history" => ["history", "--no-trunc", "--format", Json, "--", TenantImages.Visible(call.Tenant, Text("image"))],
            "image.pull" => ["pull", "--quiet", "--", TenantImages.Visible(call.Tenant, Text("image"))],
            "image.tag" => ["tag", "--", TenantImages.Visible(call.Tenant, Text("image")), TenantImages.Own(call.Tenant, Text("tag"))],
            "image.remove" => ["rmi", "--", TenantImages.Own(call.Tenant, Text("image"))],
            "image.build" => Build(call),
            "image.save" => ["save", "--", TenantImages.Visible(call.Tenant, Text("image"))],
            "image.load" => ["load"],
            "image.push" => ["push", "--quiet", "--", Text("to")],
            "network.create" => ["network", "create", .. Flag("--internal", arguments.Flag("internal")), .. Labels(call, ContainerOrder.Labels(call)), "--", name],
            "network.remove" => ["network", "rm", "--", name],
            "network.inspect" => ["network", "inspect", "--", name],
            "network.list" or "network.topology" => ["network", "ls", "--no-trunc", .. Labels(call), "--format", Json],
            "network.connect" => ["network", "connect", "--alias", Text("container"), "--", name, ContainerRequests.NameOf(call.Tenant, Text("container"))],
            "network.disconnect" => ["network", "disconnect", "--", name, ContainerRequests.NameOf(call.Tenant, Text("container"))],
            "volume.create" => ["volume", "create", .. Labels(call, ContainerOrder.Labels(call)), "--", name],
            "volume.remove" => ["volume", "rm", "--", name],
            "volume.inspect" => ["volume", "inspect", "--", name],
            "volume.list" => ["volume", "ls", .. Labels(call), "--format", Json],
            "system.info" => ["info", "--format", Json],
            "system.events" => ["events", "--since", arguments.Text("since") ?? "1h", "--until", "0s", .. Labels(call), "--format", Json],
            _ => null,
        };
    }

    /// <summary>The same defaults as through the Engine API: no capabilities, no new privileges, an init, a log that stays small.</summary>
    static IReadOnlyList<string> Create(WorkloadSpec spec) =>
    [
        "create", "--name", ContainerRequests.NameOf(spec), "--pull", "missing",
        .. ContainerRequests.LabelsOf(spec).OrderBy(label => label.Key, StringComparer.Ordinal).SelectMany(label => new[] { "--label", $"{label.Key}={label.Value}" }),
        .. spec.Privileged ? ["--privileged"] : (string[])["--cap-drop", "ALL", .. spec.CapAdd.SelectMany(capability => new[] { "--cap-add", capability }), "--security-opt", "no-new-privileges"],
        .. Flag("--init", !spec.HostPid), .. Flag("--read-only", spec.ReadOnlyRootfs), .. Flag("--rm", spec.Strategy == "ephemeral"),
        .. Limits(spec.MemoryBytes, spec.CpuMillis, spec.Pids),
        .. Option("--network", spec.HostNetwork ? "host" : null), .. Option("--pid", spec.HostPid ? "host" : null), .. Option("--user", spec.User), .. Option("--workdir", spec.Workdir),
        .. spec.Env.OrderBy(variable => variable.Key, StringComparer.Ordinal).SelectMany(variable => new[] { "--env", $"{variable.Key}={variable.Value}" }),
        .. spec.Ports.SelectMany(port => new[] { "--publish", port.Host == 0 ? Number(port.Container) : $"{Number(port.Host)}:{Number(port.Container)}" }),
        .. spec.Mounts.SelectMany(mount => Mount(mount, spec.Tenant)),
        "--log-opt", "max-size=1m",
        .. spec.Entrypoint.Count > 0 ? ["--entrypoint", spec.Entrypoint[0]] : (string[])[],
        "--", spec.Image, .. spec.Entrypoint.Skip(1), .. spec.Argv,
    ];

    static IReadOnlyList<string> Exec(PrimitiveCall call, string name)
    {
        var arguments = call.Arguments;
        return
        [
            "exec", .. Flag("--interactive", arguments.Text("stdin_b64") is not null), .. Flag("--tty", arguments.Flag("tty")), .. Option("--workdir", arguments.Text("workdir")), .. Option("--user", arguments.Text("user")),
            .. arguments.Member("env") is { ValueKind: JsonValueKind.Object } env ? env.EnumerateObject().SelectMany(variable => new[] { "--env", $"{variable.Name}={variable.Value.GetString()}" }) : [],
            "--", name, .. arguments.Texts("argv"),
        ];
    }

    static IReadOnlyList<string> Build(PrimitiveCall call)
    {
        var arguments = call.Arguments;
        return
        [
            "build", "--tag", TenantImages.Own(call.Tenant, arguments.Text("tag")!), "--file", arguments.Text("dockerfile") ?? "Dockerfile", .. Option("--target", arguments.Text("stage")),
            .. Flag("--no-cache", arguments.Flag("no_cache")), "--network", arguments.Flag("network") == true ? "default" : "none",
            .. arguments.Member("build_args") is { ValueKind: JsonValueKind.Object } own ? own.EnumerateObject().SelectMany(one => new[] { "--build-arg", $"{one.Name}={one.Value.GetString()}" }) : [],
            .. EngineLabels.All.SelectMany(label => new[] { "--label", label + "=" }), "-",
        ];
    }

    static string[] Mount(WorkloadMount mount, string tenant) => mount.Kind switch
    {
        MountKind.Tmpfs => ["--tmpfs", $"{mount.Target}:{(mount.ReadOnly ? "ro" : "rw")}{EngineQuirks.InMemoryOptions}"],
        MountKind.Volume => ["--mount", $"type=volume,source={ContainerRequests.NameOf(tenant, mount.Source!)},target={mount.Target}{(mount.ReadOnly ? ",readonly" : "")}"],
        _ => ["--mount", $"type=bind,source={mount.Source},target={mount.Target}{(mount.ReadOnly ? ",readonly" : "")}"],
    };

    static IEnumerable<string> Limits(long? memory, int? cpuMillis, long? pids) =>
    [
        .. memory is { } bytes ? ["--memory", Number(bytes), "--memory-swap", Number(bytes)] : (string[])[],
        .. Option("--cpus", cpuMillis is { } millis ? (millis / 1000m).ToString("0.###", CultureInfo.InvariantCulture) : null),
        .. Option("--pids-limit", pids is { } most ? Number(most) : null),
    ];

    /// <summary>What filters the tenant's own.</summary>
    static IEnumerable<string> Labels(PrimitiveCall call) => ["--filter", $"label={EngineLabels.Tenant}={call.Tenant}"];

    /// <summary>The client's labels with ours.</summary>
    static IEnumerable<string> Labels(PrimitiveCall call, IReadOnlyDictionary<string, string> own) =>
        OwnThings.Labels(call, own).OrderBy(label => label.Key, StringComparer.Ordinal).SelectMany(label => new[] { "--label", $"{label.Key}={label.Value}" });

    static string[] Flag(string flag, bool? isSet) => isSet == true ? [flag] : [];

    static string[] Option(string option, string? value) => value is null ? [] : [option, value];

    static string Seconds(TimeSpan time) => Number((long)Math.Ceiling(time.TotalSeconds));

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
