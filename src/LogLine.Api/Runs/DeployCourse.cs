using LogLine.Api.Ledger;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>How a deploy gets its container into the service's place.</summary>
public enum DeployStrategy
{
    /// <summary>The same ref runs there, or is about to: nothing is done.</summary>
    Unchanged,
    /// <summary>Nothing runs there: create, start.</summary>
    Create,
    /// <summary>The new container is healthy before the old one is stopped.</summary>
    Beside,
    /// <summary>Both want the same host port: the old container is stopped before the new one starts.</summary>
    Recreate,
}

/// <summary>
/// What the gate decided about a deploy by the engine's truth, kept in the run's row: whatever worker carries the run out, or takes it over, follows
/// the same course.
/// </summary>
/// <param name="Strategy">How it gets there.</param>
/// <param name="GoesBack">Whether the old container is started again when the new one does not get to run.</param>
/// <param name="OldContainer">The container that is replaced, or null.</param>
/// <param name="OldRun">That container's live run, or null.</param>
public sealed record DeployCourse(DeployStrategy Strategy, bool GoesBack, string? OldContainer, string? OldRun)
{
    /// <summary>True when there is a container to replace.</summary>
    public bool Replaces => OldContainer is not null;

    /// <summary>The course of a run. A run without one is a primitive's, or began before there were any: it replaces nothing.</summary>
    public static DeployCourse Of(RunRow run)
    {
        using var detail = System.Text.Json.JsonDocument.Parse(run.Detail);
        var order = detail.RootElement.Member(RunDetail.HiddenMember);
        return new DeployCourse(
            order.Text("strategy") switch { "beside" => DeployStrategy.Beside, "recreate" => DeployStrategy.Recreate, _ => DeployStrategy.Create },
            order.Flag("goes_back") ?? false, order.Text("container_id"), order.Text("run_id"));
    }

    /// <summary>The detail of a run that follows this course; one that replaces nothing needs no word about it.</summary>
    public string ToDetail() => !Replaces ? "{}" : RunDetail.With("{}", json =>
    {
        json.WriteStartObject(RunDetail.HiddenMember);
        json.WriteString("strategy", Name(Strategy));
        json.WriteBoolean("goes_back", GoesBack);
        json.WriteString("container_id", OldContainer);
        json.WriteString("run_id", OldRun);
        json.WriteEndObject();
    });

    /// <summary>
    /// True from the moment on from which the old container may be stopped in favour of <paramref name="run"/>: when it runs, or, where both cannot
    /// run at once, when its container is made.
    /// </summary>
    public bool TakesOver(RunRow run) => Replaces && !run.HasEnded && run.State >= (Strategy == DeployStrategy.Recreate ? RunState.Applied : RunState.Running);

    /// <summary>The name on the wire.</summary>
    public static string Name(DeployStrategy strategy) => strategy switch
    {
        DeployStrategy.Unchanged => "unchanged",
        DeployStrategy.Create => "create",
        DeployStrategy.Beside => "beside",
        _ => "recreate",
    };
}
