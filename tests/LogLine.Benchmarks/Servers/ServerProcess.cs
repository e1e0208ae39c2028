using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;

namespace LogLine.Benchmarks.Servers;

/// <summary>A server in a process of its own, ended with this object.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private bool _ended;

    private ServerProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    public IPEndPoint EndPoint => new(IPAddress.Parse(Address.Host), Address.Port);

    /// <summary>Processor time that it has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>The yardstick.</summary>
    public static Task<ServerProcess> StartYardstickAsync() =>
        StartAsync([Assembly("LogLine.Benchmarks"), "yardstick", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))]);

    /// <summary>The gateway, on a data folder.</summary>
    public static Task<ServerProcess> StartGatewayAsync(string folder, IReadOnlyDictionary<string, string?>? environment = null) =>
        StartAsync([Assembly("LogLine.Api"), "--data", folder, "--urls", "http://127.0.0.1:0"], environment);

    /// <summary>A worker of that gateway, on a data folder; it listens nowhere that matters.</summary>
    public static ServerProcess StartWorker(string folder, Uri gateway, string token, IReadOnlyDictionary<string, string?> environment)
    {
        var process = Start([Assembly("LogLine.Api"), "--role", "worker", "--data", folder, $"--LogLine:Worker:Gateway={gateway}", $"--LogLine:Worker:Token={token}", "--LogLine:Worker:Name=bench"], environment);
        _ = DrainAsync(process);
        return new ServerProcess(process, gateway);
    }

    private static string Assembly(string name) => Path.Combine(AppContext.BaseDirectory, name + ".dll");

    private static Process Start(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = AppContext.BaseDirectory };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
    }

    private static async Task<ServerProcess> StartAsync(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var process = Start(arguments, environment);
        var said = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (line.IndexOf("listens on http", StringComparison.Ordinal) is >= 0 and var at)
            {
                var address = new Uri(line[(at + "listens on ".Length)..].Split(';', ' ')[0]);
                _ = DrainAsync(process);
                return new ServerProcess(process, address);
            }
        }
        throw new InvalidOperationException($"{Path.GetFileName(arguments[0])} ended before it listened:\n{string.Join('\n', said)}");
    }

    // A server whose output nobody reads stops at a full pipe.
    private static async Task DrainAsync(Process process)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains(" ERR ", StringComparison.Ordinal) || line.Contains(" FTL ", StringComparison.Ordinal))
            {
                await Console.Error.WriteLineAsync(line);
            }
        }
    }

    /// <summary>Ends it as an operator would, and waits for it; a second time does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;
        }
        _ended = true;
        _process.StandardInput.Close();
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }
}
