using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Quantities;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Secrets;

/// <summary>Why a grant does not let its secret out.</summary>
/// <param name="Reason">For machines: <c>grant_expired</c>, <c>grant_revoked</c> ….</param>
/// <param name="Message">For people; it never holds a part of the secret.</param>
public sealed record GrantRefusal(string Reason, string Message);

/// <summary>The terms of one grant, judged by a worker right before it opens the secret (contract, section 6): every rule is here, in the order in which it is asked.</summary>
internal static class GrantTerms
{
    /// <summary>What a grant's scope must hold for its secret to reach a container.</summary>
    public const string Scope = "runtime:read";

    /// <summary>What is against it, or null.</summary>
    public static GrantRefusal? Refusal(JsonElement grant, SignedManifest manifest, string tenant, GrantEvidence evidence, string provider, string runnerKid, DateTimeOffset now)
    {
        var id = grant.Text("id");
        if (manifest.OwnerTenant != tenant || (grant.Text("tenant") is { } named && named != tenant))
        {
            return new GrantRefusal("grant_tenant", $"The grant '{id}' is of another tenant than the run.");
        }
        var kid = KidOf(grant, manifest);
        if (kid is null || !evidence.Keys.TryGetValue(kid, out var key))
        {
            return new GrantRefusal("grant_kid", $"The grant '{id}' is signed by '{kid}', which is no key that the ledger trusted when it took the manifest in.");
        }
        if (!SignedObject.Verify(grant, grant, SignatureKind.Grant, key.PublicKey, "ed25519:"u8))
        {
            return new GrantRefusal("grant_signature", $"The signature of the grant '{id}' does not verify.");
        }
        if (!grant.Texts("scope").Contains(Scope))
        {
            return new GrantRefusal("grant_scope", $"The grant '{id}' has the scope {string.Join(", ", grant.Texts("scope"))}; a container needs {Scope}.");
        }
        if (grant.Text("aud") is not { } audience || (audience != provider && audience != runnerKid))
        {
            return new GrantRefusal("grant_audience", $"The grant '{id}' is for '{grant.Text("aud")}', not for {provider} nor for this runner ({runnerKid}).");
        }
        return Life(grant, manifest, id!, now) ?? (evidence.Revoked.Contains(id!)
            ? new GrantRefusal("grant_revoked", $"The grant '{id}' was revoked.")
            : null);
    }

    /// <summary>The key that signed a grant: its own kid, else the provenance's.</summary>
    public static string? KidOf(JsonElement grant, SignedManifest manifest) => grant.Text("kid") ?? manifest.Kid;

    /// <summary>Alive while <c>iat ≤ now &lt; iat + ttl</c>; a missing <c>iat</c> is the manifest's <c>ts</c>.</summary>
    private static GrantRefusal? Life(JsonElement grant, SignedManifest manifest, string id, DateTimeOffset now)
    {
        if (!Timestamps.TryParse(grant.Text("iat") ?? manifest.Root.Text("ts"), out var from) || !TimeLength.TryParse(grant.Text("ttl") ?? "", out var life, out var problem))
        {
            return new GrantRefusal("grant_life", $"The life of the grant '{id}' cannot be read: ttl is a length of time in days, hours, minutes and seconds, such as P30D.");
        }
        if (now < from)
        {
            return new GrantRefusal("grant_not_yet", $"The grant '{id}' begins at {Timestamps.Write(from)}.");
        }
        return now < from + life ? null : new GrantRefusal("grant_expired", $"The grant '{id}' ended at {Timestamps.Write(from + life)}.");
    }
}
