using System.Globalization;
using LogLine.Api.Adapters.Engine;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>What a container uses, from the control groups of its first process (version 1 or 2) and from its network namespace. What cannot be read is left out.</summary>
internal static class KernelStats
{
    const string Root = "/sys/fs/cgroup";

    /// <summary>A reading in the shape of the Engine API.</summary>
    public static StatsReading Read(int pid, DateTimeOffset now)
    {
        var groups = Lines($"/proc/{pid}/cgroup").Select(line => line.Split(':', 3)).Where(parts => parts.Length == 3).ToList();
        string? One(string controller) => groups.FirstOrDefault(parts => parts[1].Split(',').Contains(controller)) is { } parts ? $"{Root}/{parts[1]}{parts[2]}" : null;
        var unified = groups.FirstOrDefault(parts => parts[0] == "0")?[2];
        var isUnified = One("memory") is null;
        var reading = isUnified ? Unified(Root + unified) : Separate(One("cpuacct"), One("memory"), One("pids"), One("blkio"));
        return reading with { Read = now.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), Networks = new() { ["all"] = Network(pid) } };
    }

    static StatsReading Unified(string group) => new()
    {
        Cpu = new(new(Named($"{group}/cpu.stat", "usage_usec") * 1000)),
        Memory = new(Number($"{group}/memory.current"), Number($"{group}/memory.max")),
        Pids = new(Number($"{group}/pids.current")),
        Block = new(
        [
            new("read", Sum($"{group}/io.stat", "rbytes=")),
            new("write", Sum($"{group}/io.stat", "wbytes=")),
        ]),
    };

    static StatsReading Separate(string? cpu, string? memory, string? pids, string? block) => new()
    {
        Cpu = new(new(Number($"{cpu}/cpuacct.usage"))),
        Memory = new(Number($"{memory}/memory.usage_in_bytes"), Number($"{memory}/memory.limit_in_bytes")),
        Pids = new(Number($"{pids}/pids.current")),
        Block = new([new("read", Blocks(block, "Read")), new("write", Blocks(block, "Write"))]),
    };

    /// <summary>Bytes of all its interfaces but the loopback: the columns are eight for what came in, then eight for what went out.</summary>
    static NetworkReading Network(int pid)
    {
        ulong received = 0, sent = 0;
        foreach (var line in Lines($"/proc/{pid}/net/dev").Where(line => line.Contains(':') && !line.TrimStart().StartsWith("lo:", StringComparison.Ordinal)))
        {
            var columns = line[(line.IndexOf(':') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            received += columns.Length > 8 ? Parsed(columns[0]) : 0;
            sent += columns.Length > 8 ? Parsed(columns[8]) : 0;
        }
        return new NetworkReading(received, sent);
    }

    static ulong Blocks(string? group, string word) =>
        Lines($"{group}/blkio.throttle.io_service_bytes").Select(line => line.Split(' ')).Where(parts => parts.Length == 3 && parts[1] == word).Aggregate(0UL, (sum, parts) => sum + Parsed(parts[2]));

    static ulong Sum(string path, string key) =>
        Lines(path).SelectMany(line => line.Split(' ')).Where(word => word.StartsWith(key, StringComparison.Ordinal)).Aggregate(0UL, (sum, word) => sum + Parsed(word[key.Length..]));

    static ulong Named(string path, string name) => Lines(path).Select(line => line.Split(' ')).Where(parts => parts.Length == 2 && parts[0] == name).Select(parts => Parsed(parts[1])).FirstOrDefault();

    static ulong Number(string path) => Lines(path).Select(Parsed).FirstOrDefault();

    static ulong Parsed(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
