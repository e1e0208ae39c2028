using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>What can be done to a container besides running it, and what can be seen of it.</summary>
internal sealed partial class NerdctlEngine
{
    public async Task<LogTail> LogLinesAsync(ContainerDetail container, int maxLines, int maxBytes, DateTimeOffset? since, string? grep, CancellationToken cancel)
    {
        var tail = new LogTailBuffer(maxLines, maxBytes, grep);
        await ReadLogAsync(container, since, tail.Append, cancel);
        return tail.Finish();
    }

    public async Task FollowAsync(ContainerDetail container, LogBacklog? backlog, DateTimeOffset? since, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        if (backlog is not null)
        {
            await ReadLogAsync(container, since, backlog.Count, cancel);
            append = backlog.Behind(append);
        }
        var followed = new ToldLog(append);
        OrThrow(await StreamAsync(new NerdctlLogs(container.Id, since, Follow: true), new() { See = followed.Tell }, limits.Follow, cancel));
        if ((await DialectAsync(cancel)).Quirks.FollowsMissTheEnd)
            await followed.TellRestAsync(rest => ReadLogAsync(container, since, rest, cancel));
    }

    async Task ReadLogAsync(ContainerDetail container, DateTimeOffset? since, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel) =>
        OrThrow(await StreamAsync(new NerdctlLogs(container.Id, since, Follow: false), new() { See = append }, limits.Answer, cancel));

    public async Task<ExecOutcome> ExecAsync(ExecOrder order, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        if (order.Request.Tty)
            throw new AdapterException(AdapterFailure.Refused, "tty: nerdctl's command line gives a command a terminal only where it has one itself, and the gateway has none. Leave it out.");
        using var variables = VariableFile.Write(order.Request.Env);
        var before = ContainerProcesses.Entered(order.ContainerId);
        await order.Begun();
        using var timer = new CancellationTokenSource(order.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        var streams = new CommandStreams { See = append, Feed = order.Stdin is { } stdin ? (stream, inner) => stream.WriteAsync(stdin, inner).AsTask() : null };
        try
        {
            return new ExecOutcome((await StreamAsync(new NerdctlExec(order.ContainerId, order.Request, variables.Path), streams, order.Timeout + limits.Answer, either.Token)).ExitCode, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            var isEnded = ContainerProcesses.End(order.ContainerId, before);
            return new ExecOutcome(isEnded ? ContainerProcesses.KilledExitCode : -1, isEnded) { GoesOnAsync = _ => Task.FromResult(ContainerProcesses.Entered(order.ContainerId).Except(before).Any()) };
        }
        catch (OperationCanceledException broken)
        {
            // Cancelled by the client: the command goes with its run.
            if (!ContainerProcesses.End(order.ContainerId, before))
                throw CommandLeftException.OutOfReach(broken);
            throw;
        }
    }

    public async Task<IReadOnlyList<FileChangeEntry>> ChangesAsync(string id, CancellationToken cancel)
    {
        var said = CommandOutput.Whole(await RunAsync(new NerdctlAct("diff", id), cancel), "list what a container has changed");
        return [.. said.Split('\n').Where(line => line is [_, ' ', '/', ..]).Select(line => new FileChangeEntry(line[2..], line[0] switch { 'C' => 0, 'A' => 1, _ => 2 }))];
    }

    /// <summary>Each row as one string: how wide its columns are nobody says.</summary>
    public async Task<ProcessTable> ProcessesAsync(string id, CancellationToken cancel)
    {
        var rows = CommandOutput.Whole(await RunAsync(new NerdctlTop(id), cancel), "list the processes of a container").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new ProcessTable(rows.Length == 0 ? [] : rows[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), [.. rows.Skip(1).Select(row => new[] { row })]);
    }

    public async Task<StatsReading> StatsAsync(string id, CancellationToken cancel) =>
        // The command line prints rounded numbers for people; the kernel has the exact ones.
        await InspectAsync(id, cancel) is { State.Pid: > 0 and var pid } ? KernelStats.Read(pid, time.GetUtcNow()) : new StatsReading();

    public Task LimitAsync(string id, ResourceView limits, CancellationToken cancel) => DoAsync(new NerdctlUpdate(id, limits), cancel);

    public async Task<string> CommitAsync(string id, ImageReference image, IReadOnlyList<string> changes, CancellationToken cancel) =>
        LastLine(OrThrow(await StreamAsync(new NerdctlCommit(id, image.ToString(), changes), new(), limits.Transfer, cancel)));

    public async Task UnpackAsync(string id, string path, Func<Stream, CancellationToken, Task> write, Func<Task> begun, CancellationToken cancel)
    {
        await begun();
        var result = await StreamAsync(new NerdctlCopyTo(id, path), new() { Feed = write }, limits.Transfer, cancel);
        if (result.ExitCode != 0 && CommandErrors.IsMissingPath(result.Errors))
            throw EngineClient.MissingPath(path);
        OrThrow(result);
    }

    public async Task PackAsync(string id, string path, Func<Stream, CancellationToken, Task> read, CancellationToken cancel)
    {
        Exception? unreadable = null;
        var result = await StreamAsync(new NerdctlCopyFrom(id, path), new()
        {
            Output = async (stream, inner) =>
            {
                try
                {
                    await read(stream, inner);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    unreadable = e; // why there is nothing to read the command says at its end
                    await stream.CopyToAsync(Stream.Null, inner);
                }
            },
        }, limits.Transfer, cancel);
        if (result.ExitCode != 0 && CommandErrors.IsMissingPath(result.Errors))
            throw EngineClient.MissingPath(path);
        OrThrow(result);
        if (unreadable is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(unreadable);
    }
}
