namespace LogLine.Api.Tests.Hosting;

/// <summary>The machine's time, except that what elapses by the monotonic clock counts so many times less: patience that is measured so lasts on a busy machine. Timers and the wall clock stay the machine's own.</summary>
internal sealed class SlowElapsedTime(int times) : TimeProvider
{
    public override long TimestampFrequency => base.TimestampFrequency * times;
}
