using LogLine.Api.Errors;
using LogLine.Api.Ledger;

namespace LogLine.Api.Policy;

/// <summary>A bucket that holds up to <c>burst</c> and is filled at <c>rate_per_minute</c>. It counts elapsed time, so a wall clock that jumps changes nothing.</summary>
internal sealed class TokenBucket(QuotaRow quota, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly double _perSecond = quota.RatePerMinute / 60.0;
    private double _level = quota.Burst;
    private long _filledAt = time.GetTimestamp();
    private long _question;

    public QuotaRow Quota => quota;

    public bool TryTake(long now, TimeProvider clock)
    {
        lock (_lock)
        {
            Fill(now, clock);
            if (_level < 1)
            {
                return false;
            }
            _level--;
            return true;
        }
    }

    public void GiveBack()
    {
        lock (_lock)
        {
            _level = Math.Min(quota.Burst, _level + 1);
        }
    }

    /// <summary>It is so full now, as somebody else has counted in answer to the question of that number; nothing when a later one's answer was here sooner.</summary>
    public void Set(double level, long question, long now)
    {
        lock (_lock)
        {
            if (question > _question)
            {
                (_level, _filledAt, _question) = (level, now, question);
            }
        }
    }

    /// <summary>What is left, and in how many seconds there is one more (when empty) or all.</summary>
    public RateLimitState State(long now, TimeProvider clock)
    {
        lock (_lock)
        {
            Fill(now, clock);
            var wanted = _level < 1 ? 1 : quota.Burst;
            return new RateLimitState(quota.RatePerMinute, (int)_level, (int)Math.Ceiling((wanted - _level) / _perSecond));
        }
    }

    private void Fill(long now, TimeProvider clock)
    {
        _level = Math.Min(quota.Burst, _level + (clock.GetElapsedTime(_filledAt, now).TotalSeconds * _perSecond));
        _filledAt = now;
    }
}
