using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// One deploy from lease to end: pending → created → running → ended. Each step first looks whether an earlier worker has taken it already, so
/// that a job can begin anywhere: a container that is there is found by its label, not made twice.
/// </summary>
internal sealed class DeployJob(RunRow run, RunDesk desk, RunTargets targets, TimeProvider time, ILogger logger)
{
    private const int TailLines = 50;
    private const int TailBytes = 16 * 1024;
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly IRunAdapter _adapter = targets.Find(run.Provider)!;

    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            if (run.State == RunState.Planned)
            {
                await desk.ReportAsync(run.RunId, RunState.Pending, row => row, json => json.WriteString("worker", "local"), stopping);
            }
            var workload = await CreatedAsync(stopping);
            if (workload is not null)
            {
                await StartedAsync(workload, stopping);
            }
        }
        catch (AdapterException failure)
        {
            await EndAsync(null, null, RunState.Failed, failure.Failure == AdapterFailure.NotFound ? "container_gone" : RunReasons.Of(failure.Failure), failure.Message, stopping);
            await RemoveUnstartedAsync(stopping);
        }
    }

    /// <summary>A container that was made and could not be started would hold the service's name for nothing.</summary>
    private async Task RemoveUnstartedAsync(CancellationToken stopping)
    {
        try
        {
            if (await _adapter.FindByRunAsync(run.RunId, stopping) is { State: WorkloadState.Created } unstarted)
            {
                await _adapter.RemoveAsync(unstarted.Id, force: false, stopping);
            }
        }
        catch (AdapterException failure)
        {
            logger.LogWarning("What {Run} created could not be removed: {Reason}", run.RunId, failure.Message);
        }
    }

    /// <summary>The container of this run: found, or made; null when the run has ended instead.</summary>
    private async Task<Workload?> CreatedAsync(CancellationToken stopping)
    {
        var workload = await InPatienceAsync(() => _adapter.FindByRunAsync(run.RunId, stopping), stopping);
        var state = (await CurrentAsync()).State;
        if (workload is null && state >= RunState.Applied)
        {
            await EndAsync(null, null, state == RunState.Running ? RunState.Exited : RunState.Failed, "container_gone", "The container was removed by somebody else.", stopping);
            return null;
        }
        if ((await CurrentAsync()).CancelRequested && workload is null)
        {
            await EndAsync(null, null, RunState.Cancelled, "cancelled", null, stopping);
            return null;
        }
        workload ??= await _adapter.CreateAsync(DeployOrder.Compose(run, await desk.ManifestOfAsync(run)), stopping);
        if (state < RunState.Applied)
        {
            await desk.ReportAsync(run.RunId, RunState.Applied, row => row, json =>
            {
                json.WriteString("container_id", workload.Id);
                json.WriteString("provider", run.Provider);
                if (workload.ImageDigest is not null)
                {
                    json.WriteString("image_digest", workload.ImageDigest);
                }
            }, stopping);
        }
        return workload;
    }

    private async Task StartedAsync(Workload workload, CancellationToken stopping)
    {
        if (workload.State == WorkloadState.Created && (await CurrentAsync()).State < RunState.Running)
        {
            if ((await CurrentAsync()).CancelRequested)
            {
                await EndAsync(workload, null, RunState.Cancelled, "cancelled", null, stopping);
                return;
            }
            workload = await _adapter.StartAsync(workload.Id, stopping);
        }
        if (workload.State == WorkloadState.Running && (await CurrentAsync()).State < RunState.Running)
        {
            await desk.ReportAsync(run.RunId, RunState.Running, row => row with { StartedAt = workload.StartedAt ?? time.GetUtcNow() }, json => Facts(json, workload), stopping);
        }
        await WatchAsync(workload, stopping);
    }

    /// <summary>Waits for the end of the container, or for somebody who wants it to end.</summary>
    private async Task WatchAsync(Workload workload, CancellationToken stopping)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var ended = _adapter.WaitAsync(workload.Id, watching.Token);
        while (!ended.IsCompleted)
        {
            var moved = desk.Moved;
            if ((await CurrentAsync()).CancelRequested)
            {
                await _adapter.StopAsync(workload.Id, StopGrace, stopping);
                await EndAsync(workload, await ended, RunState.Cancelled, "cancelled", null, stopping);
                return;
            }
            await Task.WhenAny(ended, moved);
        }
        try
        {
            var end = await ended;
            var wasRunning = (await CurrentAsync()).State == RunState.Running;
            await EndAsync(workload, end, wasRunning ? RunState.Exited : RunState.Failed,
                wasRunning ? null : end.OomKilled ? "out_of_memory" : "exited_at_start",
                wasRunning ? null : $"The container ended with exit code {end.ExitCode} before it was running.", stopping);
        }
        catch (AdapterException failure) when (failure.Failure == AdapterFailure.NotFound)
        {
            await EndAsync(null, null, (await CurrentAsync()).State == RunState.Running ? RunState.Exited : RunState.Failed, "container_gone", "The container was removed by somebody else.", stopping);
        }
    }

    private async Task EndAsync(Workload? workload, WorkloadEnd? end, RunState state, string? reason, string? error, CancellationToken stopping)
    {
        var tail = workload is null ? null : await TailAsync(workload, stopping);
        if (state == RunState.Failed && (await CurrentAsync()).State == RunState.Running)
        {
            state = RunState.Exited; // after running every end is an exit (contract, section 7)
        }
        await desk.ReportAsync(run.RunId, state, row => row with
        {
            EndedAt = end?.EndedAt ?? time.GetUtcNow(),
            ExitCode = end?.ExitCode ?? (state == RunState.Exited ? -1 : null),
            Reason = reason,
            Error = error,
        }, json => EndFacts(json, end, tail), stopping);
        if (state == RunState.Cancelled && workload is not null)
        {
            await _adapter.RemoveAsync(workload.Id, force: true, stopping);
        }
    }

    private static void EndFacts(Utf8JsonWriter json, WorkloadEnd? end, LogTail? tail)
    {
        if (end?.OomKilled == true)
        {
            json.WriteBoolean("oom_killed", true);
        }
        if (tail is null)
        {
            return;
        }
        json.WriteStartArray("log_tail");
        foreach (var line in tail.Lines)
        {
            json.WriteStringValue(line);
        }
        json.WriteEndArray();
        if (tail.Dropped > 0)
        {
            json.WriteNumber("log_dropped", tail.Dropped);
        }
    }

    private static void Facts(Utf8JsonWriter json, Workload workload)
    {
        json.WriteString("container_id", workload.Id);
        json.WriteString("node", Environment.MachineName);
        json.WriteStartArray("ports");
        foreach (var port in workload.Ports)
        {
            json.WriteStartObject();
            json.WriteNumber("host", port.Host);
            json.WriteNumber("container", port.Container);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private async Task<LogTail?> TailAsync(Workload workload, CancellationToken stopping)
    {
        try
        {
            return await _adapter.LogTailAsync(workload.Id, TailLines, TailBytes, stopping);
        }
        catch (AdapterException failure)
        {
            logger.LogWarning("The last lines of {Run} could not be read: {Reason}", run.RunId, failure.Message);
            return null;
        }
    }

    /// <summary>An engine that is restarting is waited for; one that stays away fails the run.</summary>
    private async Task<T> InPatienceAsync<T>(Func<Task<T>> ask, CancellationToken stopping)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (AdapterException failure) when (failure.Failure == AdapterFailure.Unavailable && time.GetElapsedTime(since) < Patience)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), time, stopping);
            }
        }
    }

    private async ValueTask<RunRow> CurrentAsync() => await desk.FindAsync(run.RunId) ?? run;
}
