using System.Collections.Concurrent;
using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Tests.Hosting;

/// <summary>
/// A target in memory, for races and faults only: what it does when is decided by the test. It outlives gateways, as an engine does.
/// </summary>
public sealed class FakeAdapter(string provider = "fake") : IRunAdapter, IContainerPrimitives
{
    private readonly ConcurrentDictionary<string, FakeWorkload> _workloads = new();

    public string Provider => provider;

    public bool IsDown { get; set; }

    public bool IsOptional { get; init; }

    public TimeSpan StatusLife { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How many containers were made, and started.</summary>
    public int Created;

    public int Started;

    /// <summary>How often it was asked whether it is there.</summary>
    public int Asked;

    /// <summary>Awaited before a container is made.</summary>
    public Func<WorkloadSpec, Task> BeforeCreate { get; set; } = _ => Task.CompletedTask;

    /// <summary>Awaited before and after every call that changes something, with its name: where a test ends a worker between two steps.</summary>
    public Func<string, CancellationToken, Task> Around { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>What a look by name makes of what is there.</summary>
    public Func<Workload?, Workload?> Look { get; set; } = found => found;

    /// <summary>A container that ends with this code as soon as it is started.</summary>
    public int? ExitsAtOnce { get; set; }

    /// <summary>What a probe of a run's container finds.</summary>
    public Func<string, ProbeOutcome> Probe { get; set; } = _ => ProbeOutcome.Good;

    /// <summary>How far its clock is ahead of the gateway's.</summary>
    public TimeSpan Ahead { get; set; }

    /// <summary>All that there is, by name in the target, with the run and whether it runs.</summary>
    public IReadOnlyList<(string Name, string RunId, WorkloadState State, int Starts)> All =>
        [.. _workloads.Values.Select(workload => (workload.Name, workload.Spec.RunId, workload.View().State, workload.Starts)).OrderBy(workload => workload.Name, StringComparer.Ordinal)];

    public ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel)
    {
        Interlocked.Increment(ref Asked);
        return new(IsDown ? new AdapterStatus(false, null, null, "the fake is down") : new AdapterStatus(true, "memory", "1", null));
    }

    public Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) => Task.FromResult(_workloads.Values.FirstOrDefault(workload => workload.Spec.RunId == runId)?.View());

    public Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) =>
        Task.FromResult(Look(_workloads.Values.FirstOrDefault(workload => workload.Name == $"{tenant}-{name}")?.View()));

    public Task FetchAsync(WorkloadSpec spec, CancellationToken wanted) => Task.CompletedTask;

    public async Task<Workload?> CreateAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel) => await mayMake() ? await MakeAsync(spec, cancel) : null;

    private Task<Workload> MakeAsync(WorkloadSpec spec, CancellationToken cancel) => ChangeAsync("create", cancel, async () =>
    {
        await BeforeCreate(spec);
        var name = $"{spec.Tenant}-{spec.Name}{(spec.Beside ? "." + spec.RunId : "")}";
        if (_workloads.Values.FirstOrDefault(workload => workload.Name == name) is { } holder)
        {
            if (holder.View() is not { State: WorkloadState.Stopped, Ref: not null })
            {
                throw new AdapterException(AdapterFailure.NameTaken, name);
            }
            _workloads.TryRemove(holder.Id, out _);
        }
        Interlocked.Increment(ref Created);
        // What is there is no order any more: it does not hold on to whom it was made for.
        var workload = new FakeWorkload(Guid.NewGuid().ToString("N"), spec with { Progress = _ => Task.CompletedTask }) { Name = name };
        _workloads[workload.Id] = workload;
        return workload.View();
    });

    public Task<Workload> StartAsync(string workloadId, CancellationToken cancel) => ChangeAsync("start", cancel, () =>
    {
        var workload = Find(workloadId);
        return Task.FromResult(workload.View().State == WorkloadState.Created ? Run(workload) : workload.View());
    });

    public Task<Workload> StartAgainAsync(string workloadId, CancellationToken cancel) => ChangeAsync("start again", cancel, () =>
    {
        var workload = Find(workloadId);
        return Task.FromResult(workload.View().State is WorkloadState.Running or WorkloadState.Paused ? workload.View() : Run(workload));
    });

    public Task PauseAsync(string workloadId, CancellationToken cancel) => ChangeAsync("pause", cancel, () => Task.FromResult(Find(workloadId).IsPaused = true));

    public Task AdoptNameAsync(string workloadId, CancellationToken cancel) => ChangeAsync("rename", cancel, () =>
    {
        var workload = Find(workloadId);
        var name = $"{workload.Spec.Tenant}-{workload.Spec.Name}";
        workload.Name = _workloads.Values.Any(other => other.Name == name && other.Id != workloadId) ? throw new AdapterException(AdapterFailure.NameTaken, name) : name;
        return Task.FromResult(true);
    });

    public Task<ProbeOutcome> ProbeAsync(string workloadId, HealthCheck check, CancellationToken cancel) => Task.FromResult(Probe(Find(workloadId).Spec.RunId));

    public Task<WorkloadEnd> WaitAsync(string workloadId, CancellationToken cancel, Func<Workload, Task>? again = null) => Find(workloadId).End.Task.WaitAsync(cancel);

    public Task StopAsync(string workloadId, TimeSpan grace, CancellationToken cancel) => ChangeAsync("stop", cancel, () =>
    {
        var workload = Find(workloadId);
        if (workload.View().State != WorkloadState.Created)
        {
            workload.IsPaused = false;
            workload.End.TrySetResult(new WorkloadEnd(143, false, Now));
        }
        return Task.FromResult(true);
    });

    public Task RemoveAsync(string workloadId, bool force, CancellationToken cancel) => ChangeAsync("remove", cancel, () => Task.FromResult(_workloads.TryRemove(workloadId, out _)));

    public IReadOnlyDictionary<string, Primitive> Primitives { get; init; } = new Dictionary<string, Primitive>();

    public IReadOnlyDictionary<string, Unmaking> Unmakings { get; init; } = new Dictionary<string, Unmaking>();

    public Task<LogTail> ReadLogAsync(string workloadId, int maxLines, int maxBytes, string? grep, CancellationToken cancel) => LogTailAsync(workloadId, maxLines, maxBytes, cancel);

    public Task FollowLogAsync(string workloadId, int tail, LogRing ring, CancellationToken cancel) => Task.CompletedTask;

    public Task<LogTail> LogTailAsync(string workloadId, int maxLines, int maxBytes, CancellationToken cancel) => Task.FromResult(new LogTail(["last line"], 0));

    /// <summary>Freezes the container of a run, as somebody else does.</summary>
    public void Pause(string runId) => _workloads.Values.Single(workload => workload.Spec.RunId == runId).IsPaused = true;

    /// <summary>Ends the container of a run by itself.</summary>
    public void Exit(string runId, int code) => _workloads.Values.Single(workload => workload.Spec.RunId == runId).End.TrySetResult(new WorkloadEnd(code, false, Now));

    private DateTimeOffset Now => DateTimeOffset.UtcNow + Ahead;

    private async Task<T> ChangeAsync<T>(string what, CancellationToken cancel, Func<Task<T>> change)
    {
        await Around("before " + what, cancel);
        var result = await change();
        await Around("after " + what, cancel);
        return result;
    }

    private FakeWorkload Find(string workloadId) => _workloads.GetValueOrDefault(workloadId) ?? throw new AdapterException(AdapterFailure.NotFound, "gone");

    private Workload Run(FakeWorkload workload)
    {
        Interlocked.Increment(ref Started);
        workload.StartedAt = Now;
        workload.End = new(TaskCreationOptions.RunContinuationsAsynchronously); // before it is seen to run, so that whoever ends it ends this life
        workload.Starts++;
        if (ExitsAtOnce is { } code)
        {
            workload.End.TrySetResult(new WorkloadEnd(code, false, Now));
        }
        return workload.View();
    }

    private sealed class FakeWorkload(string id, WorkloadSpec spec)
    {
        public string Id => id;

        public WorkloadSpec Spec => spec;

        public required string Name { get; set; }

        public int Starts { get; set; }

        public DateTimeOffset? StartedAt { get; set; }

        public bool IsPaused { get; set; }

        public TaskCompletionSource<WorkloadEnd> End { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Workload View() => new()
        {
            Id = id,
            RunId = spec.RunId,
            Tenant = spec.Tenant,
            Name = spec.Name,
            Ref = spec.Ref,
            State = End.Task.IsCompleted ? WorkloadState.Stopped : IsPaused ? WorkloadState.Paused : Starts > 0 ? WorkloadState.Running : WorkloadState.Created,
            ImageDigest = "sha256:fake",
            Ports = spec.Ports,
            StartedAt = StartedAt,
            End = End.Task.IsCompletedSuccessfully ? End.Task.Result : null,
        };
    }
}
