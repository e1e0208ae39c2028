using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Policy;

/// <summary>What the operator allows, section <c>LogLine:Policy</c> of the configuration. Tenants can only tighten it.</summary>
public sealed class OperatorPolicy
{
    /// <summary>Whether a manifest may ask for a privileged container. Default: no.</summary>
    public bool AllowPrivileged { get; set; }

    /// <summary>Whether spans and requests may be unsigned. Default: yes; the token says who sends.</summary>
    public bool AllowUnsigned { get; set; } = true;

    /// <summary>Whether a container may use the host's network. Default: no.</summary>
    public bool AllowHostNetwork { get; set; }

    /// <summary>Patterns of images, for example <c>ghcr.io/vv/*</c> (<see cref="ImagePattern"/>); none means any.</summary>
    public IList<string> Images { get; set; } = [];

    // Capabilities that reach beyond the container (containers, "Linux capabilities": classes admin and debug).
    private static readonly HashSet<string> Dangerous =
    [
        "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "BPF", "MAC_ADMIN", "MAC_OVERRIDE", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "WAKE_ALARM",
        "BLOCK_SUSPEND", "LEASE", "SYS_PACCT", "SYS_TTY_CONFIG", "SYS_PTRACE", "PERFMON", "SYSLOG", "CHECKPOINT_RESTORE",
    ];

    private static readonly HashSet<string> Ordinary =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "SETFCAP", "LINUX_IMMUTABLE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "NET_ADMIN", "NET_BROADCAST",
        "KILL", "SETUID", "SETGID", "SETPCAP", "SYS_CHROOT", "SYS_NICE", "SYS_RESOURCE", "IPC_LOCK", "IPC_OWNER",
    ];

    /// <summary>The rule that a manifest's deploy section breaks, the operator's or the tenant's, with a sentence; or null.</summary>
    public (string Rule, string Detail)? Violation(SignedManifest manifest, TenantPolicy tenant)
    {
        var deploy = manifest.Deploy;
        var security = deploy.Member("security");
        if (security.Flag("privileged") == true && !AllowPrivileged)
        {
            return ("privileged", "The manifest asks for a privileged container, which the operator does not allow (LogLine:Policy:AllowPrivileged).");
        }
        if (security.Flag("privileged") == true && tenant.AllowPrivileged == false)
        {
            return ("privileged", "The manifest asks for a privileged container, which the tenant's policy does not allow (tenant.policy.set).");
        }
        foreach (var capability in security.Texts("cap_add"))
        {
            if (Dangerous.Contains(capability))
            {
                return ("capability." + capability.ToLowerInvariant(), $"The manifest adds the capability {capability}, which reaches beyond its container; it is not allowed.");
            }
            if (!Ordinary.Contains(capability))
            {
                return ("capability.unknown", $"The manifest adds the capability '{capability}', which is not a Linux capability that this gateway knows.");
            }
        }
        if (deploy.Text("image") is { } image)
        {
            if (Images.Count > 0 && !Images.Any(pattern => ImagePattern.Parse(pattern).Matches(image)))
            {
                return ("images", $"The image '{image}' is not one of {string.Join(", ", Images)} (LogLine:Policy:Images).");
            }
            if (tenant.Images is { } allowed && !allowed.Any(pattern => pattern.Matches(image)))
            {
                return ("images", $"The image '{image}' is not one of {string.Join(", ", allowed)} (tenant.policy.set).");
            }
        }
        return null;
    }
}
