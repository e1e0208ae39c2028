using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>What a log says of keys, grants and manifests (contract, section 6).</summary>
internal sealed class WalletState
{
    // As a store numbers them.
    private const long Active = 0;
    private const long Retired = 1;
    private const long Revoked = 2;

    private readonly Dictionary<string, List<string>> _workers = [];
    private readonly ExpectedTable _keys = new("keys", 2, "tenant", "kid", "pub", "usage", "status", "until_idx");
    private readonly ExpectedTable _grants = new("grants", 2, "tenant", "grant_id", "body", "idx", "revoked_idx");
    private readonly ExpectedTable _manifests = new("manifests", 3, "tenant", "name", "hash", "idx");

    public IReadOnlyList<ExpectedTable> Tables => [_keys, _grants, _manifests];

    /// <summary>The public key of a kid that may sign at this point of the log, or null.</summary>
    public byte[]? ActiveKey(string tenant, string kid) => _keys.Find(tenant, kid) is { } key && key[4] is Active ? (byte[])key[2]! : null;

    /// <summary>The public key of a worker that may report at this point of the log, or null. A worker of the first tenant reports of other tenants' runs too.</summary>
    public byte[]? ActiveWorkerKey(string kid) => _workers.TryGetValue(kid, out var tenants) ? tenants.Select(tenant => ActiveKey(tenant, kid)).FirstOrDefault(key => key is not null) : null;

    /// <summary>Changes what a span of the gateway's own changes.</summary>
    public void ApplyOwn(AuditedEntry entry, AuditedSpan span)
    {
        if (span.Intent != "worker.registered")
        {
            return;
        }
        var (tenant, payload) = (entry.Entry.Tenant, span.Payload);
        if (DomainSignature.TryDecodePublicKey(payload.Text("event_key"), out var events) && payload.Text("kid") is { } kid && _keys.TryAdd(tenant, kid, events, "event", Active, null))
        {
            (_workers.TryGetValue(kid, out var tenants) ? tenants : _workers[kid] = []).Add(tenant);
        }
        if (DomainSignature.TryDecodePublicKey(payload.Text("runner_key"), out var runner))
        {
            _keys.TryAdd(tenant, payload.Text("runner_kid"), runner, "runner", Active, null);
        }
    }

    /// <summary>Changes what a span changes.</summary>
    public void Apply(AuditedEntry entry, AuditedSpan span)
    {
        var tenant = entry.Entry.Tenant;
        switch (span.Intent)
        {
            case "wallet.key.register" when DomainSignature.TryDecodePublicKey(span.Payload.Text("pub"), out var key):
                _keys.TryAdd(tenant, span.Payload.Text("kid"), key, string.Join(' ', span.Payload.Texts("usage")), Active, null);
                break;
            case "wallet.key.rotate" when DomainSignature.TryDecodePublicKey(span.Payload.Text("new_pub"), out var key):
                var old = _keys.Find(tenant, span.Payload.Text("old_kid"));
                _keys.TryAdd(tenant, span.Payload.Text("new_kid"), key, old?[3], Active, null);
                End(old, Retired, entry.Index);
                break;
            case "wallet.key.revoke":
                End(_keys.Find(tenant, span.Payload.Text("kid")), Revoked, entry.Index);
                break;
            case "wallet.grant.create":
                Grant(tenant, span.Payload.Member("grant"), entry.Index);
                break;
            case "wallet.grant.revoke" when _grants.Find(tenant, span.Payload.Text("grant_id")) is { } revoked:
                revoked[4] ??= entry.Index;
                break;
            case "minicontainer.apply" when span.Payload.Member("manifest") is { ValueKind: System.Text.Json.JsonValueKind.Object } manifest
                && Identifiers.TryParseSubject(span.Subject, out _, out _, out var name):
                _manifests.TryAdd(tenant, name, MiniContainerRef.Of(tenant, name, manifest).Hash, entry.Index);
                foreach (var grant in manifest.Items("grants"))
                {
                    Grant(tenant, grant, entry.Index); // known by id from then on
                }
                break;
        }
    }

    private void Grant(string tenant, System.Text.Json.JsonElement grant, long index) =>
        _grants.TryAdd(tenant, grant.Text("id"), System.Text.Encoding.UTF8.GetString(CanonicalJson.BytesOf(grant)), index, null);

    /// <summary>What the log cannot say of a row because it holds it twice: a manifest's bytes are those of its hash.</summary>
    public static string? Contradiction(StoredRow row) =>
        row.Table.Name == "manifests" && (row["manifest"] is not byte[] bytes || ContentHash.Of(bytes) != row["hash"] as string) ? "the manifest does not have its hash" : null;

    private static void End(object?[]? key, long status, long index)
    {
        if (key is not null && !Equals(key[4], status))
        {
            (key[4], key[5]) = (status, key[5] ?? index); // a retired key that is revoked signs no later than it did
        }
    }
}
