using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>What a log says of tenants, tokens, quotas and policies (contract, section 3).</summary>
internal sealed class TenantState
{
    private readonly ExpectedTable _tenants = new("tenants", 1, "tenant", "created");
    private readonly ExpectedTable _tokens = new("tokens", 1, "token_id", "tenant", "scopes", "env", "expires", "revoked");
    private readonly ExpectedTable _quotas = new("quotas", 2, "tenant", "pattern", "rate", "burst");
    private readonly ExpectedTable _policies = new("policies", 1, "tenant", "policy");
    private readonly List<(string Token, long At)> _revocations = [];
    private string? _first;
    private bool _firstToken;

    public IReadOnlyList<ExpectedTable> Tables => [_tenants, _tokens, _quotas, _policies];

    /// <summary>Changes what a span changes.</summary>
    public void Apply(AuditedEntry entry, AuditedSpan span)
    {
        var tenant = entry.Entry.Tenant;
        switch (span.Intent)
        {
            case "tenant.create":
                _tenants.TryAdd(span.Payload.Text("tenant"), entry.ReceivedAt);
                _tokens.TryAdd(span.Payload.Text("token_id"), span.Payload.Text("tenant"), "*", "dev", null, null);
                break;
            case "token.create":
                _tokens.TryAdd(
                    span.Payload.Text("token_id"), tenant, string.Join(' ', span.Payload.Texts("scopes")), span.Payload.Text("env") ?? ExpectedTable.Anything,
                    Timestamps.TryParse(span.Payload.Text("expires_at"), out var expires) ? expires.ToUnixTimeMilliseconds() : null, null);
                break;
            case "token.revoke" when span.Payload.Text("token_id") is { } id:
                if (_tokens.Find(id) is { } token)
                {
                    token[5] ??= entry.ReceivedAt;
                }
                else
                {
                    _revocations.Add((id, entry.ReceivedAt)); // of the first token, which no span made
                }
                break;
            case "quota.set" when span.Payload.Integer("rate_per_minute") is { } rate:
                _quotas.Put(tenant, span.Payload.Text("intent_pattern"), rate, span.Payload.Integer("burst") ?? Math.Max(1, rate / 6));
                break;
            case "tenant.policy.set":
                _policies.Put(tenant, System.Text.Encoding.UTF8.GetString(CanonicalJson.BytesOf(span.Payload)));
                break;
        }
    }

    /// <summary>
    /// A row of which the log knows nothing. The first tenant and its first token are made when there is no log yet; there is one of each.
    /// </summary>
    public string? Unexplained(StoredRow row)
    {
        switch (row.Table.Name)
        {
            case "tenants" when _first is null:
                _first = row["tenant"] as string;
                return null;
            case "tokens" when !_firstToken && row["tenant"] as string is { } tenant && (_first is null || tenant == _first):
                _firstToken = true;
                var revoked = _revocations.FirstOrDefault(item => item.Token == row["token_id"] as string);
                return Equals(row["revoked"], revoked.Token is null ? null : (object)revoked.At) ? null : "the log says otherwise of when it was revoked";
            default:
                return "no span of the log made it";
        }
    }
}
