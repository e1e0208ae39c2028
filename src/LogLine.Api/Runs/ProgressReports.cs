using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>
/// How far a run is, said at most once in <see cref="Least"/> and at most <see cref="Most"/> times: a ledger that forgets nothing is no place for every
/// percent.
/// </summary>
internal sealed class ProgressReports(RunRow run, IRunGateway gateway, TimeProvider time, ILogger logger, CancellationToken stopping)
{
    private const int Most = 100;
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(2);

    private int _said;
    private long _at;
    private Task _saying = Task.CompletedTask;

    /// <summary>Says it beside the work, which waits for nobody: what comes while the last word is on its way is left out.</summary>
    public Task SayAsync(RunProgress progress)
    {
        if (_saying.IsCompleted && _said < Most && (_said == 0 || time.GetElapsedTime(_at) >= Least))
        {
            (_said, _at) = (_said + 1, time.GetTimestamp());
            _saying = RecordAsync(progress);
        }
        return Task.CompletedTask;
    }

    /// <summary>Completes when the last word was said, or is lost.</summary>
    public Task SaidAsync() => _saying;

    private async Task RecordAsync(RunProgress progress)
    {
        try
        {
            await gateway.RecordAsync(run, "run.progress", json =>
            {
                json.WriteString("run_id", run.RunId);
                json.WriteNumber("done", progress.Done);
                if (progress.Total is { } total)
                {
                    json.WriteNumber("total", total);
                }
                json.WriteString("unit", progress.Unit);
            }, stopping);
        }
        catch (Exception lost) when (lost is OperationCanceledException || lost.IsAway())
        {
            // The worker stops, or the store is away: the next one says more.
        }
        catch (Exception defect)
        {
            // Whatever the matter is, it is not worth the work that it tells of.
            logger.LogError(defect, "{Run} goes on, though how far it is could not be said", run.RunId);
        }
    }
}
