namespace LogLine.Api.Tests.Hosting;

/// <summary>However busy the machine is, each reading is so many milliseconds after the one before: with none, what was seen is never old.</summary>
internal sealed class SteppingClock(int stepMs) : TimeProvider
{
    private long _readings;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Increment(ref _readings) * stepMs;
}
