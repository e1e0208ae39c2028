using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>
/// An Ack that waits for its run (<c>Prefer: wait</c>). The commit that ends the wait keeps the Ack as well, so that nothing more is written before it is sent; either that commit writes it or
/// whoever waits does, never both.
/// </summary>
/// <param name="index">Where the span stands that it answers.</param>
/// <param name="compose">The Ack, without its receipt, with the run as it stands then.</param>
public sealed class AwaitedAnswer(long index, Func<RunRow, byte[]> compose)
{
    // Whoever waits goes on right here, on the thread that has seen the commit.
    private readonly TaskCompletionSource<byte[]?> _settled = new();
    private int _isTaken;

    /// <summary>Completes with what was kept; with null when the commit that was to keep it was refused.</summary>
    public Task<byte[]?> Settled => _settled.Task;

    /// <summary>The Ack for the commit that brings the run there; null when that does not end the wait, or the Ack is another one's to keep by now.</summary>
    public KeptAnswer? Take(RunRow run) => EndsWait(run) && new KeptAnswer(index, compose(run)) is var kept && TryTake() ? kept : null;

    /// <summary>Whoever waits keeps the Ack itself: true unless a commit has it already, which is then to be waited for (<see cref="Settled"/>).</summary>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;

    /// <summary>The commit is durable, or was refused.</summary>
    public void Settle(byte[]? kept) => _settled.TrySetResult(kept);

    /// <summary>True when there is no more to wait for: a deploy is running or has ended, a primitive has ended.</summary>
    public static bool EndsWait(RunRow run) => run.HasEnded || (run.State == RunState.Running && DeployOrder.IsDeploy(run));
}
