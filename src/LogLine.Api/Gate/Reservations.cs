namespace LogLine.Api.Gate;

/// <summary>
/// What requests in progress claim: keys, names, nonces, subjects. The second waits for the first, so it sees what the first committed, or
/// that it was refused. All claims of a request are taken at once and in one order, so that no two wait for each other.
/// </summary>
public sealed class Reservations
{
    /// <summary>
    /// How long a request waits for another one before it is told to come back: a little more than the other may wait for a container's turn
    /// (<see cref="GateState.OperationWait"/>), so that the next in line learns which run it waits for.
    /// </summary>
    public static readonly TimeSpan MaxWait = GateState.OperationWait + TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, Claim> _claims = [];
    private readonly Lock _lock = new();

    /// <summary>Takes all of the names. Null when one of them was not free in time.</summary>
    public async ValueTask<IDisposable?> TakeAsync(IEnumerable<string> names, CancellationToken cancel)
    {
        var held = new Held(this);
        var ordered = names.ToArray();
        Array.Sort(ordered, StringComparer.Ordinal);
        foreach (var name in ordered)
        {
            if (held.Names.Count > 0 && held.Names[^1] == name)
            {
                continue; // named twice
            }
            Claim? claim;
            lock (_lock)
            {
                if (_claims.TryGetValue(name, out claim))
                {
                    claim.Users++;
                    claim.Turn ??= new SemaphoreSlim(0);
                }
                else
                {
                    _claims.Add(name, new Claim());
                }
            }
            try
            {
                if (claim is not null && !await claim.Turn!.WaitAsync(MaxWait, cancel))
                {
                    Leave(name);
                    held.Dispose();
                    return null;
                }
            }
            catch (OperationCanceledException)
            {
                Leave(name);
                held.Dispose();
                throw;
            }
            held.Names.Add(name);
        }
        return held;
    }

    private void Leave(string name)
    {
        lock (_lock)
        {
            var claim = _claims[name];
            if (--claim.Users == 0)
            {
                _claims.Remove(name);
            }
        }
    }

    private void Release(string name)
    {
        lock (_lock)
        {
            var claim = _claims[name];
            if (--claim.Users == 0)
            {
                _claims.Remove(name);
            }
            else
            {
                claim.Turn!.Release();
            }
        }
    }

    /// <summary>One name: its holder and those who wait. The first holder never waits, so the semaphore comes with the second, empty.</summary>
    private sealed class Claim
    {
        public int Users = 1;

        public SemaphoreSlim? Turn;
    }

    private sealed class Held(Reservations owner) : IDisposable
    {
        public List<string> Names { get; } = [];

        public void Dispose()
        {
            foreach (var name in Names)
            {
                owner.Release(name);
            }
            Names.Clear();
        }
    }
}
