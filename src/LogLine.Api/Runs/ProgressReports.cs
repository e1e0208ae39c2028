using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>
/// How far a run is, said at most once in <see cref="Least"/> and at most <see cref="Most"/> times: a ledger that forgets nothing is no place for every
/// percent.
/// </summary>
internal sealed class ProgressReports(RunRow run, IRunGateway gateway, TimeProvider time, CancellationToken stopping)
{
    private const int Most = 100;
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(2);

    private int _said;
    private long _at;

    public async Task SayAsync(RunProgress progress)
    {
        if (_said == Most || (_said > 0 && time.GetElapsedTime(_at) < Least))
        {
            return;
        }
        (_said, _at) = (_said + 1, time.GetTimestamp());
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
}
