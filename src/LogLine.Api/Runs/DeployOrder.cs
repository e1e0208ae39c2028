using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>From a manifest's deploy section to what an adapter is asked for.</summary>
public static class DeployOrder
{
    /// <summary>The workload of a run.</summary>
    public static WorkloadSpec Compose(RunRow run, SignedManifest manifest)
    {
        var deploy = manifest.Deploy;
        var resources = deploy.Member("resources");
        var security = deploy.Member("security");
        return new WorkloadSpec
        {
            Tenant = run.Tenant,
            Name = run.Service,
            RunId = run.RunId,
            Ref = run.Ref,
            Image = deploy.Text("image")!,
            Entrypoint = deploy.Texts("entrypoint"),
            Argv = deploy.Texts("args"),
            Env = Env(manifest).ToDictionary(variable => variable.Name, variable => variable.Value),
            Ports = [.. deploy.Items("ports").Select(port => new PortMapping((int)(port.Integer("host") ?? 0), (int)port.Integer("container")!.Value))],
            MemoryBytes = resources.Integer("memory_bytes"),
            CpuMillis = (int?)resources.Integer("cpu_millis"),
            Pids = (int?)resources.Integer("pids"),
            ReadOnlyRootfs = security.Flag("read_only_rootfs") ?? false,
            CapAdd = security.Texts("cap_add"),
            User = deploy.Text("user"),
            Workdir = deploy.Text("workdir"),
        };
    }

    /// <summary>True when a variable's value is a reference to a secret.</summary>
    public static bool HoldsGrants(SignedManifest manifest) => Env(manifest).Any(variable => variable.Value.StartsWith("grant://", StringComparison.Ordinal));

    private static IEnumerable<(string Name, string Value)> Env(SignedManifest manifest) =>
        manifest.Deploy.Member("env") is { ValueKind: System.Text.Json.JsonValueKind.Object } env
            ? env.EnumerateObject().Select(variable => (variable.Name, variable.Value.GetString()!))
            : [];
}
