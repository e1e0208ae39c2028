using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>From the arguments of <c>container.create</c> to what an adapter is asked for, pure. <see cref="PrimitiveArguments"/> has judged them.</summary>
public static class ContainerOrder
{
    /// <summary>The workload.</summary>
    public static WorkloadSpec Compose(PrimitiveCall call)
    {
        var order = call.Arguments;
        var resources = order.Member("resources");
        var security = order.Member("security");
        var dropped = security.Texts("cap_drop").ToHashSet();
        return new WorkloadSpec
        {
            Tenant = call.Tenant,
            Name = call.Name,
            RunId = call.RunId,
            Image = order.Text("image")!,
            Argv = order.Texts("argv"),
            Env = Pairs(order, "env"),
            Ports = [.. order.Items("ports").Select(port => new PortMapping((int)(port.Integer("host") ?? 0), (int)port.Integer("container")!.Value))],
            Mounts = [.. order.Items("mounts").Select(Mount)],
            MemoryBytes = PrimitiveArguments.Bytes(resources, "memory"),
            CpuMillis = PrimitiveArguments.CpuMillis(resources),
            Pids = (int?)resources.Integer("pids"),
            ReadOnlyRootfs = security.Flag("read_only_rootfs") ?? false,
            // All are dropped to begin with, so what is named in both lists is dropped.
            CapAdd = [.. security.Texts("cap_add").Where(name => !dropped.Contains(name) && !dropped.Contains("ALL")).Distinct()],
            Privileged = security.Flag("privileged") ?? false,
            HostNetwork = security.Flag("host_network") ?? false,
            HostPid = security.Flag("host_pid") ?? false,
            User = order.Text("user"),
            Workdir = order.Text("workdir"),
            Labels = Labels(call),
            Strategy = order.Text("strategy"),
            SessionId = order.Text("session_id"),
            TaskId = order.Text("task_id"),
            Progress = call.Progress,
        };
    }

    /// <summary>The client's labels for what it creates.</summary>
    public static IReadOnlyDictionary<string, string> Labels(PrimitiveCall call) => Pairs(call.Arguments, "labels");

    private static WorkloadMount Mount(JsonElement mount) =>
        new(mount.Text("type") switch { "bind" => MountKind.Bind, "volume" => MountKind.Volume, _ => MountKind.Tmpfs }, mount.Text("source"), mount.Text("target")!, mount.Flag("read_only") ?? false);

    private static Dictionary<string, string> Pairs(JsonElement order, string name) => order.Member(name) is { ValueKind: JsonValueKind.Object } pairs
        ? pairs.EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetString()!)
        : [];
}
