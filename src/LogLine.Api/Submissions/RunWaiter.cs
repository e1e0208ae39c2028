using LogLine.Api.Ledger;
using LogLine.Api.Runs;

namespace LogLine.Api.Submissions;

/// <summary><c>Prefer: wait=N</c>: waits until a deploy is running or has ended, a primitive has ended, or the time is over.</summary>
internal sealed class RunWaiter(RunDesk desk, TimeProvider time)
{
    /// <summary>The Ack with the run as it stands then; null when there is no such run. <c>IsKept</c> when the commit that ended the wait has kept it for replays already.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="index">Where its span stands.</param>
    /// <param name="answer">The Ack without it.</param>
    /// <param name="compose">Puts the run into the Ack.</param>
    /// <param name="deadline">Until when it waits.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<(byte[] Answer, bool IsKept)?> WaitAsync(string runId, long index, byte[] answer, Func<byte[], RunRow, byte[]> compose, DateTimeOffset deadline, CancellationToken cancel)
    {
        var awaited = new AwaitedAnswer(index, run => compose(answer, run));
        desk.Await(runId, awaited);
        try
        {
            var run = await EndAsync(runId, awaited.Settled, deadline, cancel);
            if (!awaited.TryTake() && await awaited.Settled is { } kept)
            {
                return (kept, true);
            }
            return run is null ? null : (compose(answer, run), false);
        }
        finally
        {
            desk.Forget(runId);
        }
    }

    /// <summary>The run once there is no more to wait for; null when its Ack is kept already, and when there is no such run.</summary>
    private async Task<RunRow?> EndAsync(string runId, Task<byte[]?> kept, DateTimeOffset deadline, CancellationToken cancel)
    {
        using var signal = desk.Watch(runId);
        while (true)
        {
            var moved = signal.Next;
            if (kept is { IsCompletedSuccessfully: true, Result: not null })
            {
                return null;
            }
            var run = await desk.FindAsync(runId);
            var left = deadline - time.GetUtcNow();
            if (run is null || AwaitedAnswer.EndsWait(run) || left <= TimeSpan.Zero)
            {
                return run;
            }
            try
            {
                await (kept.IsCompleted ? moved : Task.WhenAny(moved, kept)).WaitAsync(left, time, cancel);
            }
            catch (TimeoutException)
            {
                return await desk.FindAsync(runId);
            }
        }
    }
}
