using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>A command in a container over the Engine API: prepared, attached to, and looked at for how it ended.</summary>
internal sealed class EngineExec(EngineClient engine, EngineLimits limits, TimeProvider time)
{
    public async Task<ExecOutcome> RunAsync(ExecOrder order, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        var reply = await engine.DoAsync($"/containers/{order.ContainerId}/exec", order.Request, EngineJson.Default.ExecRequest, "prepare a command", cancel);
        var exec = reply.Read(EngineJson.Default.ObjectCreated, "prepare a command").Id!;
        await order.Begun();
        try
        {
            return await EndAsync(exec, order, append, cancel);
        }
        catch (OperationCanceledException broken) when (cancel.IsCancellationRequested)
        {
            await BreakOffAsync(exec, order.ContainerId, broken);
            throw;
        }
    }

    async Task<ExecOutcome> EndAsync(string exec, ExecOrder order, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        try
        {
            if (await PumpAsync(exec, order, append, cancel))
                return new ExecOutcome(await ExitCodeAsync(exec, cancel), null);
        }
        catch (AdapterException e) when (EngineQuirks.IsUnknownUser(e.Message))
        {
            append(2, Encoding.UTF8.GetBytes(e.Message));
            return new ExecOutcome(EngineQuirks.CannotBegin, null);
        }
        var killed = await KillAsync(exec, order.ContainerId, cancel);
        return new ExecOutcome(killed ? await ExitCodeAsync(exec, cancel) : -1, killed) { GoesOnAsync = inner => GoesOnAsync(exec, inner) };
    }

    /// <summary>Moves input and output until the command has ended; false when its time is over before.</summary>
    async Task<bool> PumpAsync(string exec, ExecOrder order, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(order.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            return await engine.AttachAsync(exec, order.Request.Tty, order.Timeout + limits.Answer, async (stream, inner) =>
            {
                using var enough = CancellationTokenSource.CreateLinkedTokenSource(inner);
                var feeding = order.Stdin is { } stdin ? FeedAsync(stream, stdin, order.Request.Tty, enough.Token) : Task.CompletedTask;
                try
                {
                    await EngineLogFrames.ReadAsync(stream, framed: !order.Request.Tty, append, inner);
                }
                catch (IOException e) when (order.Stdin is not null && e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
                {
                    // The command has ended without reading all of its input, and Podman hung up on the rest; what it passed on of what was said has come before.
                }
                await FedAsync(exec, feeding, enough, inner);
                return true;
            }, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Cancelled by the client: the command goes with its run.</summary>
    /// <exception cref="CommandLeftException">It does not, or nobody knows.</exception>
    async Task BreakOffAsync(string exec, string containerId, OperationCanceledException broken)
    {
        using var moment = new CancellationTokenSource(limits.Status, time);
        bool isEnded;
        try
        {
            isEnded = await KillAsync(exec, containerId, moment.Token);
        }
        catch (Exception away) when (away is AdapterException or OperationCanceledException)
        {
            throw CommandLeftException.OfUnknown(broken);
        }
        if (!isEnded)
            throw CommandLeftException.OutOfReach(broken);
    }

    /// <summary>What a command says has ended. Mostly it has ended itself, and Docker never takes what it has not read of its input; else it reads on.</summary>
    async Task FedAsync(string exec, Task feeding, CancellationTokenSource enough, CancellationToken cancel)
    {
        for (var pause = limits.FirstGlance; !feeding.IsCompleted; pause = limits.Longer(pause))
        {
            if (!(await DetailAsync(exec, cancel)).Running)
                await enough.CancelAsync();
            await Task.WhenAny(feeding, Task.Delay(pause, time, cancel));
        }
    }

    /// <summary>Writes the input and closes that direction. A command that ends without reading all of it has had enough.</summary>
    static async Task FeedAsync(EngineStream stream, byte[] stdin, bool tty, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(stdin, cancel);
            if (tty)
                await stream.WriteAsync(EndOfTyping(stdin), cancel); // Docker ends the output of a terminal with that direction
            else
                await stream.EndWritingAsync();
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
        }
    }

    /// <summary>A terminal knows no end of its input but the character that says so (Ctrl-D): behind a line that has not ended the first one hands that over, and the next one is the end.</summary>
    static byte[] EndOfTyping(byte[] typed) => typed is [] or [.., (byte)'\n'] ? [0x04] : [0x04, 0x04];

    async Task<int> ExitCodeAsync(string exec, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        for (var pause = limits.FirstGlance; ; pause = limits.Longer(pause))
        {
            // The stream may end a moment before the engine has noted how the command did.
            var detail = await DetailAsync(exec, cancel);
            if (!detail.Running && detail.ExitCode is { } code)
                return code;
            if (time.GetElapsedTime(since) > limits.Settle)
                throw new AdapterException(AdapterFailure.Refused, "The command's output has ended, but the engine still shows it as running.");
            await Task.Delay(pause, time, cancel);
        }
    }

    Task<ExecDetail> DetailAsync(string exec, CancellationToken cancel) => engine.GetAsync($"/exec/{exec}/json", EngineJson.Default.ExecDetail, "show a command", cancel);

    async Task<bool> GoesOnAsync(string exec, CancellationToken cancel)
    {
        try
        {
            return (await DetailAsync(exec, cancel)).Running;
        }
        catch (AdapterException e) when (e.Failure != AdapterFailure.Unavailable)
        {
            return false; // its container was started again since, or the engine has forgotten how it ended
        }
    }

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
