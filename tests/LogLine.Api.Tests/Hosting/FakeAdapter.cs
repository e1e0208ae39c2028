using System.Collections.Concurrent;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Hosting;

/// <summary>
/// A target in memory, for races and faults only: what it does when is decided by the test. It outlives gateways, as an engine does.
/// </summary>
public sealed class FakeAdapter(string provider = "fake") : IRunAdapter
{
    private readonly ConcurrentDictionary<string, FakeWorkload> _workloads = new();

    public string Provider => provider;

    public bool IsDown { get; set; }

    /// <summary>How many containers were made, and started.</summary>
    public int Created;

    public int Started;

    /// <summary>Awaited before a container is made.</summary>
    public Func<WorkloadSpec, Task> BeforeCreate { get; set; } = _ => Task.CompletedTask;

    /// <summary>A container that ends with this code as soon as it is started.</summary>
    public int? ExitsAtOnce { get; set; }

    public ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel) => new(IsDown ? new AdapterStatus(false, null, null, "the fake is down") : new AdapterStatus(true, "memory", "1", null));

    public Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) => Task.FromResult(_workloads.Values.FirstOrDefault(workload => workload.Spec.RunId == runId)?.View());

    public Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) =>
        Task.FromResult(_workloads.Values.FirstOrDefault(workload => workload.Spec.Tenant == tenant && workload.Spec.Name == name)?.View());

    public async Task<Workload> CreateAsync(WorkloadSpec spec, CancellationToken cancel)
    {
        await BeforeCreate(spec);
        foreach (var old in _workloads.Values.Where(workload => workload.Spec.Name == spec.Name && workload.Spec.Tenant == spec.Tenant && workload.End.Task.IsCompleted))
        {
            _workloads.TryRemove(old.Id, out _);
        }
        Interlocked.Increment(ref Created);
        var workload = new FakeWorkload(Guid.NewGuid().ToString("N"), spec);
        _workloads[workload.Id] = workload;
        return workload.View();
    }

    public Task<Workload> StartAsync(string workloadId, CancellationToken cancel)
    {
        Interlocked.Increment(ref Started);
        var workload = _workloads[workloadId];
        workload.IsStarted = true;
        if (ExitsAtOnce is { } code)
        {
            workload.End.TrySetResult(new WorkloadEnd(code, false, DateTimeOffset.UtcNow));
        }
        return Task.FromResult(workload.View());
    }

    public Task<WorkloadEnd> WaitAsync(string workloadId, CancellationToken cancel) => _workloads.TryGetValue(workloadId, out var workload)
        ? workload.End.Task.WaitAsync(cancel)
        : throw new AdapterException(AdapterFailure.NotFound, "gone");

    public Task StopAsync(string workloadId, TimeSpan grace, CancellationToken cancel)
    {
        _workloads[workloadId].End.TrySetResult(new WorkloadEnd(143, false, DateTimeOffset.UtcNow));
        return Task.CompletedTask;
    }

    public Task RemoveAsync(string workloadId, bool force, CancellationToken cancel)
    {
        _workloads.TryRemove(workloadId, out _);
        return Task.CompletedTask;
    }

    public Task<LogTail> LogTailAsync(string workloadId, int maxLines, int maxBytes, CancellationToken cancel) => Task.FromResult(new LogTail(["last line"], 0));

    /// <summary>Ends the container of a run by itself.</summary>
    public void Exit(string runId, int code) => _workloads.Values.Single(workload => workload.Spec.RunId == runId).End.TrySetResult(new WorkloadEnd(code, false, DateTimeOffset.UtcNow));

    private sealed class FakeWorkload(string id, WorkloadSpec spec)
    {
        public string Id => id;

        public WorkloadSpec Spec => spec;

        public bool IsStarted { get; set; }

        public TaskCompletionSource<WorkloadEnd> End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Workload View() => new()
        {
            Id = id,
            RunId = spec.RunId,
            Tenant = spec.Tenant,
            Name = spec.Name,
            State = End.Task.IsCompleted ? WorkloadState.Stopped : IsStarted ? WorkloadState.Running : WorkloadState.Created,
            ImageDigest = "sha256:fake",
            StartedAt = IsStarted ? DateTimeOffset.UtcNow : null,
            End = End.Task.IsCompletedSuccessfully ? End.Task.Result : null,
        };
    }
}
