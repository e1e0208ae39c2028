using System.Diagnostics;
using LogLine.Api.Tests.Ledger.Stores;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgresCluster))]

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>
/// A PostgreSQL server of the tests' own: a new cluster in a temporary folder, reached through a socket in it and through nothing else, run by an ordinary user. It
/// starts when the first test asks, and ends with the tests. Without PostgreSQL's programs the tests are skipped, or fail where nothing may be missing.
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    private static readonly string[] Places = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/bin"];
    private readonly SemaphoreSlim _turn = new(1);
    private string? _folder;
    private Process? _server;

    /// <summary>The server's process.</summary>
    public int ProcessId => _server!.Id;

    /// <summary>A new, empty database; its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        await _turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_folder is null)
            {
                await InitialiseAsync(Programs());
                await StartAsync();
            }
            var name = "t" + Guid.NewGuid().ToString("N");
            await using var source = NpgsqlDataSource.Create(ConnectionTo("postgres"));
            await using var create = source.CreateCommand($"CREATE DATABASE {name}");
            await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            return ConnectionTo(name);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Kills the server and all its children at once, as a machine that fails would.</summary>
    public async Task KillAsync()
    {
        var children = await OutputAsync("pgrep", "-P", ProcessId.ToString());
        _server!.Kill();
        foreach (var child in children.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            await OutputAsync("kill", "-KILL", child);
        }
        await _server.WaitForExitAsync();
    }

    /// <summary>Starts it again where it was; returns when it answers.</summary>
    public async Task StartAsync()
    {
        // What a killed one left may still be ending, and it does not start beside that.
        for (var tries = 600; !await IsStartedAsync(); tries--)
        {
            Assert.True(tries > 0, "PostgreSQL ended before it answered.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task<bool> IsStartedAsync()
    {
        var programs = Programs();
        _server = Process.Start(AsOrdinaryUser(Path.Combine(programs, "postgres"), "-D", Path.Combine(_folder!, "data"), "-k", _folder!, "-c", "listen_addresses=", "-c", "max_connections=1000", "-c", "log_min_messages=fatal"))!;
        _server.ErrorDataReceived += (_, _) => { };
        _server.OutputDataReceived += (_, _) => { };
        _server.BeginErrorReadLine();
        _server.BeginOutputReadLine();
        while (await ExitCodeAsync(new ProcessStartInfo(Path.Combine(programs, "pg_isready"), ["-q", "-h", _folder!, "-d", "postgres"])) != 0)
        {
            if (_server.HasExited)
            {
                return false;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
        }
        return true;
    }

    private async Task InitialiseAsync(string programs)
    {
        var folder = Directory.CreateTempSubdirectory("lpg").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            await OutputAsync("chown", "postgres:", folder);
        }
        var made = await ExitCodeAsync(AsOrdinaryUser(Path.Combine(programs, "initdb"), "-D", Path.Combine(folder, "data"), "-A", "trust", "-U", "logline", "-E", "UTF8", "--locale=C", "--no-sync", "-N"));
        Assert.Equal(0, made);
        _folder = folder;
    }

    private string ConnectionTo(string database) => $"Host={_folder};Username=logline;Database={database};Maximum Pool Size=20";

    private static string Programs()
    {
        foreach (var place in Places)
        {
            var parts = place.Split('*');
            var folders = parts.Length == 1
                ? [place]
                : Directory.Exists(Path.GetDirectoryName(parts[0] + "x")) ? Directory.GetDirectories(Path.GetDirectoryName(parts[0] + "x")!).Select(folder => folder + parts[1]).Order().Reverse().ToArray() : [];
            if (folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb"))) is { } found)
            {
                return found;
            }
        }
        const string Missing = "PostgreSQL's programs are not installed; tests/run installs them as root on Debian or Ubuntu (package postgresql).";
        if (Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1")
        {
            Assert.Fail(Missing);
        }
        Assert.Skip(Missing);
        return "";
    }

    // PostgreSQL refuses to run as root.
    private static ProcessStartInfo AsOrdinaryUser(string program, params string[] arguments)
    {
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        (start.RedirectStandardOutput, start.RedirectStandardError, start.WorkingDirectory) = (true, true, "/");
        return start;
    }

    private static async Task<int> ExitCodeAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync(), process.WaitForExitAsync());
        return process.ExitCode;
    }

    private static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is { HasExited: false })
        {
            // At once, but so that it removes what it has in shared memory.
            await OutputAsync("kill", "-QUIT", ProcessId.ToString());
            await _server.WaitForExitAsync();
        }
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
        _turn.Dispose();
    }
}
