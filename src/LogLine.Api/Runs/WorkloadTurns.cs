namespace LogLine.Api.Runs;

/// <summary>One operation on one thing at a time, first of all on a container (containers, "Lifecycle"): whoever comes second waits for its turn.</summary>
public sealed class WorkloadTurns
{
    private readonly Dictionary<(string Provider, string Tenant, string Name), Turn> _turns = [];
    private readonly Lock _lock = new();

    /// <summary>Waits for the turn and takes it; disposed, it goes to the next.</summary>
    public async Task<IDisposable> TakeAsync(string provider, string tenant, string name, CancellationToken cancel)
    {
        var key = (provider, tenant, name);
        Turn turn;
        lock (_lock)
        {
            turn = _turns.TryGetValue(key, out var known) ? known : _turns[key] = new Turn();
            turn.Users++;
        }
        try
        {
            await turn.Gate.WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            Leave(key, turn);
            throw;
        }
        return new Held(() =>
        {
            turn.Gate.Release();
            Leave(key, turn);
        });
    }

    private void Leave((string, string, string) key, Turn turn)
    {
        lock (_lock)
        {
            if (--turn.Users == 0)
            {
                _turns.Remove(key);
            }
        }
    }

    private sealed class Turn
    {
        public int Users;

        public SemaphoreSlim Gate { get; } = new(1);
    }

    private sealed class Held(Action release) : IDisposable
    {
        private Action? _release = release;

        public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
    }
}
