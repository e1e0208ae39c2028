using LogLine.Api.Gate;
using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Fuzz.Hosting;

/// <summary>
/// A target that has every primitive and is never used: no worker runs beside the gateway. The gate waits a moment for what is still under way on one that is up.
/// </summary>
internal sealed class MemoryTarget(string provider, Catalogue catalogue, bool isUp) : IRunAdapter, IContainerPrimitives
{
    public string Provider => provider;

    public IReadOnlyDictionary<string, Primitive> Primitives { get; } =
        catalogue.All.Where(intent => intent.Family is not null && intent.Effect is not null).DistinctBy(intent => intent.Effect).ToDictionary(intent => intent.Effect!, _ => (Primitive)((_, _) => throw Unused()));

    public ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel) => new(isUp ? new AdapterStatus(true, "memory", "1", null) : new AdapterStatus(false, null, null, "it is not started"));

    public Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) => Task.FromResult<Workload?>(null);

    public Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) => Task.FromResult<Workload?>(null);

    public Task FetchAsync(WorkloadSpec spec, CancellationToken wanted) => throw Unused();

    public Task<Workload?> CreateAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel) => throw Unused();

    public Task<Workload> StartAsync(string workloadId, CancellationToken cancel) => throw Unused();

    public Task<Workload> StartAgainAsync(string workloadId, CancellationToken cancel) => throw Unused();

    public Task PauseAsync(string workloadId, CancellationToken cancel) => throw Unused();

    public Task AdoptNameAsync(string workloadId, CancellationToken cancel) => throw Unused();

    public Task<ProbeOutcome> ProbeAsync(string workloadId, HealthCheck check, CancellationToken cancel) => throw Unused();

    public Task<WorkloadEnd> WaitAsync(string workloadId, CancellationToken cancel, Func<Workload, Task>? again = null) => throw Unused();

    public Task StopAsync(string workloadId, TimeSpan grace, CancellationToken cancel) => throw Unused();

    public Task RemoveAsync(string workloadId, bool force, CancellationToken cancel) => throw Unused();

    public Task<LogTail> LogTailAsync(string workloadId, int maxLines, int maxBytes, CancellationToken cancel) => throw Unused();

    public Task<LogTail> ReadLogAsync(string workloadId, int maxLines, int maxBytes, string? grep, CancellationToken cancel) => throw Unused();

    public Task FollowLogAsync(string workloadId, int tail, LogRing ring, CancellationToken cancel) => throw Unused();

    private static AdapterException Unused() => new(AdapterFailure.NotFound, "Nothing runs here.");
}
