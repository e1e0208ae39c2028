using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>
/// <c>ll.proof.v1</c> (contract, section 6): lets exactly what it names happen once, for at most 15 minutes.
/// </summary>
public sealed record ProofDraft
{
    /// <summary>Value of <c>type</c>.</summary>
    public const string Type = "ll.proof.v1";

    /// <summary>Longest life.</summary>
    public static readonly TimeSpan MaxLife = TimeSpan.FromMinutes(15);

    /// <summary>What is authorised: <c>deploy.allow</c>, <c>secret.access</c>, <c>capability.allow</c>.</summary>
    public required string Intent { get; init; }

    /// <summary>True for <c>allow</c>, false for <c>deny</c>, which cancels earlier matching allows.</summary>
    public bool Allow { get; init; } = true;

    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The subject of the span that it lets through.</summary>
    public required string Subject { get; init; }

    /// <summary>Binds to an environment.</summary>
    public string? Env { get; init; }

    /// <summary>Binds to a manifest.</summary>
    public string? Ref { get; init; }

    /// <summary>Binds to a plan.</summary>
    public string? PlanDigest { get; init; }

    /// <summary>Binds to a target: a JSON object.</summary>
    public CanonicalJson? Target { get; init; }

    /// <summary>Linux capabilities that it names, for <c>capability.allow</c>.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>When it is made.</summary>
    public required DateTimeOffset Ts { get; init; }

    /// <summary>From when on it is dead (exclusive).</summary>
    public required DateTimeOffset Exp { get; init; }

    /// <summary>16 to 128 characters that make it unique.</summary>
    public string Nonce { get; init; } = Guid.NewGuid().ToString("D");

    /// <summary>The proof, signed.</summary>
    public CanonicalJson Sign(string kid, SigningKey key) => SignedObject.Sign(CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("type", Type);
        json.WriteString("intent", Intent);
        json.WriteString("result", Allow ? "allow" : "deny");
        json.WriteString("tenant", Tenant);
        json.WriteString("subject", Subject);
        foreach (var (name, value) in new (string, string?)[] { ("env", Env), ("ref", Ref), ("plan_digest", PlanDigest) })
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
        if (Target is not null)
        {
            json.WritePropertyName("target");
            Target.Root.WriteTo(json);
        }
        if (Capabilities.Count > 0)
        {
            json.WriteStartArray("capabilities");
            foreach (var capability in Capabilities)
            {
                json.WriteStringValue(capability);
            }
            json.WriteEndArray();
        }
        json.WriteString("kid", kid);
        json.WriteString("alg", DomainSignature.Algorithm);
        json.WriteString("ts", Timestamps.Write(Ts));
        json.WriteString("exp", Timestamps.Write(Exp));
        json.WriteString("nonce", Nonce);
        json.WriteEndObject();
    }), SignatureKind.Proof, key);
}
