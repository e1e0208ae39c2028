using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>The state machine of a run (contract, section 7): one terminal state, ever.</summary>
public static class RunStates
{
    /// <summary>The steps that there are. An end before <c>running</c> is <c>failed</c>, after it <c>exited</c>; cancelled from anywhere; running again after a restart.</summary>
    public static bool IsLegal(RunState from, RunState to) => (from, to) switch
    {
        (RunState.Planned, RunState.Pending or RunState.Failed or RunState.Cancelled) => true,
        (RunState.Pending, RunState.Applied or RunState.Running or RunState.Failed or RunState.Cancelled) => true,
        (RunState.Applied, RunState.Running or RunState.Failed or RunState.Cancelled) => true,
        (RunState.Running, RunState.Running or RunState.Exited or RunState.Cancelled) => true,
        _ => false,
    };

    /// <summary>True when each state can follow the one before it, the first one <paramref name="from"/>.</summary>
    public static bool AreLegal(RunState from, IEnumerable<RunState> states)
    {
        foreach (var to in states)
        {
            if (!IsLegal(from, to))
            {
                return false;
            }
            from = to;
        }
        return true;
    }

    /// <summary>The intent of the span that says it; null for <c>planned</c>, which the gate says.</summary>
    public static string? Intent(RunState state) => state switch
    {
        RunState.Planned => null,
        RunState.Applied => "deploy.applied",
        _ => "run_state." + Name(state),
    };

    /// <summary>The name on the wire.</summary>
    public static string Name(RunState state) => state switch
    {
        RunState.Planned => "planned",
        RunState.Pending => "pending",
        RunState.Applied => "applied",
        RunState.Running => "running",
        RunState.Exited => "exited",
        RunState.Failed => "failed",
        _ => "cancelled",
    };
}
