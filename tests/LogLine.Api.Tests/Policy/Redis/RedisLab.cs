using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace LogLine.Api.Tests.Policy.Redis;

/// <summary>
/// A Redis of a test's own: a real server on a socket in a temporary folder, and a proxy in front of it on a port of its own, which can be slow. Without
/// redis-server the test is skipped, or fails where nothing may be missing.
/// </summary>
internal sealed class RedisLab : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lredis").FullName;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private Process? _server;

    private string SocketPath => Path.Combine(_folder, "s");

    /// <summary>What a gateway is told.</summary>
    public string Connection => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>How long the proxy keeps back what Redis says.</summary>
    public TimeSpan Slowness { get; set; }

    public static async Task<RedisLab> OpenAsync()
    {
        var lab = new RedisLab();
        await lab.StartAsync();
        lab._listener.Start();
        _ = lab.AcceptAsync();
        return lab;
    }

    /// <summary>Starts the server, empty; returns when it answers.</summary>
    public async Task StartAsync()
    {
        try
        {
            _server = Process.Start(new ProcessStartInfo("redis-server", ["--port", "0", "--unixsocket", SocketPath, "--save", "", "--appendonly", "no", "--dir", _folder]) { RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            const string Missing = "redis-server is not installed; tests/run installs it as root on Debian or Ubuntu.";
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", Missing);
            Assert.Skip(Missing);
        }
        _ = _server!.StandardOutput.ReadToEndAsync(CancellationToken.None);
        while (await CommandAsync("PING") != "+PONG")
        {
            Assert.False(_server.HasExited, "Redis ended before it answered.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Kills it as a machine that fails would.</summary>
    public async Task KillAsync()
    {
        _server!.Kill();
        await _server.WaitForExitAsync();
        File.Delete(SocketPath);
    }

    /// <summary>Makes it stand still, with its connections open.</summary>
    public void Pause() => Signal("STOP");

    /// <summary>Lets it go on.</summary>
    public void Continue() => Signal("CONT");

    private void Signal(string name) => Process.Start("kill", ["-" + name, _server!.Id.ToString()]).WaitForExit();

    /// <summary>Sends one command past the proxy; the first line of the answer, or null when there is none.</summary>
    public async Task<string?> CommandAsync(string command)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"));
            using var reader = new StreamReader(stream);
            return await reader.ReadLineAsync();
        }
        catch (Exception defect) when (defect is SocketException or IOException)
        {
            return null;
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ForwardAsync(await _listener.AcceptSocketAsync(_closing.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // The test has ended.
        }
    }

    private async Task ForwardAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await server.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), _closing.Token);
            await using var near = new NetworkStream(client, ownsSocket: true);
            await using var far = new NetworkStream(server);
            await Task.WhenAny(CopyAsync(near, far, () => TimeSpan.Zero), CopyAsync(far, near, () => Slowness));
        }
        catch (Exception defect) when (defect is SocketException or IOException or OperationCanceledException)
        {
            client.Dispose();
        }
    }

    private async Task CopyAsync(Stream from, Stream to, Func<TimeSpan> slowness)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, _closing.Token) is > 0 and var count)
        {
            if (slowness() is { Ticks: > 0 } pause)
            {
                await Task.Delay(pause, TimeProvider.System, _closing.Token);
            }
            await to.WriteAsync(buffer.AsMemory(0, count), _closing.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Dispose();
        if (_server is { HasExited: false })
        {
            Continue();
            await KillAsync();
        }
        Directory.Delete(_folder, recursive: true);
    }
}
