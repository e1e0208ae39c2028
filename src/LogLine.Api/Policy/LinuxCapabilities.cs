namespace LogLine.Api.Policy;

/// <summary>The capabilities of Linux (man 7 capabilities) by how far they reach (containers, "Linux capabilities"). Names are without <c>CAP_</c>.</summary>
public static class LinuxCapabilities
{
    /// <summary>Classes admin and debug: they reach beyond the container.</summary>
    private static readonly HashSet<string> Far =
    [
        "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "BPF", "MAC_ADMIN", "MAC_OVERRIDE", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "WAKE_ALARM",
        "BLOCK_SUSPEND", "LEASE", "SYS_PACCT", "SYS_TTY_CONFIG", "SYS_PTRACE", "PERFMON", "SYSLOG", "CHECKPOINT_RESTORE",
    ];

    private static readonly HashSet<string> Near =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "SETFCAP", "LINUX_IMMUTABLE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "NET_ADMIN", "NET_BROADCAST",
        "KILL", "SETUID", "SETGID", "SETPCAP", "SYS_CHROOT", "SYS_NICE", "SYS_RESOURCE", "IPC_LOCK", "IPC_OWNER",
    ];

    /// <summary>Every name that there is.</summary>
    public static IEnumerable<string> All => Near.Concat(Far);

    /// <summary>True for the ones that there are.</summary>
    public static bool IsKnown(string name) => Near.Contains(name) || Far.Contains(name);

    /// <summary>True for what the operator must allow and a proof must name.</summary>
    public static bool NeedsProof(string name) => Far.Contains(name);
}
