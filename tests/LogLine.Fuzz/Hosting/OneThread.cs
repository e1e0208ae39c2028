using System.Collections.Concurrent;

namespace LogLine.Fuzz.Hosting;

/// <summary>
/// Runs a request on the calling thread, with everything that it continues with after a wait, so that the processor time of the thread is the request's own.
/// </summary>
internal sealed class OneThread : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _work = [];

    public override void Post(SendOrPostCallback d, object? state) => _work.Add((d, state));

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    /// <summary>Runs until it is done.</summary>
    /// <param name="work">What is run.</param>
    /// <param name="idle">How long it may wait for others before it is told to end; from then on a minute, since whom it waits for may have no processor.</param>
    /// <param name="end">Tells it to end.</param>
    /// <returns>False when it does not end.</returns>
    public bool Run(Func<Task> work, TimeSpan idle, Action end)
    {
        var outer = Current;
        SetSynchronizationContext(this);
        try
        {
            var task = work();
            if (!task.IsCompleted)
            {
                _ = task.ContinueWith(_ => Post(static _ => { }, null), TaskScheduler.Default);
            }
            for (var isTold = false; !task.IsCompleted;)
            {
                if (_work.TryTake(out var next, isTold ? TimeSpan.FromMinutes(1) : idle))
                {
                    next.Callback(next.State);
                }
                else if (isTold)
                {
                    return false;
                }
                else
                {
                    isTold = true;
                    end();
                }
            }
            task.GetAwaiter().GetResult();
            return true;
        }
        finally
        {
            SetSynchronizationContext(outer);
        }
    }
}
