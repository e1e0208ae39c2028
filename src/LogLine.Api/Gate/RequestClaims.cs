using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>What kind of name is claimed.</summary>
public enum ClaimKind
{
    /// <summary>An idempotency key.</summary>
    Key,
    /// <summary>A nonce.</summary>
    Nonce,
    /// <summary>The name of a span.</summary>
    This,
    /// <summary>A subject whose state may change.</summary>
    Subject,
}

/// <summary>One name that one request at a time may decide about.</summary>
public readonly record struct Claim(ClaimKind Kind, string Tenant, string Name) : IComparable<Claim>
{
    /// <summary>The order in which claims are taken.</summary>
    public int CompareTo(Claim other) =>
        Kind != other.Kind ? Kind - other.Kind
        : string.CompareOrdinal(Tenant, other.Tenant) is var order and not 0 ? order
        : string.CompareOrdinal(Name, other.Name);
}

/// <summary>What a request claims while it is judged and committed: everything that a second request must not decide about at the same time.</summary>
internal static class RequestClaims
{
    private const int MostItems = 100; // more are refused

    public static List<Claim> Of(Submission submission, IReadOnlyList<SpanDocument> items)
    {
        var tenant = submission.Tenant;
        var claims = new List<Claim>(4);
        if (submission.IdempotencyKey is { } key)
        {
            claims.Add(new(ClaimKind.Key, tenant, key));
        }
        if (submission.Nonce is { } nonce)
        {
            claims.Add(new(ClaimKind.Nonce, tenant, nonce));
        }
        for (var i = 0; i < Math.Min(items.Count, MostItems); i++)
        {
            Add(claims, tenant, items[i]);
        }
        return claims;
    }

    /// <summary>True for records that change no state: nothing is held up or moved while they are judged.</summary>
    public static bool ArePlain(List<Claim> claims) => claims.TrueForAll(claim => claim.Kind != ClaimKind.Subject);

    private static void Add(List<Claim> claims, string tenant, SpanDocument item)
    {
        if (item.This is { } name)
        {
            claims.Add(new(ClaimKind.This, tenant, name));
        }
        // Plain records never conflict, nor do bytes under their own hash; whatever changes state does so for its subject.
        if (item.Intent is { } intent && !intent.StartsWith("registry.", StringComparison.Ordinal) && intent != "artifact.put" && item.Subject is { } subject)
        {
            claims.Add(new(ClaimKind.Subject, tenant, subject));
        }
        // A service has one container, whatever subject is deployed to it.
        if (item.Payload.Member("target").Text("service") is { } service)
        {
            claims.Add(new(ClaimKind.Subject, tenant, Identifiers.ContainerSubject(tenant, service)));
        }
        foreach (var end in NetworkChanges.ContainersOf(item.Intent, item.Payload))
        {
            claims.Add(new(ClaimKind.Subject, tenant, Identifiers.ContainerSubject(tenant, end)));
        }
        if (item.Payload.Member("proof").Text("subject") is { } proven)
        {
            claims.Add(new(ClaimKind.Subject, tenant, proven));
        }
    }
}
