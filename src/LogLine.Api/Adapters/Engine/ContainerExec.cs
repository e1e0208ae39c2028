using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Commands inside a container. Nothing goes through a shell; output is bounded while it comes; the time is limited always.</summary>
internal sealed class ContainerExec(OwnContainers containers, EngineClient engine, EngineLimits limits, TimeProvider time)
{
    const int DefaultTimeoutSeconds = 60;

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive> { ["container.exec"] = RunAsync };

    async Task<PrimitiveResult> RunAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var stdin = call.Arguments.Text("stdin_b64") is { } text ? Convert.FromBase64String(text) : null;
        var tty = call.Arguments.Flag("tty") ?? false;
        var reply = await engine.DoAsync($"/containers/{container.Id}/exec", RequestOf(call.Arguments, tty, stdin is not null), EngineJson.Default.ExecRequest, "prepare a command", cancel);
        var exec = reply.Read(EngineJson.Default.ObjectCreated, "prepare a command").Id!;
        await call.Begun();

        var (output, errors) = (new LastBytes(ResultText.MaxBytes), new LastBytes(ResultText.MaxBytes));
        var since = time.GetTimestamp();
        var timeout = TimeSpan.FromSeconds(call.Arguments.Integer("timeout_s") ?? DefaultTimeoutSeconds);
        var ended = await PumpAsync(exec, tty, stdin, (source, piece) => (source == 2 ? errors : output).Append(piece), timeout, container.Id, cancel);
        var duration = (long)time.GetElapsedTime(since).TotalMilliseconds;
        bool? killed = ended ? null : await KillAsync(exec, container.Id, cancel);
        var exitCode = ended || killed == true ? await ExitCodeAsync(exec, cancel) : -1;
        var (stdout, stderr) = (ResultText.Fit(output.ToArray(), out var less), ResultText.Fit(errors.ToArray(), out var lesser));
        (exitCode, stdout, stderr) = EngineQuirks.ExecOutcome(exitCode, stdout, stderr);
        return PrimitiveResult.Of(
            new ExecResult(exitCode, stdout, stderr, duration, !ended, less || lesser || output.Dropped > 0 || errors.Dropped > 0, killed), ResultJson.Default.ExecResult, exitCode);
    }

    /// <summary>Runs a command to its end, for a health check: its exit code, and the end of what it said; null when its time was over before.</summary>
    public async Task<(int ExitCode, string Said)?> ProbeAsync(string containerId, IReadOnlyList<string> argv, TimeSpan timeout, CancellationToken cancel)
    {
        const int Words = 400;
        var reply = await engine.DoAsync($"/containers/{containerId}/exec", new ExecRequest { Cmd = argv }, EngineJson.Default.ExecRequest, "prepare a command", cancel);
        var exec = reply.Read(EngineJson.Default.ObjectCreated, "prepare a command").Id!;
        var output = new LastBytes(Words);
        if (!await PumpAsync(exec, tty: false, null, (_, piece) => output.Append(piece), timeout, containerId, cancel))
        {
            await KillAsync(exec, containerId, cancel);
            return null;
        }
        return (await ExitCodeAsync(exec, cancel), ResultText.Fit(output.ToArray(), out _).Trim());
    }

    static ExecRequest RequestOf(JsonElement arguments, bool tty, bool hasInput) => new()
    {
        Cmd = arguments.Texts("argv"),
        Env = arguments.Member("env") is { ValueKind: JsonValueKind.Object } env ? [.. env.EnumerateObject().Select(variable => $"{variable.Name}={variable.Value.GetString()}")] : null,
        WorkingDir = arguments.Text("workdir"),
        User = arguments.Text("user"),
        Tty = tty,
        AttachStdin = hasInput,
    };

    /// <summary>Moves input and output until the command has ended; false when its time is over before.</summary>
    async Task<bool> PumpAsync(string exec, bool tty, byte[]? stdin, Action<int, ReadOnlyMemory<byte>> append, TimeSpan timeout, string containerId, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            return await engine.AttachAsync(exec, tty, timeout + limits.Answer, async (stream, inner) =>
            {
                var feeding = stdin is null ? Task.CompletedTask : FeedAsync(stream, stdin, inner);
                await EngineLogFrames.ReadAsync(stream, framed: !tty, append, inner);
                await feeding;
                return true;
            }, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
        catch (OperationCanceledException)
        {
            // Cancelled by the client: the command goes with its run.
            using var moment = new CancellationTokenSource(limits.Status, time);
            await KillAsync(exec, containerId, moment.Token);
            throw;
        }
    }

    /// <summary>Writes the input and closes that direction. A command that ends without reading all of it has had enough.</summary>
    static async Task FeedAsync(NetworkStream stream, byte[] stdin, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(stdin, cancel);
            stream.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
        }
    }

    async Task<int> ExitCodeAsync(string exec, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            // The stream may end a moment before the engine has noted how the command did.
            var detail = await DetailAsync(exec, cancel);
            if (!detail.Running && detail.ExitCode is { } code)
                return code;
            if (time.GetElapsedTime(since) > limits.Settle)
                throw new AdapterException(AdapterFailure.Refused, "The command's output has ended, but the engine still shows it as running.");
            await Task.Delay(limits.Glance / 10, time, cancel);
        }
    }

    Task<ExecDetail> DetailAsync(string exec, CancellationToken cancel) => engine.GetAsync($"/exec/{exec}/json", EngineJson.Default.ExecDetail, "show a command", cancel);

    /// <summary>
    /// The engines' API cannot end a command. On the engine's own machine its process can be ended, after a look that it is the container's;
    /// elsewhere, or without the right to, it goes on and the answer says so.
    /// </summary>
    async Task<bool> KillAsync(string exec, string containerId, CancellationToken cancel)
    {
        var detail = await DetailAsync(exec, cancel);
        if (!detail.Running)
            return true;
        try
        {
            if (detail.Pid <= 1 || !(await File.ReadAllTextAsync($"/proc/{detail.Pid}/cgroup", cancel)).Contains(containerId, StringComparison.Ordinal))
                return false;
            using var process = Process.GetProcessById(detail.Pid);
            process.Kill(entireProcessTree: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException)
        {
            return false;
        }
    }
}

/// <summary>The last bytes of a stream, never more than so many; what makes room is counted.</summary>
internal sealed class LastBytes(int max)
{
    readonly byte[] ring = new byte[max];
    long total;

    public long Dropped => Math.Max(0, total - max);

    public void Append(ReadOnlyMemory<byte> piece)
    {
        var span = piece.Span;
        if (span.Length > max)
        {
            total += span.Length - max;
            span = span[^max..];
        }
        var at = (int)(total % max);
        var first = Math.Min(span.Length, max - at);
        span[..first].CopyTo(ring.AsSpan(at));
        span[first..].CopyTo(ring);
        total += span.Length;
    }

    public byte[] ToArray()
    {
        var at = (int)(total % max);
        return total <= max ? ring[..(int)total] : [.. ring.AsSpan(at), .. ring.AsSpan(0, at)];
    }
}
