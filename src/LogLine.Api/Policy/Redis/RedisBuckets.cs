using System.Globalization;
using LogLine.Api.Ledger;
using StackExchange.Redis;

namespace LogLine.Api.Policy.Redis;

/// <summary>
/// The buckets of quotas, shared by all gateways on a ledger: one script fills, looks and takes from all that hold an intent, or from none, by Redis's own clock. A bucket that
/// nobody takes from is forgotten when it would be full.
/// </summary>
public sealed class RedisBuckets(RedisServer redis, SpanLedger ledger)
{
    private const string Take = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local levels, taken = {}, 1
        for i = 1, #KEYS do
          local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
          local kept = redis.call('HMGET', KEYS[i], 'level', 'at')
          local level, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
          levels[i] = math.min(burst, level + math.max(0, now - at) * rate / 60000)
          if levels[i] < 1 then taken = 0 end
        end
        local answer = { tostring(taken) }
        for i = 1, #KEYS do
          local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
          local level = tostring(levels[i] - taken)
          redis.call('HSET', KEYS[i], 'level', level, 'at', now)
          redis.call('PEXPIRE', KEYS[i], math.ceil(burst * 60000 / rate) + 1000)
          answer[i + 1] = level
        end
        return answer
        """;

    private readonly Lock _asking = new();
    private long _asked;

    /// <summary>Takes one from every bucket, or from none when one of them is empty. Null when Redis gave no answer: then each gateway counts for itself.</summary>
    /// <param name="tenant">Whose buckets.</param>
    /// <param name="quotas">Which.</param>
    /// <returns>Whether it was there, how full each bucket is now, and which of this gateway's questions it answers: a later question's answer is the newer one, whichever is read first.</returns>
    public async ValueTask<(bool Taken, IReadOnlyList<double> Levels, long Question)?> TakeAsync(string tenant, IReadOnlyList<QuotaRow> quotas)
    {
        if (!redis.IsUsed)
        {
            return null;
        }
        var keys = quotas.Select(quota => (RedisKey)$"logline:{ledger.Origin}:bucket:{tenant}:{quota.Pattern}:{quota.RatePerMinute}:{quota.Burst}").ToArray();
        var values = quotas.SelectMany(quota => (RedisValue[])[quota.RatePerMinute, quota.Burst]).ToArray();
        long question = 0;
        var (answered, answer) = await redis.TryAsync(database =>
        {
            lock (_asking) // one connection, which keeps the order: numbered as Redis counts
            {
                question = ++_asked;
                // With its text each time: Redis may have been restarted, and know no script.
                return database.ScriptEvaluateAsync(Take, keys, values, CommandFlags.NoScriptCache);
            }
        });
        if (!answered)
        {
            return null;
        }
        var parts = (string[])answer!;
        return (parts[0] == "1", [.. parts.Skip(1).Select(level => double.Parse(level, CultureInfo.InvariantCulture))], question);
    }
}
