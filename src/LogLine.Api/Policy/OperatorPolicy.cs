using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Policy;

/// <summary>What the operator allows, section <c>LogLine:Policy</c> of the configuration. Tenants can only tighten it.</summary>
public sealed class OperatorPolicy
{
    /// <summary>Whether a manifest may ask for a privileged container. Default: no.</summary>
    public bool AllowPrivileged { get; set; }

    /// <summary>Whether spans and requests may be unsigned. Default: yes; the token says who sends.</summary>
    public bool AllowUnsigned { get; set; } = true;

    /// <summary>Whether a request without a signature of its own needs <c>X-Nonce</c> and <c>X-Timestamp</c>. Default: yes. What is sent of them is judged in any case.</summary>
    public bool RequireFreshness { get; set; } = true;

    /// <summary>Whether a container may use the host's network. Default: no.</summary>
    public bool AllowHostNetwork { get; set; }

    /// <summary>Whether a container may see the host's processes. Default: no.</summary>
    public bool AllowHostPid { get; set; }

    /// <summary>Folders of the host of which containers may mount what is below; none means no bind mounts.</summary>
    public IList<string> BindRoots { get; set; } = [];

    /// <summary>Patterns of images, for example <c>ghcr.io/vv/*</c> (<see cref="ImagePattern"/>); none means any.</summary>
    public IList<string> Images { get; set; } = [];

    /// <summary>Whether a build may use the network. Default: no.</summary>
    public bool AllowBuildNetwork { get; set; }

    /// <summary>Patterns of names to which images may be pushed (<see cref="ImagePattern"/>); none means that nothing is pushed.</summary>
    public IList<string> PushTo { get; set; } = [];

    /// <summary>
    /// Capabilities that reach beyond a container (<see cref="LinuxCapabilities"/>) and may be added all the same, each time with a proof for <c>capability.allow</c> that names them; none
    /// by default. A tenant's own key signs such a proof: what is here, every tenant can give itself.
    /// </summary>
    public IList<string> AllowCapabilities { get; set; } = [];

    /// <summary>Where webhooks may lead, and how many there may be; section <c>LogLine:Webhooks</c>.</summary>
    public WebhookPolicy Webhooks { get; set; } = new();

    /// <summary>The rule that a container's order breaks, the operator's or the tenant's, with a sentence; or null.</summary>
    /// <param name="order">A manifest's deploy section, or the payload of <c>container.create</c>: both say <c>image</c>, <c>security</c> and <c>mounts</c> alike.</param>
    /// <param name="who">"The manifest" or "The container", for the sentence.</param>
    /// <param name="tenant">The tenant's policy.</param>
    public (string Rule, string Detail)? Violation(JsonElement order, string who, TenantPolicy tenant) =>
        HostAccess(order.Member("security"), who, tenant) ?? Capability(order.Member("security"), who) ?? Image(order, tenant) ?? Bind(order);

    /// <summary>The rule that an act on images breaks, with a sentence; or null.</summary>
    public (string Rule, string Detail)? ImageViolation(string effect, JsonElement order, TenantPolicy tenant) => effect switch
    {
        "image.build" when order.Flag("network") == true && !AllowBuildNetwork =>
            ("build_network", "The build asks for the network, which the operator does not allow (LogLine:Policy:AllowBuildNetwork)."),
        // What a Dockerfile names is known only when it is built, so where images are limited nothing is built.
        "image.build" when Images.Count > 0 || tenant.Images is not null =>
            ("images", "Images are limited to some (LogLine:Policy:Images, tenant.policy.set), and a build could be made of any; it is not allowed here."),
        "image.push" when !PushTo.Any(pattern => ImagePattern.Parse(pattern).Matches(order.Text("to")!)) =>
            ("push_to", PushTo.Count == 0
                ? "The operator allows no registry to push to (LogLine:Policy:PushTo)."
                : $"'{order.Text("to")}' is not one of {string.Join(", ", PushTo)} (LogLine:Policy:PushTo)."),
        _ => null,
    };

    private (string Rule, string Detail)? HostAccess(JsonElement security, string who, TenantPolicy tenant)
    {
        if (security.ValueKind != JsonValueKind.Object)
        {
            return null;
        }
        (string Field, string What, bool Operator, bool? Tenant)[] doors =
        [
            ("privileged", "all of the host's devices and capabilities", AllowPrivileged, tenant.AllowPrivileged),
            ("host_network", "the host's network", AllowHostNetwork, tenant.AllowHostNetwork),
            ("host_pid", "the host's processes", AllowHostPid, null),
        ];
        foreach (var door in doors.Where(door => security.Flag(door.Field) == true))
        {
            if (!door.Operator)
            {
                return (door.Field, $"{who} asks for {door.What} (security.{door.Field}), which the operator does not allow (section LogLine:Policy).");
            }
            if (door.Tenant == false)
            {
                return (door.Field, $"{who} asks for {door.What} (security.{door.Field}), which the tenant's policy does not allow (tenant.policy.set).");
            }
        }
        return null;
    }

    private (string Rule, string Detail)? Capability(JsonElement security, string who)
    {
        foreach (var capability in security.Texts("cap_add"))
        {
            if (LinuxCapabilities.NeedsProof(capability) && !AllowCapabilities.Contains(capability))
            {
                return ("capability." + capability.ToLowerInvariant(), $"{who} adds the capability {capability}, which reaches beyond its container; the operator does not allow it (LogLine:Policy:AllowCapabilities).");
            }
            if (!LinuxCapabilities.IsKnown(capability))
            {
                return ("capability.unknown", $"{who} adds the capability '{capability}', which is not a Linux capability that this gateway knows.");
            }
        }
        return null;
    }

    private (string Rule, string Detail)? Bind(JsonElement order)
    {
        if (order.Member("mounts").ValueKind != JsonValueKind.Array)
        {
            return null;
        }
        foreach (var source in order.Items("mounts").Where(mount => mount.Text("type") == "bind").Select(mount => mount.Text("source")!))
        {
            if (BindSources.Problem(source, BindRoots) is { } problem)
            {
                return ("bind", problem);
            }
        }
        return null;
    }

    private (string Rule, string Detail)? Image(JsonElement order, TenantPolicy tenant) =>
        (Images.Count > 0 || tenant.Images is not null) && order.Text("image") is { } image ? Unlisted(image, tenant) : null;

    private (string Rule, string Detail)? Unlisted(string image, TenantPolicy tenant)
    {
        if (Images.Count > 0 && !Images.Any(pattern => ImagePattern.Parse(pattern).Matches(image)))
        {
            return ("images", $"The image '{image}' is not one of {string.Join(", ", Images)} (LogLine:Policy:Images).");
        }
        return tenant.Images is { } allowed && !allowed.Any(pattern => pattern.Matches(image))
            ? ("images", $"The image '{image}' is not one of {string.Join(", ", allowed)} (tenant.policy.set).")
            : null;
    }
}
