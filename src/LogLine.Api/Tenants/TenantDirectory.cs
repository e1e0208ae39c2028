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
    private readonly ILedgerStore _store;
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

    /// <summary>Grows with every commit that changes a token or a key, of this gateway or another one on the same store: what was asked before holds while it stays the same.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <summary>
    /// The principal of a token, or null when it is unknown, expired or revoked. Another gateway on the same store may have revoked it a moment ago: <paramref name="fresh"/>
    /// asks the store then, and not the copy.
    /// </summary>
    public async ValueTask<TenantPrincipal?> AuthenticateAsync(string token, bool fresh = false)
    {
        if (token.Length is 0 or > 256)
        {
            return null;
        }
        // Looked up by its hash: what an attacker can time is the hash of a guess, not the token.
        return await AuthenticateAsync(Blake3.Hash(Encoding.UTF8.GetBytes(token)), fresh);
    }

    /// <summary>The principal of the token with that hash, or null when it is unknown, expired or revoked.</summary>
    /// <param name="hash">BLAKE3 of the token.</param>
    /// <param name="fresh">Asks a store that others write too, instead of what is remembered.</param>
    public async ValueTask<TenantPrincipal?> AuthenticateAsync(byte[] hash, bool fresh = false)
    {
        var row = fresh && _store.IsShared ? await _store.FindTokenAsync(hash) : await CachedAsync(_tokens, Convert.ToHexStringLower(hash), (Store: _store, Hash: hash), static of => of.Store.FindTokenAsync(of.Hash));
        var now = _time.GetUtcNow();
        return row is null || !CryptographicOperations.FixedTimeEquals(row.Hash, hash) || row.RevokedAt <= now || row.ExpiresAt <= now ? null : TenantPrincipal.Of(row);
    }

    /// <summary>A tenant's key, or null.</summary>
    public ValueTask<KeyRow?> FindKeyAsync(string tenant, string kid) =>
        CachedAsync(_keys, (tenant, kid), (Store: _store, Tenant: tenant, Kid: kid), static of => of.Store.FindKeyAsync(of.Tenant, of.Kid));

    /// <summary>All keys of a tenant.</summary>
    public ValueTask<List<KeyRow>> KeysAsync(string tenant) => _store.KeysAsync(tenant);

    private ValueTask<TRow?> CachedAsync<TKey, TRow, TOf>(ConcurrentDictionary<TKey, TRow> cache, TKey key, TOf of, Func<TOf, ValueTask<TRow?>> read) where TKey : notnull where TRow : class =>
        cache.TryGetValue(key, out var row) ? new(row) : ReadAsync(cache, key, of, read);

    private async ValueTask<TRow?> ReadAsync<TKey, TRow, TOf>(ConcurrentDictionary<TKey, TRow> cache, TKey key, TOf of, Func<TOf, ValueTask<TRow?>> read) where TKey : notnull where TRow : class
    {
        var version = Volatile.Read(ref _version);
        var row = await read(of);
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
        foreach (var touched in batch.Touched)
        {
            switch (touched.Kind)
            {
                case TouchedKind.Key:
                    Forget(_keys, (touched.Tenant, touched.Id));
                    break;
                case TouchedKind.Token:
                    Interlocked.Increment(ref _version);
                    _tokens.Clear();
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
