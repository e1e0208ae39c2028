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

    /// <summary>The rule that a container breaks at the gate, the operator's or the tenant's, with a sentence; or null.</summary>
    /// <param name="input">What it asks for.</param>
    /// <param name="who">"The manifest" or "The container", for the sentence.</param>
    /// <param name="tenant">The tenant's policy.</param>
    public (string Rule, string Detail)? Violation(PolicyInput input, string who, TenantPolicy tenant) =>
        HostAccess(input, who, tenant) ?? Capability(input, who) ?? Image(input, tenant) ?? Bind(input, source => BindSources.Problem(source, BindRoots));

    /// <summary>Why a container breaks the operator's rules on the machine that carries it out, or null: there a bind source has to be in sight, since what is not may be a link.</summary>
    /// <param name="input">What it asks for.</param>
    /// <param name="remoteHost">The engine's host when it is another machine, whose files are out of sight.</param>
    /// <param name="engines">The sockets of this machine's engines.</param>
    public string? ViolationHere(PolicyInput input, string? remoteHost, IReadOnlyList<string> engines) =>
        (HostAccess(input, "The container", TenantPolicy.Nothing) ?? Capability(input, "The container") ?? Image(input, TenantPolicy.Nothing) ?? Bind(input, source => remoteHost is null
            ? BindSources.Problem(source, BindRoots, inSight: true, engines)
            : $"The mount of {source} is not allowed: the engine is on {remoteHost}, whose links cannot be followed from here; a worker beside the engine can (LogLine:Policy:BindRoots there)."))?.Detail;

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

    private (string Rule, string Detail)? HostAccess(PolicyInput input, string who, TenantPolicy tenant)
    {
        (bool IsWanted, string Field, string What, string Setting, bool Operator, bool? Tenant)[] doors =
        [
            (input.Privileged, "privileged", "all of the host's devices and capabilities", nameof(AllowPrivileged), AllowPrivileged, tenant.AllowPrivileged),
            (input.HostNetwork, "host_network", "the host's network", nameof(AllowHostNetwork), AllowHostNetwork, tenant.AllowHostNetwork),
            (input.HostPid, "host_pid", "the host's processes", nameof(AllowHostPid), AllowHostPid, null),
        ];
        foreach (var door in doors.Where(door => door.IsWanted))
        {
            if (!door.Operator)
            {
                return (door.Field, $"{who} asks for {door.What} (security.{door.Field}), which the operator does not allow (LogLine:Policy:{door.Setting}).");
            }
            if (door.Tenant == false)
            {
                return (door.Field, $"{who} asks for {door.What} (security.{door.Field}), which the tenant's policy does not allow (tenant.policy.set).");
            }
        }
        return null;
    }

    private (string Rule, string Detail)? Capability(PolicyInput input, string who)
    {
        foreach (var capability in input.CapAdd)
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

    private static (string Rule, string Detail)? Bind(PolicyInput input, Func<string, string?> problemOf) =>
        input.BindSources.Select(problemOf).FirstOrDefault(problem => problem is not null) is { } problem ? ("bind", problem) : null;

    private (string Rule, string Detail)? Image(PolicyInput input, TenantPolicy tenant) =>
        (Images.Count > 0 || tenant.Images is not null) && input.Image is { } image ? Unlisted(image, tenant) : null;

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
