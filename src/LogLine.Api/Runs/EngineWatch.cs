using System.Collections.Concurrent;

namespace LogLine.Api.Runs;

/// <summary>An engine as it was last seen.</summary>
public sealed record SeenEngine(string Provider, AdapterStatus Status);

/// <summary>
/// Looks at every engine by itself, shortly before what it said of itself holds no longer: who asks how they are is told what was seen, and makes no work by asking, however often. Why one is away
/// is logged when it changes: those words name addresses, and who asks needs no token.
/// </summary>
public sealed class EngineWatch(RunTargets targets, TimeProvider time, ILogger<EngineWatch> logger) : BackgroundService
{
    /// <summary>An engine that takes longer is stuck.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Who asks right after the start waits no longer than this for engines to be seen.</summary>
    private static readonly TimeSpan FirstSight = TimeSpan.FromSeconds(1);

    private static readonly AdapterStatus Unseen = new(false, null, null, "it has not answered since this process was started");

    private readonly ConcurrentDictionary<string, AdapterStatus> _seen = new();
    private readonly TaskCompletionSource _allSeen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _firstSight = Task.CompletedTask;

    /// <summary>All of them, by name.</summary>
    public async ValueTask<IReadOnlyList<SeenEngine>> SeenAsync(CancellationToken cancel)
    {
        await _firstSight.WaitAsync(cancel);
        return [.. targets.Engines.Select(provider => new SeenEngine(provider, _seen.GetValueOrDefault(provider, Unseen)))];
    }

    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _firstSight = Task.WhenAny(_allSeen.Task, Task.Delay(FirstSight, time, CancellationToken.None));
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (targets.Preferred.Count == 0)
        {
            _allSeen.TrySetResult();
        }
        return Task.WhenAll(targets.Preferred.Select(provider => WatchAsync(provider, stoppingToken)));
    }

    private async Task WatchAsync(string provider, CancellationToken stopping)
    {
        for (var isWanted = !targets.IsOptional(provider); !stopping.IsCancellationRequested;)
        {
            var (before, now) = (_seen.GetValueOrDefault(provider), await LookAsync(provider, stopping));
            if (stopping.IsCancellationRequested)
            {
                return; // the look was given up, whatever the engine would have said
            }
            isWanted |= now.Available; // once it was there it is missed
            Log(provider, isWanted, before, _seen[provider] = now);
            if (_seen.Count == targets.Preferred.Count)
            {
                _allSeen.TrySetResult();
            }
            await Task.WhenAny(Task.Delay(targets.StatusLifeOf(provider) * 0.75, time, stopping));
        }
    }

    private void Log(string provider, bool isWanted, AdapterStatus? before, AdapterStatus now)
    {
        if (now.Available && before is not { Available: true })
        {
            logger.LogInformation("{Provider} answers: {Version} at {Endpoint}", provider, now.Version, now.Endpoint);
        }
        else if (!now.Available && now.Reason != before?.Reason)
        {
            logger.Log(isWanted ? LogLevel.Warning : LogLevel.Debug, "{Provider} does not answer: {Reason}", provider, now.Reason);
        }
    }

    private async Task<AdapterStatus> LookAsync(string provider, CancellationToken stopping)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        patience.CancelAfter(Patience);
        try
        {
            return await targets.LookAsync(provider, null, patience.Token);
        }
        catch (OperationCanceledException)
        {
            return new AdapterStatus(false, null, null, $"{provider} did not answer within {Patience.TotalSeconds} seconds");
        }
        catch (Exception defect)
        {
            logger.LogError(defect, "{Provider} was not looked at.", provider);
            return new AdapterStatus(false, null, null, $"{provider} could not be asked");
        }
    }
}
