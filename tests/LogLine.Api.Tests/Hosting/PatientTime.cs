namespace LogLine.Api.Tests.Hosting;

/// <summary>The machine's time, except that one wait of the gateway, known by its length, lasts minutes, or as long as is said: on a machine that stands still for a moment it would be over by chance.</summary>
internal sealed class PatientTime(TimeSpan wait, TimeSpan? length = null) : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime == wait ? length ?? TimeSpan.FromMinutes(2) : dueTime, period);
}
