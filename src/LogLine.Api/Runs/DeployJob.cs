using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// One deploy from lease to running: pending → created → started → healthy → running; <see cref="DeployWatch"/> has the rest. Each step first looks whether
/// an earlier worker has taken it already, so that a job can begin anywhere: a container that is there is found by its label, not made twice.
/// </summary>
internal sealed class DeployJob
{
    private readonly RunRow _run;
    private readonly RunDesk _desk;
    private readonly IRunAdapter _adapter;
    private readonly GrantVault _vault;
    private readonly TimeProvider _time;
    private readonly SignedManifest _manifest;
    private readonly DeployLifecycle _lifecycle;
    private readonly Takeover _takeover;
    private readonly DeployEnding _ending;
    private readonly DeployWatch _watch;

    /// <summary>Opens the job of a run.</summary>
    public static async Task<DeployJob> OpenAsync(RunRow run, RunDesk desk, IRunAdapter adapter, WorkloadTurns turns, GrantVault vault, TimeProvider time, ILogger logger) =>
        new(run, await desk.ManifestOfAsync(run), desk, adapter, turns, vault, time, logger);

    private DeployJob(RunRow run, SignedManifest manifest, RunDesk desk, IRunAdapter adapter, WorkloadTurns turns, GrantVault vault, TimeProvider time, ILogger logger)
    {
        (_run, _manifest, _desk, _vault, _time, _adapter) = (run, manifest, desk, vault, time, adapter);
        _lifecycle = DeployLifecycle.Of(manifest.Deploy);
        _takeover = new Takeover(run, desk, _adapter, turns, logger);
        _ending = new DeployEnding(run, desk, _adapter, _takeover, _lifecycle, vault, time, logger);
        _watch = new DeployWatch(run, desk, _adapter, _lifecycle, _ending, time);
    }

    public async Task RunAsync(CancellationToken stopping)
    {
        Workload? workload = null;
        try
        {
            using (RunTelemetry.StartWork(_run))
            {
                if (_run.State == RunState.Planned)
                {
                    await _desk.ReportAsync(_run.RunId, RunState.Pending, row => row, json => json.WriteString("worker", "local"), stopping);
                }
                workload = await CreatedAsync(stopping);
                if (workload is null || (_run.State < RunState.Running && !await RunningAsync(workload, stopping)))
                {
                    return;
                }
            }
            await HoldAsync(workload.Id, stopping);
        }
        catch (AdapterException failure)
        {
            await _ending.BrokenAsync(workload, failure, stopping);
        }
    }

    /// <summary>From running to the end. A container outlives its engine's absence, so an engine that is away ends nothing.</summary>
    private async Task HoldAsync(string workloadId, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                await _takeover.FinishAsync(workloadId, stopping);
                await _watch.UntilEndAsync(workloadId, stopping);
                return;
            }
            catch (AdapterException absent) when (absent.Failure == AdapterFailure.Unavailable)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), _time, stopping);
            }
        }
    }

    /// <summary>The container of this run: found, or made; null when the run has ended instead.</summary>
    private async Task<Workload?> CreatedAsync(CancellationToken stopping)
    {
        // What is planned has made nothing; from pending on an earlier worker may have.
        var workload = _run.State == RunState.Planned ? null : await _ending.InPatienceAsync(() => _adapter.FindByRunAsync(_run.RunId, stopping), stopping);
        var current = await CurrentAsync();
        if (workload is null && current.CancelRequested)
        {
            await _ending.CancelledAsync(null, stopping);
            return null;
        }
        if (workload is null && current.State >= RunState.Applied)
        {
            await _ending.GoneAsync(stopping);
            return null;
        }
        if (!await _desk.HoldsAsync(_run.RunId))
        {
            return null; // another worker has it by now
        }
        if (workload is null)
        {
            var (spec, refused) = await _vault.FillAsync(_run, _manifest, DeployOrder.Compose(_run, _manifest, beside: _takeover.Course.Replaces), stopping);
            if (refused is not null)
            {
                await _ending.RefusedAsync(refused, stopping);
                return null;
            }
            workload = await _adapter.CreateAsync(spec, stopping);
        }
        if (current.State < RunState.Applied)
        {
            await _desk.ReportAsync(_run.RunId, RunState.Applied, row => row, json =>
            {
                json.WriteString("container_id", workload.Id);
                json.WriteString("provider", _run.Provider);
                if (workload.ImageDigest is not null)
                {
                    json.WriteString("image_digest", workload.ImageDigest);
                }
            }, stopping);
        }
        return workload;
    }

    /// <summary>Starts it and waits until it is healthy; false when the run has ended instead.</summary>
    private async Task<bool> RunningAsync(Workload workload, CancellationToken stopping)
    {
        if ((await CurrentAsync()).CancelRequested)
        {
            await _ending.CancelledAsync(workload, stopping);
            return false;
        }
        if (workload.State == WorkloadState.Created)
        {
            if (!await _desk.HoldsAsync(_run.RunId))
            {
                return false;
            }
            await _takeover.MakeRoomAsync(stopping);
            workload = await _adapter.StartAsync(workload.Id, stopping);
        }
        switch (await new HealthGate(_adapter, _desk, _time).AwaitAsync(_run.RunId, workload, _lifecycle, stopping))
        {
            case { End: { } end }:
                await _ending.FailedAsync(workload, end, end.OomKilled ? "out_of_memory" : "exited_at_start", $"The container ended with exit code {end.ExitCode} before it was running.", stopping);
                return false;
            case { Unhealthy: var (reason, error) }:
                await _ending.FailedAsync(workload, null, reason, error, stopping);
                return false;
            case { Cancelled: true }:
                await _ending.CancelledAsync(workload, stopping);
                return false;
        }
        return await _desk.ReportAsync(
            _run.RunId, RunState.Running, row => row with { StartedAt = workload.StartedAt ?? _time.GetUtcNow() }, json => DeployFacts.Running(json, workload), stopping);
    }

    private async ValueTask<RunRow> CurrentAsync() => await _desk.FindAsync(_run.RunId) ?? _run;
}

/// <summary>What spans and rows say of a deploy's container.</summary>
internal static class DeployFacts
{
    public static void Running(Utf8JsonWriter json, Workload workload)
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

    public static void End(Utf8JsonWriter json, WorkloadEnd? end, LogTail? tail)
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
}
