using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Policy;

/// <summary>What a tenant allows itself (<c>tenant.policy.set</c>). Null means that it says nothing, and the operator's word holds.</summary>
/// <param name="AllowedIntents">Patterns; only these intents.</param>
/// <param name="Images">Patterns; only these images.</param>
/// <param name="AllowUnsigned">Whether spans may be unsigned.</param>
/// <param name="AllowPrivileged">Whether containers may be privileged.</param>
/// <param name="AllowHostNetwork">Whether containers may use the host's network.</param>
public sealed record TenantPolicy(IReadOnlyList<string>? AllowedIntents, IReadOnlyList<ImagePattern>? Images, bool? AllowUnsigned, bool? AllowPrivileged, bool? AllowHostNetwork)
{
    /// <summary>A tenant that says nothing.</summary>
    public static readonly TenantPolicy Nothing = new(null, null, null, null, null);

    /// <summary>Reads the payload of the span that set it.</summary>
    public static TenantPolicy Parse(string? json) => json is null ? Nothing : Parse(CanonicalJson.Parse(json).Root);

    /// <inheritdoc cref="Parse(string?)"/>
    public static TenantPolicy Parse(JsonElement payload) => new(
        payload.Member("allowed_intents").ValueKind == JsonValueKind.Array ? payload.Texts("allowed_intents") : null,
        payload.Member("images").ValueKind == JsonValueKind.Array ? [.. payload.Texts("images").Select(ImagePattern.Parse)] : null,
        payload.Flag("allow_unsigned"), payload.Flag("allow_privileged"), payload.Flag("allow_host_network"));

    /// <summary>What cannot be set because the operator does not allow it: the field, or null.</summary>
    public string? LooserThan(OperatorPolicy policy) =>
        AllowPrivileged == true && !policy.AllowPrivileged ? "allow_privileged"
        : AllowUnsigned == true && !policy.AllowUnsigned ? "allow_unsigned"
        : AllowHostNetwork == true && !policy.AllowHostNetwork ? "allow_host_network"
        : null;
}
