using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Tenants;

/// <summary>
/// Tokens and keys of all tenants, read through from the ledger's tables. What a commit changes is forgotten here in the same
/// moment, so a revocation holds at once.
/// </summary>
public sealed class TenantDirectory
{
    private const int MaxCached = 10_000;
    private readonly SqliteLedgerStore _store;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, TokenRow> _tokens = new();
    private readonly ConcurrentDictionary<(string Tenant, string Kid), KeyRow> _keys = new();
    private int _version;

    /// <summary>Reads <paramref name="ledger"/>, and listens to it.</summary>
    public TenantDirectory(SpanLedger ledger, TimeProvider time)
    {
        (_store, _time) = (ledger.Store, time);
        ledger.Committed += Forget;
    }

    /// <summary>The principal of a token, or null when it is unknown, expired or revoked.</summary>
    public TenantPrincipal? Authenticate(string token)
    {
        if (token.Length is 0 or > 256)
        {
            return null;
        }
        // Looked up by its hash: what an attacker can time is the hash of a guess, not the token.
        var hash = Blake3.Hash(Encoding.UTF8.GetBytes(token));
        var row = Cached(_tokens, Convert.ToHexStringLower(hash), () => _store.FindToken(hash));
        var now = _time.GetUtcNow();
        return row is null || !CryptographicOperations.FixedTimeEquals(row.Hash, hash) || row.RevokedAt <= now || row.ExpiresAt <= now ? null : TenantPrincipal.Of(row);
    }

    /// <summary>A tenant's key, or null.</summary>
    public KeyRow? FindKey(string tenant, string kid) => Cached(_keys, (tenant, kid), () => _store.FindKey(tenant, kid));

    /// <summary>All keys of a tenant.</summary>
    public IReadOnlyList<KeyRow> Keys(string tenant) => _store.Keys(tenant);

    private TRow? Cached<TKey, TRow>(ConcurrentDictionary<TKey, TRow> cache, TKey key, Func<TRow?> read) where TKey : notnull where TRow : class
    {
        if (cache.TryGetValue(key, out var row))
        {
            return row;
        }
        var version = Volatile.Read(ref _version);
        row = read();
        if (row is not null && version == Volatile.Read(ref _version))
        {
            if (cache.Count >= MaxCached)
            {
                cache.Clear();
            }
            cache[key] = row;
            if (version != Volatile.Read(ref _version))
            {
                cache.TryRemove(key, out _);
            }
        }
        return row;
    }

    private void Forget(CommittedBatch batch)
    {
        foreach (var effect in batch.Effects)
        {
            switch (effect)
            {
                case LedgerEffect.KeyRegistered registered:
                    Forget(_keys, (registered.Key.Tenant, registered.Key.Kid));
                    break;
                case LedgerEffect.KeyRetired retired:
                    Forget(_keys, (retired.Tenant, retired.Kid));
                    break;
                case LedgerEffect.TokenRevoked:
                    Interlocked.Increment(ref _version);
                    _tokens.Clear();
                    break;
                case LedgerEffect.KeyRevoked revoked:
                    Forget(_keys, (revoked.Tenant, revoked.Kid));
                    break;
            }
        }
    }

    private void Forget<TKey, TRow>(ConcurrentDictionary<TKey, TRow> cache, TKey key) where TKey : notnull
    {
        Interlocked.Increment(ref _version);
        cache.TryRemove(key, out _);
    }
}
