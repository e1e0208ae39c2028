using System.Collections.Concurrent;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;

namespace LogLine.Api.Runs;

/// <summary>
/// Carries out runs: takes what it is given and leases what nobody holds, gives each to a job of its own, renews the leases. A job whose lease is lost is dropped where it stands: whoever has the run
/// by then finds its container by the labels, and watches on. So it is when the worker stops, once the commands in flight have ended or their time is over. A job that meets a store that is away
/// keeps its lease, and goes on as soon as the store answers. A command that has begun is begun by nobody else, so that nothing but the word that it is another worker's ends it: while nobody answers it goes on
/// past its lease, and is leased again.
/// </summary>
public sealed class Worker(IRunGateway gateway, RunTargets targets, GrantVault vault, RunOutputs outputs, UnsaidEnds unsaid, RunnerOptions options, TimeProvider time, ILogger<Worker> logger) : BackgroundService, IHostedLifecycleService
{
    private const int MaxRuns = 256;

    private readonly ConcurrentDictionary<string, LeaseHold> _holds = new();
    private readonly WorkloadTurns _turns = new();
    private volatile bool _isDraining;
    private bool _isAway;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        await TryAsync(() => gateway.OpenAsync(stopping));
        await TryAsync(vault.SweepAsync);
        await TryAsync(() => Task.WhenAll(Task.Run(() => WorkFolder.Sweep(WorkFolder.Memory), stopping), Task.Run(() => WorkFolder.Sweep(WorkFolder.Disk), stopping)));
        await TryAsync(() => unsaid.SweepAsync(gateway.FindAsync));
        gateway.Offer(provider => HasRoom && targets.Find(provider) is IRunAdapter, taken => Begin(taken.Run, taken, taken.Since, stopping), taken => targets.Find(taken.Planned.Provider) is IRunAdapter adapter ? PrimitiveJob.LookAhead(taken, gateway, adapter, time, stopping) : null);
        using var renewal = new PeriodicTimer(gateway.LeaseLife / 3, time);
        var tick = renewal.WaitForNextTickAsync(stopping).AsTask();
        while (!stopping.IsCancellationRequested)
        {
            var moved = gateway.Moved;
            await TryAsync(() => TakeAsync(stopping));
            await Task.WhenAny(moved, tick, _isAway ? Task.Delay(Absence.LongestPause, time, stopping) : tick);
            if (tick.IsCompleted)
            {
                await TryAsync(() => RenewAsync(stopping));
                DropLost();
                tick = renewal.WaitForNextTickAsync(stopping).AsTask();
            }
        }
    }

    private async Task TakeAsync(CancellationToken stopping)
    {
        var since = time.GetTimestamp();
        IReadOnlyList<RunRow> leased;
        try
        {
            leased = await gateway.LeaseAsync(HasRoom ? MaxRuns - _holds.Count : 0, [.. _holds.Where(hold => hold.Value.IsOurs).Select(hold => hold.Key)], stopping);
        }
        catch (Exception away) when (away.IsAway())
        {
            logger.Log(_isAway ? LogLevel.Debug : LogLevel.Warning, "No runs are taken until the store answers: {Reason}", away.Message);
            _isAway = true;
            return;
        }
        _isAway = false;
        foreach (var run in leased)
        {
            Begin(run, null, since, stopping);
        }
    }

    private bool HasRoom => !_isDraining && _holds.Count < MaxRuns;

    /// <summary>Gives a run to a job of its own.</summary>
    /// <param name="run">The run.</param>
    /// <param name="taken">How it was admitted for this worker; null when it was leased.</param>
    /// <param name="since">From when on it is certain that the run is ours.</param>
    /// <param name="stopping">The worker stops.</param>
    private void Begin(RunRow run, TakenRun? taken, long since, CancellationToken stopping)
    {
        var hold = new LeaseHold(stopping) { Since = since, IsCommand = !DeployOrder.IsDeploy(run) };
        while (!_isDraining)
        {
            if (_holds.TryAdd(run.RunId, hold))
            {
                using (ExecutionContext.SuppressFlow()) // whoever submitted it is answered long before it ends
                {
                    hold.Job = Task.Run(() => CarryOutAsync(run, taken, hold, stopping), CancellationToken.None);
                }
                return;
            }
            if (_holds.TryGetValue(run.RunId, out var earlier) && earlier.TryLeaseAgain(since))
            {
                break; // what the job that has not ended yet leaves undone begins behind it
            }
        }
        hold.Dispose(); // or all are given back
    }

    private async Task CarryOutAsync(RunRow run, TakenRun? taken, LeaseHold hold, CancellationToken stopping)
    {
        await TryAsync(() => CarryOutInPatienceAsync(run, taken, hold));
        outputs.Close(run.RunId);
        _holds.TryRemove(run.RunId, out _);
        if (hold.End() is { } since)
        {
            await TryAsync(async () =>
            {
                if (await gateway.FindAsync(run.RunId) is { HasEnded: false } now)
                {
                    Begin(now, null, since, stopping);
                }
            });
        }
        hold.Dispose();
    }

    private async Task RenewAsync(CancellationToken stopping)
    {
        var (since, asked) = (time.GetTimestamp(), _holds.Where(hold => hold.Value.IsOurs).ToList());
        IReadOnlyCollection<string> kept;
        try
        {
            kept = await gateway.RenewAsync([.. asked.Select(hold => hold.Key)], stopping);
        }
        catch (Exception away) when (away.IsAway())
        {
            logger.LogWarning("Leases are not renewed: {Reason}", away.Message);
            return;
        }
        foreach (var (runId, hold) in asked)
        {
            hold.Since = kept.Contains(runId) ? since : null;
        }
    }

    /// <summary>Ends jobs whose runs are not ours any more, or were not renewed for so long that they may be another worker's by now.</summary>
    private void DropLost()
    {
        foreach (var (runId, hold) in _holds)
        {
            if (hold.IsOurs && (hold.Since is not { } since || (time.GetElapsedTime(since) >= gateway.LeaseLife && hold.Command?.HasBegun != true)))
            {
                logger.LogWarning("The lease of {Run} is lost; whoever has it next goes on with it.", runId);
                hold.Drop();
            }
        }
    }

    /// <summary>Carries a run out. When the store is away its job waits, and begins again where the run stands by then, as that of a worker does that takes a run over.</summary>
    private async Task CarryOutInPatienceAsync(RunRow run, TakenRun? taken, LeaseHold hold)
    {
        var (isSaid, stopping) = (false, hold.Lost.Token);
        for (var pause = Absence.FirstPause; ; pause = Absence.Longer(pause))
        {
            try
            {
                if (!isSaid)
                {
                    await CarryOutOnceAsync(run, taken, hold);
                }
                else if (await gateway.FindAsync(run.RunId) is { HasEnded: false } now && await gateway.HoldsAsync(run.RunId, stopping))
                {
                    await CarryOutOnceAsync(now, null, hold);
                }
                return;
            }
            catch (Exception away) when (away.IsAway())
            {
                logger.Log(isSaid ? LogLevel.Debug : LogLevel.Warning, "{Run} waits until the store answers: {Reason}", run.RunId, away.Message);
                isSaid = true;
            }
            await Task.Delay(pause, time, stopping);
        }
    }

    private async Task CarryOutOnceAsync(RunRow run, TakenRun? taken, LeaseHold hold)
    {
        var stopping = hold.Lost.Token;
        using var traced = RunTelemetry.Follow(run);
        if (targets.Find(run.Provider) is not IRunAdapter adapter)
        {
            await OrphanAsync(run, stopping);
        }
        else if (DeployOrder.IsDeploy(run))
        {
            await (await DeployJob.OpenAsync(run, isNew: run.State == RunState.Planned || taken is not null, gateway, adapter, _turns, vault, time, logger)).RunAsync(stopping);
            await vault.ClearAsync(run.RunId);
        }
        else
        {
            hold.Command = new PrimitiveJob(run, taken, gateway, adapter, _turns, vault, outputs, unsaid, time, logger);
            await hold.Command.RunAsync(stopping);
        }
    }

    /// <summary>A run whose provider this worker no longer has cannot go on here: it ends, and says so.</summary>
    private Task OrphanAsync(RunRow run, CancellationToken stopping) => gateway.ReportAsync(run.RunId, new RunReport(run.State == RunState.Running ? RunState.Exited : RunState.Failed)
    {
        ExitCode = run.State == RunState.Running ? -1 : null,
        Reason = "adapter_missing",
        Error = $"This gateway has no adapter for '{run.Provider}' any more.",
    }, stopping);

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // Stopping, or the lease is lost: what runs goes on without us.
        }
        catch (Exception away) when (away.IsAway())
        {
            logger.LogWarning("The store is away: {Reason}", away.Message);
        }
        catch (Exception defect)
        {
            logger.LogError(defect, "The worker met a defect; it goes on with the next run.");
        }
    }

    /// <summary>Told to stop: no run is taken any more, and commands in flight end, for as long as there is time. What is watched for long can be given back at any step.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isDraining = true;
        var over = Task.Delay(options.DrainTime, time, cancellationToken);
        if (Commands() is { Count: > 0 } begun)
        {
            logger.LogInformation("The worker stops: it takes no more runs, and waits up to {Seconds} s for {Commands} commands in flight", options.DrainTime.TotalSeconds, begun.Count);
        }
        while (Commands() is { Count: > 0 } commands && !over.IsCompleted)
        {
            await Task.WhenAny(Task.WhenAll(commands), over);
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var (runs, commands) = (_holds.Count, Commands().Count);
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_holds.Values.Select(hold => hold.Job));
        await TryAsync(gateway.CloseAsync);
        logger.LogInformation("The worker has given back {Runs} runs, {Commands} of them commands that had not ended; what they made goes on", runs, commands);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private List<Task> Commands() => [.. _holds.Values.Where(hold => hold.IsCommand).Select(hold => hold.Job)];

    /// <summary>A run that is ours, and since when that is certain; null when it is not.</summary>
    private sealed class LeaseHold : IDisposable
    {
        private readonly CancellationTokenRegistration _stopping;
        private readonly Lock _lock = new();
        private bool _isLeasedAgain;
        private bool _hasEnded;

        public LeaseHold(CancellationToken stopping) => _stopping = stopping.UnsafeRegister(static lost => ((CancellationTokenSource)lost!).Cancel(), Lost);

        public CancellationTokenSource Lost { get; } = new();

        public long? Since { get; set; }

        /// <summary>A primitive, which ends by itself; a deploy is watched for as long as it runs.</summary>
        public bool IsCommand { get; init; }

        /// <summary>The primitive, once it is being carried out.</summary>
        public PrimitiveJob? Command { get; set; }

        public Task Job { get; set; } = Task.CompletedTask;

        /// <summary>The run is this job's, or the next one's, which begins when this one has ended.</summary>
        public bool IsOurs => !Lost.IsCancellationRequested || _isLeasedAgain;

        /// <summary>The run was leased again before its job had ended; false when that has ended by now.</summary>
        public bool TryLeaseAgain(long since)
        {
            lock (_lock)
            {
                if (!_hasEnded)
                {
                    (Since, _isLeasedAgain) = (since, true);
                }
                return !_hasEnded;
            }
        }

        public void Drop()
        {
            _isLeasedAgain = false;
            Lost.Cancel();
        }

        /// <summary>The job has ended; since when the run is ours again, if it was leased meanwhile.</summary>
        public long? End()
        {
            lock (_lock)
            {
                _hasEnded = true;
                return _isLeasedAgain ? Since : null;
            }
        }

        /// <summary>The worker's own end does not hold on to it any more. Whoever finds the lease lost at this moment may still say so.</summary>
        public void Dispose() => _stopping.Unregister();
    }
}
