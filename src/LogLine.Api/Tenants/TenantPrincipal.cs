using LogLine.Api.Ledger;

namespace LogLine.Api.Tenants;

/// <summary>Who a request comes from: the token, its tenant and what it may do (contract, section 3).</summary>
/// <param name="TokenId">Goes into the ledger entry as <c>principal</c>.</param>
/// <param name="Tenant">The token's tenant.</param>
/// <param name="Env">The token's environment.</param>
/// <param name="Scopes">Intent patterns and named rights.</param>
public sealed record TenantPrincipal(string TokenId, string Tenant, string Env, IReadOnlyList<string> Scopes)
{
    // What reaches over all tenants. Their own administrators hold '*', and must not become the gateway's by it.
    private static readonly string[] OperatorRights = ["admin:tenants", "ledger:audit", "metrics"];

    /// <summary>True when a scope is the intent, a pattern that it matches (<c>deploy.*</c>), or <c>*</c>.</summary>
    public bool MaySend(string intent)
    {
        foreach (var scope in Scopes)
        {
            if (IntentPattern.Covers(scope, intent))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>True when a scope is that right, or <c>*</c>. Rights over the gateway as a whole (<c>admin:tenants</c>, <c>ledger:audit</c>, <c>metrics</c>) are the first tenant's alone.</summary>
    public bool Has(string right) => MayHold(right) && Scopes.Any(scope => scope == "*" || scope == right);

    /// <summary>True when everything that <paramref name="scope"/> allows is allowed to this principal: tokens are only ever narrowed.</summary>
    public bool Holds(string scope) => MayHold(scope) && Scopes.Any(own => IntentPattern.Contains(own, scope));

    private bool MayHold(string scope) => Tenant == Bootstrap.Tenant || !OperatorRights.Contains(scope);

    /// <summary>The principal of a stored token.</summary>
    public static TenantPrincipal Of(TokenRow token) => new(token.TokenId, token.Tenant, token.Env, token.Scopes) { ExpiresAt = token.ExpiresAt };

    /// <summary>When the token expires, or null.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
