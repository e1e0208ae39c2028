using System.Collections.Concurrent;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Policy.Redis;
using LogLine.Api.Tenants;

namespace LogLine.Api.Policy;

/// <summary>
/// What tenants have set for themselves: quotas and a policy, read through from the ledger's tables and forgotten the moment a commit changes
/// them. The buckets of the quotas are in Redis when there is one, and the same for all gateways; else, and while it does not answer, in memory: then each gateway counts for itself.
/// </summary>
public sealed class TenantRules
{
    private const int MaxTenants = 10_000;
    private readonly ILedgerStore _store;
    private readonly TimeProvider _time;
    private readonly RedisBuckets? _shared;
    private readonly ConcurrentDictionary<string, RuleSet> _rules = new();
    private int _version;

    /// <summary>Reads <paramref name="ledger"/>, and listens to it.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="time">The clock of the buckets in memory.</param>
    /// <param name="shared">The buckets that all gateways share; null when this one counts for itself.</param>
    public TenantRules(SpanLedger ledger, TimeProvider time, RedisBuckets? shared = null)
    {
        (_store, _time, _shared) = (ledger.Store, time, shared);
        ledger.Committed += batch =>
        {
            foreach (var tenant in batch.Touched.Where(touched => touched.Kind == TouchedKind.Tenant).Select(touched => touched.Tenant))
            {
                Interlocked.Increment(ref _version);
                _rules.TryRemove(tenant, out _);
            }
        };
    }

    /// <summary>The tenant's policy; one that sets nothing when it set none.</summary>
    public async ValueTask<TenantPolicy> PolicyOfAsync(string tenant) => (await OfAsync(tenant)).Policy;

    /// <summary>
    /// Takes one from every bucket whose pattern holds the intent, or from none when one of them is empty.
    /// </summary>
    /// <returns>Whether it was there, and the bucket that is nearest to empty; null when no quota holds the intent.</returns>
    public async ValueTask<(bool Taken, RateLimitState State)?> TakeTokenAsync(string tenant, string intent)
    {
        var rules = await OfAsync(tenant);
        return rules.Buckets.Count == 0 ? null : await TakeAsync(rules, tenant, intent);
    }

    private async ValueTask<(bool Taken, RateLimitState State)?> TakeAsync(RuleSet rules, string tenant, string intent)
    {
        var buckets = rules.Buckets.Where(bucket => IntentPattern.Covers(bucket.Quota.Pattern, intent)).ToList();
        if (buckets.Count == 0)
        {
            return null;
        }
        if (_shared is not null && await _shared.TakeAsync(tenant, [.. buckets.Select(bucket => bucket.Quota)]) is var (isThere, levels, question))
        {
            return (isThere, Adopt(buckets, levels, question));
        }
        var now = _time.GetTimestamp();
        var taken = 0;
        while (taken < buckets.Count && buckets[taken].TryTake(now, _time))
        {
            taken++;
        }
        if (taken < buckets.Count)
        {
            buckets.Take(taken).ToList().ForEach(bucket => bucket.GiveBack());
            return (false, buckets[taken].State(now, _time));
        }
        return (true, buckets.Select(bucket => bucket.State(now, _time)).MinBy(state => state.Remaining)!);
    }

    /// <summary>Sets the buckets in memory to what all gateways have left, so that this one goes on from there should Redis go; the one that is nearest to empty.</summary>
    private RateLimitState Adopt(List<TokenBucket> buckets, IReadOnlyList<double> levels, long question)
    {
        var now = _time.GetTimestamp();
        for (var i = 0; i < buckets.Count; i++)
        {
            buckets[i].Set(levels[i], question, now);
        }
        return buckets.Select(bucket => bucket.State(now, _time)).MinBy(state => state.Remaining)!;
    }

    private ValueTask<RuleSet> OfAsync(string tenant) => _rules.TryGetValue(tenant, out var known) ? new(known) : ReadAsync(tenant);

    private async ValueTask<RuleSet> ReadAsync(string tenant)
    {
        var version = Volatile.Read(ref _version);
        var rules = new RuleSet(TenantPolicy.Parse(await _store.FindPolicyAsync(tenant)), [.. (await _store.QuotasAsync(tenant)).Select(quota => new TokenBucket(quota, _time))]);
        if (_rules.Count >= MaxTenants)
        {
            _rules.Clear();
        }
        _rules[tenant] = rules;
        if (version != Volatile.Read(ref _version))
        {
            _rules.TryRemove(tenant, out _); // changed while it was read: read again next time
        }
        return rules;
    }

    private sealed record RuleSet(TenantPolicy Policy, IReadOnlyList<TokenBucket> Buckets);
}
