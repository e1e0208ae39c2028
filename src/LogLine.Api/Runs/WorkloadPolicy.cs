using LogLine.Api.Policy;

namespace LogLine.Api.Runs;

/// <summary>
/// The word of the operator whose machine carries a workload out, asked right before its engine is: the gate may stand on another machine, with other files and another operator, or may have
/// been taken over (docs/decisions/020-the-workers-own-policy.md).
/// </summary>
/// <param name="policy">What its configuration says.</param>
/// <param name="engines">The sockets of its engines.</param>
public sealed class WorkloadPolicy(OperatorPolicy policy, params IReadOnlyList<string> engines)
{
    /// <summary>Where nobody says what is allowed.</summary>
    public static WorkloadPolicy Default { get; } = new(new OperatorPolicy());

    /// <summary>The same word where there are these engines: no container gets one of their sockets, or a folder above it.</summary>
    public WorkloadPolicy Guarding(IReadOnlyList<string> sockets) => new(policy, sockets);

    /// <summary>Refuses what is not allowed here.</summary>
    /// <param name="spec">What the engine is to make.</param>
    /// <param name="remoteHost">The engine's host when it is another machine.</param>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.Denied"/>.</exception>
    public void Judge(WorkloadSpec spec, string? remoteHost)
    {
        var input = new PolicyInput
        {
            Image = spec.Image,
            Privileged = spec.Privileged,
            HostNetwork = spec.HostNetwork,
            HostPid = spec.HostPid,
            CapAdd = spec.CapAdd,
            BindSources = [.. spec.Mounts.Where(mount => mount is { Kind: MountKind.Bind, IsSecret: false }).Select(mount => mount.Source!)],
        };
        if (policy.ViolationHere(input, remoteHost, engines) is { } detail)
        {
            throw new AdapterException(AdapterFailure.Denied, $"{detail} So says the configuration on {Environment.MachineName}, which carries this out: it has to allow it, whatever a gateway elsewhere allows.");
        }
    }
}
