using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// What can be done to a container from where it stands: the table of containers, "Lifecycle", as data. The engine's truth is read before each
/// decision; what is not in the table is a conflict and never reaches the engine.
/// </summary>
public static class ContainerLifecycle
{
    private const WorkloadState Created = WorkloadState.Created, Running = WorkloadState.Running, Paused = WorkloadState.Paused, Stopped = WorkloadState.Stopped;

    /// <summary>Removal of what still runs is an operation of its own, since it is legal where removal is not.</summary>
    private const string ForcedRemoval = "remove with force";

    /// <summary>From, operation, to. No "from" is a container that does not exist; no "to" is one that is gone, or where it stays as it is.</summary>
    private static readonly (WorkloadState? From, string Operation, WorkloadState? To)[] Steps =
    [
        (null, "create", Created),
        (Created, "start", Running), (Created, "connect", Created), (Created, "remove", null), (Created, ForcedRemoval, null),
        (Running, "pause", Paused), (Running, "stop", Stopped), (Running, "kill", Stopped), (Running, "restart", Running),
        (Running, "exec", Running), (Running, "logs", Running), (Running, "stats", Running), (Running, "top", Running), (Running, "copy", Running),
        (Running, "commit", Running), (Running, "connect", Running), (Running, "update", Running), (Running, ForcedRemoval, null),
        (Paused, "unpause", Running), (Paused, "stop", Stopped), (Paused, "kill", Stopped), (Paused, ForcedRemoval, null),
        (Stopped, "start", Running), (Stopped, "restart", Running), (Stopped, "remove", null), (Stopped, ForcedRemoval, null),
        (Stopped, "logs", Stopped), (Stopped, "copy", Stopped), (Stopped, "commit", Stopped), (Stopped, "connect", Stopped),
    ];

    /// <summary>These only look, so they may go on beside anything.</summary>
    private static readonly HashSet<string> Looks = ["logs", "stats", "top"];

    /// <summary>The operation that a payload asks for: removal with <c>force</c> is another one than removal.</summary>
    public static string Operation(string operation, JsonElement payload) =>
        operation == "remove" && payload.Flag("force") == true ? ForcedRemoval : operation;

    /// <summary>The legal operations; <paramref name="state"/> is null when there is no such container.</summary>
    public static IReadOnlyList<string> Legal(WorkloadState? state) => [.. Steps.Where(step => step.From == state).Select(step => step.Operation)];

    /// <summary>True when the operation is legal there.</summary>
    public static bool IsLegal(WorkloadState? state, string operation) => Steps.Any(step => step.From == state && step.Operation == operation);

    /// <summary>True when the operation leads from somewhere to <paramref name="state"/>: where it stands may be its work already.</summary>
    public static bool LeadsTo(string operation, WorkloadState? state) => Steps.Any(step => step.Operation == operation && step.To == state);

    /// <summary>True when the operation takes its turn: two of them on one container never overlap.</summary>
    public static bool TakesTurn(string operation) => !Looks.Contains(operation);

    /// <summary>The state's name on the wire.</summary>
    public static string Name(WorkloadState? state) => state?.ToString().ToLowerInvariant() ?? "nonexistent";
}
