using LogLine.Api.Ledger;
using LogLine.Api.Runs;

namespace LogLine.Api.Submissions;

/// <summary><c>Prefer: wait=N</c>: waits until a deploy is running or has ended, a primitive has ended, or the time is over.</summary>
internal static class RunWaiter
{
    /// <summary>The run as it stands then; null when there is no such run.</summary>
    public static async Task<RunRow?> WaitAsync(RunDesk desk, string runId, DateTimeOffset deadline, TimeProvider time, CancellationToken cancel)
    {
        using var signal = desk.Watch(runId);
        while (true)
        {
            var moved = signal.Next;
            var run = await desk.FindAsync(runId);
            var left = deadline - time.GetUtcNow();
            if (run is null || run.HasEnded || (run.State == RunState.Running && DeployOrder.IsDeploy(run)) || left <= TimeSpan.Zero)
            {
                return run;
            }
            try
            {
                await moved.WaitAsync(left, time, cancel);
            }
            catch (TimeoutException)
            {
                return await desk.FindAsync(runId);
            }
        }
    }
}
