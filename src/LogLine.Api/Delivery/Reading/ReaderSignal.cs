using System.Threading.Tasks.Sources;

namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// What one reader waits for: an auto-reset event that is also set by the end of a time and by a cancellation. It is used again for every wait, since ten thousand readers that wait anew after every
/// event would otherwise leave as many timers, registrations and tasks behind. What is set while nobody waits holds for the next wait; only one waits at a time.
/// </summary>
internal sealed class ReaderSignal : IValueTaskSource, IDisposable
{
    private const int Idle = 0;
    private const int Awaited = 1;
    private const int IsSet = 2;

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly CancellationTokenRegistration _ending;
    private ManualResetValueTaskSourceCore<bool> _wait = new() { RunContinuationsAsynchronously = true };
    private int _state;
    private long _wakesAt = long.MaxValue;

    /// <summary>One that is set when <paramref name="ending"/> is cancelled.</summary>
    public ReaderSignal(TimeProvider time, CancellationToken ending)
    {
        _time = time;
        _timer = time.CreateTimer(static signal => ((ReaderSignal)signal!).TimeIsOver(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _ending = ending.UnsafeRegister(static signal => ((ReaderSignal)signal!).Set(), this);
    }

    /// <summary>Wakes who waits, or who will.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _state, IsSet) == Awaited)
        {
            _wait.SetResult(true);
        }
    }

    /// <summary>
    /// Completes when it is set, and after <paramref name="longest"/> at the latest. It may complete earlier for nothing: the timer of an earlier wait goes on, so that it is not set anew for every
    /// event.
    /// </summary>
    public ValueTask WaitAsync(TimeSpan longest)
    {
        var at = _time.GetTimestamp() + (long)(longest.TotalSeconds * _time.TimestampFrequency);
        if (at < Volatile.Read(ref _wakesAt))
        {
            Volatile.Write(ref _wakesAt, at);
            _timer.Change(longest, Timeout.InfiniteTimeSpan);
        }
        if (Interlocked.CompareExchange(ref _state, Awaited, Idle) == Idle)
        {
            return new ValueTask(this, _wait.Version);
        }
        Interlocked.Exchange(ref _state, Idle);
        return default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ending.Dispose();
        _timer.Dispose();
    }

    void IValueTaskSource.GetResult(short token)
    {
        _wait.GetResult(token);
        _wait.Reset();
        Interlocked.Exchange(ref _state, Idle); // before anything is read: what is set from here on holds for the next wait
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _wait.OnCompleted(continuation, state, token, flags);

    private void TimeIsOver()
    {
        Volatile.Write(ref _wakesAt, long.MaxValue);
        Set();
    }
}
