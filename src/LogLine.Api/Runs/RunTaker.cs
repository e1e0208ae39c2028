using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>
/// The worker in the gateway's own process. It has its runs from the commit on that admits them: that commit leases them to it and says that they are pending, so that nobody looks for them
/// and nothing more is written before they begin. A process that dies behind the commit leaves a run that is pending, as a worker does that dies right after it said so.
/// </summary>
/// <param name="Holder">Under which name it has runs, and for how long.</param>
/// <param name="Worker">The worker's name, as <c>run_state.pending</c> says it.</param>
/// <param name="Takes">Whether it has room for a run of that provider, and can carry it out.</param>
/// <param name="Begin">Begins a run, and returns at once.</param>
/// <param name="LookAhead">Begins what a run only looks at, before it is durable; null for a run that does more, or that cannot be looked at so.</param>
public sealed record RunTaker(RunHolder Holder, string Worker, Func<string, bool> Takes, Action<TakenRun> Begin, Func<TakenRun, Task<PrimitiveResult>?> LookAhead);

/// <summary>A container as the gate saw it; <paramref name="Found"/> is null when there was none.</summary>
/// <param name="Found">The container.</param>
/// <param name="At">When it was looked at (<see cref="TimeProvider.GetTimestamp"/>).</param>
public sealed record SeenWorkload(Workload? Found, long At)
{
    /// <summary>So long what the gate saw is as good as a look of the worker's own, where that is enough (<see cref="PrimitiveTable.NeedsNoSecondLook"/>).</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMilliseconds(25);
}

/// <summary>A run that a worker has from its admission on.</summary>
/// <param name="Planned">The run as it was admitted.</param>
/// <param name="Taker">Who has it.</param>
/// <param name="Now">When it was admitted.</param>
/// <param name="Since">The same moment (<see cref="TimeProvider.GetTimestamp"/>): the lease is certain for its life from then on.</param>
/// <param name="Seen">What the gate saw of its container; null when it did not look.</param>
public sealed record TakenRun(RunRow Planned, RunTaker Taker, DateTimeOffset Now, long Since, SeenWorkload? Seen)
{
    /// <summary>The run as it stands behind the commit.</summary>
    public RunRow Run { get; } = Planned with { State = RunState.Pending };

    /// <summary>What the engine shows to a run that only looks, asked for while the run is being committed; null for any other run. Nobody is told of it before the run is durable.</summary>
    public Task<PrimitiveResult>? Ahead { get; private set; }

    /// <summary>Begins to look, if that is all that the run does. Called once, while it is being committed; where it is not committed after all, nothing was changed.</summary>
    public void LookAhead() => Ahead = Taker.LookAhead(this);

    /// <summary>What admits it, with the lease.</summary>
    public LedgerEffect Created => new LedgerEffect.RunCreated(Planned) { Holder = Taker.Holder.Name, Lease = new LedgerEffect.LeaseRenewal(Now, Taker.Holder.Life) };

    /// <summary>What says that it is pending.</summary>
    public ServerSpan Pending(ServerIdentity identity)
    {
        const RunState State = RunState.Pending;
        var intent = RunStates.Intent(State)!;
        var report = new RunReport(State) { Facts = json => json.WriteString("worker", Taker.Worker) };
        var span = identity.Sign(Planned.Tenant, Planned.Env, intent, RunEvents.EntityType(intent), Planned.Subject, Now, json => RunEvents.Write(json, Planned, report, Now));
        return span with { RunId = Planned.RunId, Effects = [new LedgerEffect.RunMoved(Planned.State, RunEvents.Apply(Planned, State, span.Span.Payload, null))] };
    }
}
