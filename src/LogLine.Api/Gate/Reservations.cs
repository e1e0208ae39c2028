using System.Runtime.InteropServices;

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

    // A claim that is held and that nobody waits for has no line.
    private readonly Dictionary<Claim, ClaimLine?> _held = [];
    private readonly Lock _lock = new();

    /// <summary>Takes all of the claims, and puts them in order, each once. Null when one of them was not free in time.</summary>
    public async ValueTask<IDisposable?> TakeAsync(List<Claim> claims, CancellationToken cancel)
    {
        InOrder(claims);
        var held = new Held(this, claims);
        for (; held.Count < claims.Count; held.Count++)
        {
            var claim = claims[held.Count];
            var line = Join(claim);
            try
            {
                if (line is not null && !await line.Turn.WaitAsync(MaxWait, cancel))
                {
                    Leave(claim);
                    held.Dispose();
                    return null;
                }
            }
            catch (OperationCanceledException)
            {
                Leave(claim);
                held.Dispose();
                throw;
            }
        }
        return held;
    }

    private static void InOrder(List<Claim> claims)
    {
        claims.Sort();
        for (var i = claims.Count - 1; i > 0; i--)
        {
            if (claims[i] == claims[i - 1])
            {
                claims.RemoveAt(i);
            }
        }
    }

    /// <summary>Takes a claim that is free; else the line to wait in.</summary>
    private ClaimLine? Join(Claim claim)
    {
        lock (_lock)
        {
            ref var line = ref CollectionsMarshal.GetValueRefOrAddDefault(_held, claim, out var isHeld);
            if (!isHeld)
            {
                return null;
            }
            line ??= new ClaimLine();
            line.Users++;
            return line;
        }
    }

    private void Leave(Claim claim)
    {
        lock (_lock)
        {
            if (--_held[claim]!.Users == 0)
            {
                _held.Remove(claim);
            }
        }
    }

    private void Release(Claim claim)
    {
        lock (_lock)
        {
            if (_held.Remove(claim, out var line) && line is not null && --line.Users > 0)
            {
                _held.Add(claim, line);
                line.Turn.Release();
            }
        }
    }

    /// <summary>The holder of a claim and those who wait for it; made by the first who waits.</summary>
    private sealed class ClaimLine
    {
        public int Users = 1;

        public SemaphoreSlim Turn { get; } = new(0);
    }

    /// <summary>The first <see cref="Count"/> of the claims are held.</summary>
    private sealed class Held(Reservations owner, List<Claim> claims) : IDisposable
    {
        public int Count { get; set; }

        public void Dispose()
        {
            for (; Count > 0; Count--)
            {
                owner.Release(claims[Count - 1]);
            }
        }
    }
}
