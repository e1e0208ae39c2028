using LogLine.Api.Ledger;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>One container primitive, carried out once: pending → running → exited, or failed with the engine's own words.</summary>
internal sealed class PrimitiveJob(RunRow run, RunDesk desk, RunTargets targets, TimeProvider time)
{
    private const int DefaultGraceSeconds = 10;
    private readonly IRunAdapter _adapter = targets.Find(run.Provider)!;

    public async Task RunAsync(CancellationToken stopping)
    {
        if (run.State == RunState.Planned)
        {
            await desk.ReportAsync(run.RunId, RunState.Pending, row => row, json => json.WriteString("worker", "local"), stopping);
        }
        try
        {
            var workload = await _adapter.FindByNameAsync(run.Tenant, run.Service, stopping)
                ?? throw new AdapterException(AdapterFailure.NotFound, $"There is no container '{run.Service}' any more.");
            await desk.ReportAsync(run.RunId, RunState.Running, row => row with { StartedAt = time.GetUtcNow() }, json => json.WriteString("container_id", workload.Id), stopping);
            await ActAsync(workload, stopping);
            await desk.ReportAsync(run.RunId, RunState.Exited, row => row with { EndedAt = time.GetUtcNow(), ExitCode = 0 }, _ => { }, stopping);
        }
        catch (AdapterException failure)
        {
            var state = desk.Find(run.RunId)?.State == RunState.Running ? RunState.Exited : RunState.Failed;
            await desk.ReportAsync(run.RunId, state, row => row with { EndedAt = time.GetUtcNow(), ExitCode = 1, Reason = "refused_by_engine", Error = failure.Message }, _ => { }, stopping);
        }
    }

    private async Task ActAsync(Workload workload, CancellationToken stopping)
    {
        var arguments = RunDetail.Arguments(run.Detail);
        switch (run.Intent)
        {
            case "container.stop":
                await _adapter.StopAsync(workload.Id, TimeSpan.FromSeconds(arguments.Integer("timeout_s") ?? DefaultGraceSeconds), stopping);
                break;
            case "container.remove":
                await _adapter.RemoveAsync(workload.Id, arguments.Flag("force") ?? false, stopping);
                break;
            default:
                throw new AdapterException(AdapterFailure.Refused, $"This worker does not know '{run.Intent}'.");
        }
    }
}
