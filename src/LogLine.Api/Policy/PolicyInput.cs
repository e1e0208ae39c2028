using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Policy;

/// <summary>What <see cref="OperatorPolicy"/> judges of a container: what it asks of its host, and its image.</summary>
public sealed record PolicyInput
{
    /// <summary>The image; null where none is named.</summary>
    public string? Image { get; init; }

    /// <summary>All of the host's devices and capabilities.</summary>
    public bool Privileged { get; init; }

    /// <summary>The host's network.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>The host's processes.</summary>
    public bool HostPid { get; init; }

    /// <summary>Capabilities that are added.</summary>
    public IReadOnlyList<string> CapAdd { get; init; } = [];

    /// <summary>Files and folders of the host that are mounted.</summary>
    public IReadOnlyList<string> BindSources { get; init; } = [];

    /// <summary>From a manifest's deploy section, or the payload of <c>container.create</c>: both say <c>image</c>, <c>security</c> and <c>mounts</c> alike.</summary>
    public static PolicyInput Of(JsonElement order)
    {
        var security = order.Member("security");
        return new PolicyInput
        {
            Image = order.Text("image"),
            Privileged = security.Flag("privileged") == true,
            HostNetwork = security.Flag("host_network") == true,
            HostPid = security.Flag("host_pid") == true,
            CapAdd = security.Texts("cap_add"),
            BindSources = [.. order.Items("mounts").Where(mount => mount.Text("type") == "bind").Select(mount => mount.Text("source")!)],
        };
    }
}
