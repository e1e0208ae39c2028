using System.Diagnostics;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// Processes of a container as this machine's kernel shows them. A command line that runs a command in a container cannot end it: when it is killed itself, the command goes on.
/// What entered a container from outside can be told from what was born in it, so the one that was started here can be found and ended.
/// </summary>
internal static class ContainerProcesses
{
    /// <summary>Exit code of what SIGKILL has ended.</summary>
    public const int KilledExitCode = 137;

    /// <summary>The processes of a container whose parent is not of it: its first one, and commands that were run in it.</summary>
    public static IReadOnlySet<int> Entered(string containerId)
    {
        var own = ProcessTree.All().Where(pid => IsOf(pid, containerId)).ToHashSet();
        return own.Where(pid => !own.Contains(ProcessTree.Parent(pid))).ToHashSet();
    }

    /// <summary>Ends what has entered since; false when it is still there, or cannot be reached. Commands in one container are one at a time, so there is one at most.</summary>
    public static bool End(string containerId, IReadOnlySet<int> before)
    {
        foreach (var pid in Entered(containerId).Except(before))
        {
            try
            {
                using var process = Process.GetProcessById(pid);
                process.Kill(entireProcessTree: true);
                process.WaitForExit(TimeSpan.FromSeconds(2));
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException)
            {
                // Gone by itself, or not ours to end: the look below says which.
            }
        }
        return before.Count > 0 && !Entered(containerId).Except(before).Any();
    }

    static bool IsOf(int pid, string containerId) => ProcessTree.Read($"/proc/{pid}/cgroup").Contains(containerId, StringComparison.Ordinal);
}
