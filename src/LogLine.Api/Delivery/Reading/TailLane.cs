namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// Readers of a tail that are woken together. Many readers sit in several lanes, which are woken one after the other: what one lane writes is on its way before the next begins, so that thousands of
/// connections do not hold a buffer each in the same moment.
/// </summary>
internal sealed class TailLane
{
    /// <summary>How many sit in one.</summary>
    public const int Seats = 256;

    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many there are; guarded by <see cref="LiveTail"/>.</summary>
    public int Readers { get; set; }

    /// <summary>Completes when there is more of the tenant. Taken before reading, so that nothing falls in between.</summary>
    public Task More => Volatile.Read(ref _more).Task;

    /// <summary>Wakes who waits; whoever is woken for nothing reads nothing and waits again.</summary>
    public void Wake() => Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
