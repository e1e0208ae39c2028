namespace LogLine.Api.Runs;

/// <summary>Who waits for changes of which run: a change wakes those who wait for that run and nobody else, however many runs are watched.</summary>
public sealed class RunSignals
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<RunSignal>> _signals = [];

    /// <summary>Listens for changes of a run, from now until it is disposed.</summary>
    public RunSignal Watch(string runId)
    {
        var signal = new RunSignal(runId, Forget);
        lock (_lock)
        {
            (_signals.TryGetValue(runId, out var known) ? known : _signals[runId] = []).Add(signal);
        }
        return signal;
    }

    /// <summary>A run has changed.</summary>
    public void Raise(string runId)
    {
        lock (_lock)
        {
            _signals.GetValueOrDefault(runId)?.ForEach(signal => signal.Raise());
        }
    }

    /// <summary>Any run may have changed.</summary>
    public void RaiseAll()
    {
        lock (_lock)
        {
            foreach (var signals in _signals.Values)
            {
                signals.ForEach(signal => signal.Raise());
            }
        }
    }

    private void Forget(RunSignal signal)
    {
        lock (_lock)
        {
            if (_signals.TryGetValue(signal.RunId, out var known) && known.Remove(signal) && known.Count == 0)
            {
                _signals.Remove(signal.RunId);
            }
        }
    }
}

/// <summary>Listens for changes of one run.</summary>
public sealed class RunSignal(string runId, Action<RunSignal> forget) : IDisposable
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The run.</summary>
    public string RunId => runId;

    /// <summary>Completes at the next change. Taken before the state is read, so that no change falls in between.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <inheritdoc/>
    public void Dispose() => forget(this);

    internal void Raise() => Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
