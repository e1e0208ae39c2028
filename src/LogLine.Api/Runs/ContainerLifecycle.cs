namespace LogLine.Api.Runs;

/// <summary>What can be done to a container from where it stands (containers, "Lifecycle").</summary>
public static class ContainerLifecycle
{
    /// <summary>The legal operations.</summary>
    public static IReadOnlyList<string> Legal(WorkloadState state) => state switch
    {
        WorkloadState.Created => ["start", "remove", "remove with force"],
        WorkloadState.Running => ["pause", "stop", "kill", "restart", "exec", "logs", "stats", "copy", "commit", "remove with force"],
        WorkloadState.Paused => ["unpause", "stop", "kill", "remove with force"],
        _ => ["start", "restart", "remove", "remove with force", "logs", "copy", "commit"],
    };
}
