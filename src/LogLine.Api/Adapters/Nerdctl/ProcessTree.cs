using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>Processes as this machine's kernel shows them, and how they are asked to end. Only Linux shows them so; elsewhere there are none to see.</summary>
internal static class ProcessTree
{
    const int Sigterm = 15;

    /// <summary>The ids of all.</summary>
    public static IEnumerable<int> All() => !OperatingSystem.IsLinux() ? [] : Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => name!.All(char.IsAsciiDigit)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture));

    /// <summary>The parent of one; 0 when it is gone.</summary>
    public static int Parent(int pid) => Stat(pid) is [_, var parent, ..] && int.TryParse(parent, out var number) ? number : 0;

    /// <summary>All that one has started, with what those have.</summary>
    public static IReadOnlyList<StartedProcess> Below(int pid)
    {
        var children = All().ToLookup(Parent);
        List<StartedProcess> found = [];
        for (IReadOnlyList<int> level = [pid]; level.Count > 0;)
        {
            level = [.. level.SelectMany(one => children[one])];
            found.AddRange(level.Select(one => new StartedProcess(one, Parent(one), Since(one))));
        }
        return found;
    }

    /// <summary>True while that very process is there, and not another one of its id; one that has ended and that nobody has asked after is not.</summary>
    public static bool IsThere(StartedProcess process) => Since(process.Id) is { } since && since == process.Since && Stat(process.Id) is [not "Z", ..];

    /// <summary>Asks it to end (SIGTERM); where there is no such thing nothing happens.</summary>
    public static void Terminate(int pid)
    {
        if (!OperatingSystem.IsWindows())
            _ = kill(pid, Sigterm);
    }

    /// <summary>Ends it (SIGKILL).</summary>
    public static void Kill(StartedProcess process)
    {
        try
        {
            using var one = Process.GetProcessById(process.Id);
            one.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // Gone by itself, or not ours to end.
        }
    }

    static string? Since(int pid) => Stat(pid) is { Length: > 19 } words ? words[19] : null;

    /// <summary>What the kernel says of one, from its state on: the name before it, in parentheses, may hold anything.</summary>
    static string[] Stat(int pid)
    {
        var stat = Read($"/proc/{pid}/stat");
        return stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>A file of the kernel's; empty when what it is about is gone, or is not ours to see.</summary>
    public static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [DllImport("libc")]
    static extern int kill(int pid, int signal);
}

/// <summary>A process, and when it was started, as the kernel writes it: ids are given again.</summary>
internal sealed record StartedProcess(int Id, int Parent, string? Since);
