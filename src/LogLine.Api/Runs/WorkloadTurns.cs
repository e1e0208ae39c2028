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
            if (!turn.Gate.Wait(0, CancellationToken.None))
            {
                await turn.Gate.WaitAsync(cancel);
            }
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

    /// <summary>The same for as long as there is patience; null when whoever has the turn did not give it back until then. One that is free is taken without any.</summary>
    public async Task<IDisposable?> TakeAsync(string provider, string tenant, string name, TimeSpan patience, TimeProvider time, CancellationToken cancel)
    {
        using var over = new CancellationTokenSource(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancel);
        try
        {
            return await TakeAsync(provider, tenant, name, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
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
