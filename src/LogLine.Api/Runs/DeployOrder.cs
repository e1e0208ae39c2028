using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>From a manifest's deploy section to what an adapter is asked for.</summary>
public static class DeployOrder
{
    /// <summary>True when the run brings a MiniContainer into a service's place; false for a primitive's.</summary>
    public static bool IsDeploy(RunRow run) => run.Ref is not null;

    /// <summary>The image that is run.</summary>
    public static string Image(SignedManifest manifest) => manifest.Deploy.Text("image")!;

    /// <summary>The ports that are published; host 0 lets the target choose.</summary>
    public static IReadOnlyList<PortMapping> Ports(SignedManifest manifest) =>
        [.. manifest.Deploy.Items("ports").Select(port => new PortMapping((int)(port.Integer("host") ?? 0), (int)port.Integer("container")!.Value))];

    /// <summary>The workload of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="manifest">The manifest of its ref.</param>
    /// <param name="beside">Whether it is made beside the container that it replaces.</param>
    public static WorkloadSpec Compose(RunRow run, SignedManifest manifest, bool beside)
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
            Beside = beside,
            Image = Image(manifest),
            Entrypoint = deploy.Texts("entrypoint"),
            Argv = deploy.Texts("args"),
            Env = Env(manifest).ToDictionary(variable => variable.Name, variable => variable.Value),
            Ports = Ports(manifest),
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
