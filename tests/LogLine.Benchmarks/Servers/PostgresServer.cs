using System.Globalization;
using Npgsql;

namespace LogLine.Benchmarks.Servers;

/// <summary>The processes of a PostgreSQL server on this machine, for what they cost.</summary>
internal sealed class PostgresServer
{
    private const double TicksPerSecond = 100; // USER_HZ, which is 100 wherever Linux runs .NET
    private readonly int _main;

    private PostgresServer(int main) => _main = main;

    /// <summary>The server behind a connection string; null when its processes are not to be seen from here.</summary>
    public static async Task<PostgresServer?> FindAsync(string connection)
    {
        try
        {
            await using var server = new NpgsqlConnection(connection);
            await server.OpenAsync();
            await using var command = new NpgsqlCommand("SELECT pg_read_file('postmaster.pid')", server);
            var main = int.Parse(((string)(await command.ExecuteScalarAsync())!).Split('\n')[0], CultureInfo.InvariantCulture);
            return Path.Exists($"/proc/{main}/stat") ? new PostgresServer(main) : null;
        }
        catch (PostgresException)
        {
            return null; // not a superuser
        }
    }

    /// <summary>Processor time of all of them, those that have ended included.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            var ticks = 0L;
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder), out var process) && Fields(process) is { } fields && (process == _main || fields[1] == _main))
                {
                    ticks += fields[11] + fields[12] + (process == _main ? fields[13] + fields[14] : 0);
                }
            }
            return TimeSpan.FromSeconds(ticks / TicksPerSecond);
        }
    }

    // From the state on, which stands behind the name in brackets: parent is number 1, then user and system time, and those of children that have ended.
    private static long[]? Fields(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return [.. stat[(stat.LastIndexOf(')') + 2)..].Split(' ').Select(field => long.TryParse(field, out var number) ? number : 0)];
        }
        catch (IOException)
        {
            return null; // it has ended meanwhile
        }
    }
}
