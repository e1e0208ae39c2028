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
    private readonly bool _isNew;
    private readonly IRunGateway _gateway;
    private readonly IRunAdapter _adapter;
    private readonly GrantVault _vault;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SignedManifest _manifest;
    private readonly DeployLifecycle _lifecycle;
    private readonly Takeover _takeover;
    private readonly DeployEnding _ending;
    private readonly DeployWatch _watch;
    private bool _wasOrdered;

    /// <summary>Opens the job of a run; <paramref name="isNew"/> when no worker can have begun it.</summary>
    public static async Task<DeployJob> OpenAsync(RunRow run, bool isNew, IRunGateway gateway, IRunAdapter adapter, WorkloadTurns turns, GrantVault vault, TimeProvider time, ILogger logger) =>
        new(run, isNew, await gateway.ManifestOfAsync(run), gateway, adapter, turns, vault, time, logger);

    private DeployJob(RunRow run, bool isNew, SignedManifest manifest, IRunGateway gateway, IRunAdapter adapter, WorkloadTurns turns, GrantVault vault, TimeProvider time, ILogger logger)
    {
        (_run, _isNew, _manifest, _gateway, _vault, _time, _logger, _adapter) = (run, isNew, manifest, gateway, vault, time, logger, adapter);
        _lifecycle = DeployLifecycle.Of(manifest.Deploy);
        _takeover = new Takeover(run, gateway, _adapter, turns, time, logger);
        _ending = new DeployEnding(run, gateway, _adapter, _takeover, _lifecycle, vault, time, logger);
        _watch = new DeployWatch(run, gateway, _adapter, _lifecycle, _takeover, _ending, new HealthWatch(run, gateway, _adapter, _lifecycle, vault, time), time, logger);
    }

    public async Task RunAsync(CancellationToken stopping)
    {
        Workload? workload = null;
        var runs = false;
        try
        {
            using (RunTelemetry.StartWork(_run))
            {
                workload = await CreatedAsync(stopping);
                if (workload is null || (_run.State < RunState.Running && !await RunningAsync(workload, stopping)))
                {
                    return;
                }
            }
            runs = true;
            await HoldAsync(workload.Id, stopping);
        }
        catch (AdapterException failure)
        {
            workload ??= _wasOrdered && failure.Failure == AdapterFailure.Unavailable ? await _ending.MadeAsync(stopping) : null;
            await _ending.BrokenAsync(workload, failure, stopping);
        }
        catch (Exception defect) when (!runs && defect is not OperationCanceledException && !defect.IsAway())
        {
            // Whoever had the run next would meet the same. What runs already is watched on by the next one.
            await _ending.FailedAsync(workload ?? await _adapter.FindByRunAsync(_run.RunId, stopping), null, RunReasons.Defect, RunReasons.DefectError, stopping);
            throw;
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

    /// <summary>The container of this run: found, or made; null when the run has ended instead. While it is said that the run is pending, the target is looked at; nothing is made before.</summary>
    private async Task<Workload?> CreatedAsync(CancellationToken stopping)
    {
        var pending = _run.State != RunState.Planned ? Task.CompletedTask
            : _gateway.ReportAsync(_run.RunId, new RunReport(RunState.Pending) { Facts = json => json.WriteString("worker", _gateway.WorkerName) }, stopping);
        try
        {
            return await CreatedAsync(pending, stopping);
        }
        finally
        {
            await pending;
        }
    }

    private async Task<Workload?> CreatedAsync(Task pending, CancellationToken stopping)
    {
        // What is new has made nothing; what somebody else took before may have.
        var workload = _isNew ? null : await _ending.InPatienceAsync(() => _adapter.FindByRunAsync(_run.RunId, stopping), stopping);
        var current = await CurrentAsync();
        if (workload is null && current.CancelRequested)
        {
            await pending;
            await _ending.CancelledAsync(null, stopping);
            return null;
        }
        if (workload is null && current.State >= RunState.Applied)
        {
            await _ending.GoneAsync(stopping);
            return null;
        }
        async Task<bool> StillOursAsync()
        {
            await pending;
            return _wasOrdered = await _gateway.HoldsAsync(_run.RunId, stopping);
        }
        return workload is null ? await MadeAsync(StillOursAsync, stopping)
            : await StillOursAsync() ? workload
            : null; // another worker has it by now
    }

    /// <summary>Makes it; null when the run has ended instead, or another worker has it by now.</summary>
    private async Task<Workload?> MadeAsync(Func<Task<bool>> isOurs, CancellationToken stopping)
    {
        if (DeployOrder.HoldsGrants(_manifest) && !await isOurs())
        {
            return null; // a secret is not opened before it is said that the run is pending
        }
        var progress = new ProgressReports(_run, _gateway, _time, _logger, stopping);
        var ordered = DeployOrder.Compose(_run, _manifest, beside: _takeover.Course.Replaces) with { Progress = progress.SayAsync };
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var done = new CancellationTokenSource();
        var cancellation = _gateway.CancelWhenAskedAsync(_run.RunId, wanted, _time, done.Token);
        try
        {
            if (DeployOrder.HoldsGrants(_manifest))
            {
                // The rules are asked right before the container is made: what takes minutes comes before.
                await _adapter.FetchAsync(ordered, wanted.Token);
                if (!await isOurs())
                {
                    return null;
                }
            }
            var (spec, refused) = await _vault.FillAsync(_run, _manifest, ordered, stopping);
            if (refused is not null)
            {
                await _ending.RefusedAsync(refused, stopping);
                return null;
            }
            return await _adapter.CreateAsync(spec, isOurs, wanted.Token, stopping);
        }
        catch (OperationCanceledException) when (wanted.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            if (await isOurs())
            {
                await _ending.CancelledAsync(null, stopping);
            }
            return null;
        }
        finally
        {
            await progress.SaidAsync(); // before what comes of it
            await done.CancelAsync();
            await cancellation;
        }
    }

    /// <summary>Starts it, unless it is to end or another worker has it by now: then null. That it is there is written down while it starts; whoever finds it by its label knows as much.</summary>
    private async Task<Workload?> StartedAsync(Workload workload, CancellationToken stopping)
    {
        var current = await CurrentAsync();
        var replacesPaused = current.State < RunState.Applied && await _takeover.ReplacesPausedAsync(stopping);
        var applied = current.State >= RunState.Applied ? Task.CompletedTask
            : _gateway.ReportAsync(_run.RunId, new RunReport(RunState.Applied) { Facts = json => DeployFacts.Applied(json, _run.Provider, workload, replacesPaused) }, stopping);
        try
        {
            if (workload.State != WorkloadState.Created || current.CancelRequested)
            {
                return workload;
            }
            if (!await _gateway.HoldsAsync(_run.RunId, stopping))
            {
                return null;
            }
            if (_takeover.Course.Replaces)
            {
                await applied; // from then on it has the old one's place, and whoever watches that one waits for this
            }
            return await MakeRoomAsync(stopping) ? await _adapter.StartAsync(workload.Id, stopping) : workload;
        }
        finally
        {
            await applied;
        }
    }

    /// <summary>What the new one replaces is out of its way; false when the deploy is to end instead.</summary>
    private async Task<bool> MakeRoomAsync(CancellationToken stopping)
    {
        if (_takeover.Course.Strategy != DeployStrategy.Recreate)
        {
            return true;
        }
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var done = new CancellationTokenSource();
        var cancellation = _gateway.CancelWhenAskedAsync(_run.RunId, wanted, _time, done.Token);
        try
        {
            return await _takeover.MakeRoomAsync(wanted.Token, stopping);
        }
        finally
        {
            await done.CancelAsync();
            await cancellation;
        }
    }

    /// <summary>Starts it and waits until it is healthy; false when the run has ended instead.</summary>
    private async Task<bool> RunningAsync(Workload created, CancellationToken stopping)
    {
        if (await StartedAsync(created, stopping) is not { } workload)
        {
            return false; // another worker has it by now
        }
        if ((await CurrentAsync()).CancelRequested)
        {
            await _ending.CancelledAsync(workload, stopping);
            return false;
        }
        switch (await new HealthGate(_adapter, _gateway, _time).AwaitAsync(_run.RunId, workload, _lifecycle, stopping))
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
        return await _gateway.ReportAsync(_run.RunId, new RunReport(RunState.Running)
        {
            StartedAt = workload.StartedAt,
            Facts = json => DeployFacts.Running(json, workload, moved: workload.ImageDigest != created.ImageDigest),
        }, stopping);
    }

    private async ValueTask<RunRow> CurrentAsync() => await _gateway.FindAsync(_run.RunId) ?? _run;
}

/// <summary>What spans and rows say of a deploy's container.</summary>
internal static class DeployFacts
{
    /// <summary>The container that is stopped to make room was paused.</summary>
    public const string ReplacesPaused = "replaces_paused";

    public static void Applied(Utf8JsonWriter json, string engine, Workload workload, bool replacesPaused)
    {
        json.WriteString("container_id", workload.Id);
        json.WriteString("provider", EngineName.ProviderOf(engine));
        if (EngineName.EndpointOf(engine) is var endpoint and not EngineName.Default)
        {
            json.WriteString("endpoint", endpoint);
        }
        if (workload.ImageDigest is not null)
        {
            json.WriteString("image_digest", workload.ImageDigest);
        }
        if (workload.ImageRepoDigests.Count > 0)
        {
            json.WriteStartArray("image_repo_digests");
            foreach (var digest in workload.ImageRepoDigests)
            {
                json.WriteStringValue(digest);
            }
            json.WriteEndArray();
        }
        if (replacesPaused)
        {
            json.WriteBoolean(ReplacesPaused, true);
        }
    }

    /// <param name="json">The payload.</param>
    /// <param name="workload">The container as it runs.</param>
    /// <param name="moved">The name of its image came to mean another one between the look at it and the container's making.</param>
    public static void Running(Utf8JsonWriter json, Workload workload, bool moved = false)
    {
        json.WriteString("container_id", workload.Id);
        if (moved)
        {
            json.WriteString("image_digest", workload.ImageDigest);
        }
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

    /// <param name="json">The payload.</param>
    /// <param name="end">How it ended, as far as is known.</param>
    /// <param name="tail">Its last lines.</param>
    /// <param name="link">What the end has to do with another run: <c>serving</c> or <c>replaced_by</c>, and its id.</param>
    public static void End(Utf8JsonWriter json, WorkloadEnd? end, LogTail? tail, (string Name, string? RunId) link)
    {
        if (link.RunId is not null)
        {
            json.WriteString(link.Name, link.RunId);
        }
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
