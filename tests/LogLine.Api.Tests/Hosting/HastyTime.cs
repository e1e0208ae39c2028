namespace LogLine.Api.Tests.Hosting;

/// <summary>The machine's time, except that one wait of the gateway, known by its length, is over at once and counts as if it had lasted.</summary>
internal sealed class HastyTime(TimeSpan wait) : TimeProvider
{
    private long _skipped;

    public override long GetTimestamp() => base.GetTimestamp() + Volatile.Read(ref _skipped);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != wait)
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }
        Interlocked.Add(ref _skipped, (long)(wait.TotalSeconds * TimestampFrequency));
        return base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
