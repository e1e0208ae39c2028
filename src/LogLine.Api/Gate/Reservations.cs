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

    /// <summary>Takes all of the names, and puts them in order, each once. Null when one of them was not free in time.</summary>
    public async ValueTask<IDisposable?> TakeAsync(List<string> names, CancellationToken cancel)
    {
        InOrder(names);
        var held = new Held(this, names);
        for (; held.Count < names.Count; held.Count++)
        {
            var name = names[held.Count];
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
        }
        return held;
    }

    private static void InOrder(List<string> names)
    {
        names.Sort(StringComparer.Ordinal);
        for (var i = names.Count - 1; i > 0; i--)
        {
            if (names[i] == names[i - 1])
            {
                names.RemoveAt(i);
            }
        }
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

    /// <summary>The first <see cref="Count"/> of the names are held.</summary>
    private sealed class Held(Reservations owner, List<string> names) : IDisposable
    {
        public int Count { get; set; }

        public void Dispose()
        {
            for (; Count > 0; Count--)
            {
                owner.Release(names[Count - 1]);
            }
        }
    }
}
