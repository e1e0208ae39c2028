using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Benchmarks.Gate;

/// <summary>A target that is there and is never used: the benchmark of the gate commits nothing.</summary>
internal sealed class IdleTarget : IRunAdapter
{
    public string Provider => "idle";

    public ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel) => new(new AdapterStatus(true, "memory", "1", null));

    public Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) => Task.FromResult<Workload?>(null);

    public Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) => Task.FromResult<Workload?>(null);

    public Task FetchAsync(WorkloadSpec spec, CancellationToken wanted) => throw new NotSupportedException();

    public Task<Workload?> CreateAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel) => throw new NotSupportedException();

    public Task<Workload> StartAsync(string workloadId, CancellationToken cancel) => throw new NotSupportedException();

    public Task<Workload> StartAgainAsync(string workloadId, CancellationToken cancel) => throw new NotSupportedException();

    public Task PauseAsync(string workloadId, CancellationToken cancel) => throw new NotSupportedException();

    public Task AdoptNameAsync(string workloadId, CancellationToken cancel) => throw new NotSupportedException();

    public Task<ProbeOutcome> ProbeAsync(string workloadId, HealthCheck check, CancellationToken cancel) => throw new NotSupportedException();

    public Task<WorkloadEnd> WaitAsync(string workloadId, CancellationToken cancel, Func<Workload, Task>? again = null) => throw new NotSupportedException();

    public Task StopAsync(string workloadId, TimeSpan grace, CancellationToken cancel) => throw new NotSupportedException();

    public Task RemoveAsync(string workloadId, bool force, CancellationToken cancel) => throw new NotSupportedException();

    public Task<LogTail> LogTailAsync(string workloadId, int maxLines, int maxBytes, CancellationToken cancel) => throw new NotSupportedException();
}
