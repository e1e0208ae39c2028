using System.Globalization;
using System.Text;
using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Adapters.Engine;

/// <summary>What can be seen of containers, one method each; nothing in here changes anything.</summary>
internal sealed class ContainerLooks(OwnContainers containers, IContainerEngine engine, TimeProvider time)
{
    const int DefaultTail = 100;
    const int DefaultFollowSeconds = 60;
    const int DefaultIntervalMs = 1000;

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["container.list"] = ListAsync,
        ["container.inspect"] = InspectAsync,
        ["container.logs"] = LogsAsync,
        ["container.stats"] = StatsAsync,
        ["container.usage"] = UsageAsync,
        ["container.top"] = TopAsync,
        ["container.diff"] = DiffAsync,
    };

    async Task<PrimitiveResult> ListAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var labels = new List<(string, string)>();
        if (call.Arguments.Text("session_id") is { } session)
            labels.Add((EngineLabels.SessionId, session));
        if (call.Arguments.Text("task_id") is { } task)
            labels.Add((EngineLabels.TaskId, task));
        if (call.Arguments.Member("labels") is { ValueKind: JsonValueKind.Object } own)
            labels.AddRange(own.EnumerateObject().Select(label => (label.Name, label.Value.GetString()!)));
        var state = call.Arguments.Text("state");
        var items = (await containers.ListAsync(call.Tenant, cancel, labels))
            .Select(Item)
            .Where(item => state is null || item.State == state)
            .OrderBy(item => item.Name, StringComparer.Ordinal);
        return PrimitiveResult.OfList(items, (fitting, truncated) => new ContainerList(fitting, truncated), ResultJson.Default.ContainerListItem, ResultJson.Default.ContainerList);
    }

    static ContainerListItem Item(ContainerSummary found)
    {
        var labels = found.Labels!;
        return new ContainerListItem(
            found.Id, labels[EngineLabels.Name], EngineQuirks.State(found.State ?? "") is { } state ? ContainerLifecycle.Name(state) : found.State ?? "", found.Image ?? "",
            Timestamps.Write(DateTimeOffset.FromUnixTimeSeconds(found.Created)),
            [.. (found.Ports ?? []).Where(port => port.PublicPort > 0).Select(port => new PortMapping(port.PublicPort, port.PrivatePort)).Distinct()],
            ContainerViews.OwnLabels(labels), EngineLabels.Value(labels, EngineLabels.Strategy), EngineLabels.Value(labels, EngineLabels.SessionId), EngineLabels.Value(labels, EngineLabels.TaskId));
    }

    async Task<PrimitiveResult> InspectAsync(PrimitiveCall call, CancellationToken cancel) =>
        PrimitiveResult.Of(ContainerViews.Full(await containers.FindAsync(call, cancel), call.Tenant), ResultJson.Default.ContainerInspection);

    async Task<PrimitiveResult> LogsAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        var wanted = (int)(call.Arguments.Integer("tail") ?? DefaultTail);
        var (since, grep) = (PrimitiveArguments.Moment(call.Arguments.Text("since"), time.GetUtcNow()), call.Arguments.Text("grep"));
        var tail = call.Arguments.Flag("follow") == true
            ? await FollowedAsync(call, container, wanted, since, grep, cancel)
            : await engine.LogLinesAsync(container, wanted, ResultText.MaxBytes, since, grep, cancel);
        tail = tail.Masked(call.Mask); // before more is cut off
        var text = ResultText.Fit(Encoding.UTF8.GetBytes(string.Join('\n', tail.Lines)), out var truncated);
        var lines = tail.Lines.Count == 0 ? [] : text.Split('\n');
        return PrimitiveResult.Of(new ContainerLog(lines, tail.Dropped + tail.Lines.Count - lines.Length, truncated || (tail.Dropped > 0 && tail.Lines.Count < wanted)), ResultJson.Default.ContainerLog);
    }

    /// <summary>The last lines when the container has ended, or the time is over.</summary>
    async Task<LogTail> FollowedAsync(PrimitiveCall call, ContainerDetail container, int wanted, DateTimeOffset? since, string? grep, CancellationToken cancel)
    {
        await call.Begun();
        var tail = new LogTailBuffer(wanted, ResultText.MaxBytes, grep);
        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(call.Arguments.Integer("follow_s") ?? DefaultFollowSeconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        try
        {
            // The last lines are those that match: the engine, which knows no text to look for, is not to take them before.
            await engine.FollowAsync(container, grep is null ? new LogBacklog(wanted, _ => true) : null, since, tail.Append, either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Followed for as long as was asked for.
        }
        return tail.Finish();
    }

    async Task<PrimitiveResult> StatsAsync(PrimitiveCall call, CancellationToken cancel) =>
        PrimitiveResult.Of(await ReadAsync(await containers.IdAsync(call, cancel), cancel), ResultJson.Default.ContainerStats);

    /// <summary>Two readings, and what lies between them.</summary>
    async Task<PrimitiveResult> UsageAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.IdAsync(call, cancel);
        var (first, since) = (await ReadAsync(container, cancel), time.GetTimestamp());
        await Task.Delay(TimeSpan.FromMilliseconds(call.Arguments.Integer("interval_ms") ?? DefaultIntervalMs), time, cancel);
        var last = await ReadAsync(container, cancel);
        var elapsed = Math.Max(1, (long)time.GetElapsedTime(since).TotalMilliseconds);
        long PerSecond(long from, long to) => Math.Max(0, to - from) * 1000 / elapsed;
        return PrimitiveResult.Of(
            new ContainerUsage(
                last.ReadAt, elapsed, Math.Max(0, last.CpuUsageNs - first.CpuUsageNs) / 1000 / elapsed, last.MemoryBytes, last.MemoryLimitBytes,
                last.MemoryLimitBytes is { } limit ? (int)(last.MemoryBytes * 100 / limit) : null, last.Pids, PerSecond(first.NetworkReceivedBytes, last.NetworkReceivedBytes),
                PerSecond(first.NetworkSentBytes, last.NetworkSentBytes), PerSecond(first.BlockReadBytes, last.BlockReadBytes), PerSecond(first.BlockWrittenBytes, last.BlockWrittenBytes)),
            ResultJson.Default.ContainerUsage);
    }

    /// <summary>The same of one that may end meanwhile, which Podman tells in other words at each moment: then null. Null, too, while it is being stopped, which may take its time.</summary>
    public async Task<ContainerStats?> ReadIfItRunsAsync(string id, CancellationToken cancel)
    {
        try
        {
            return await ReadAsync(id, cancel);
        }
        catch (AdapterException ending) when (ending.Failure == AdapterFailure.Conflict)
        {
            return null;
        }
        catch (AdapterException)
        {
            if (await containers.LookAsync(id, cancel) is { } still && EngineQuirks.State(still.State.Status) == WorkloadState.Running)
                throw;
            return null;
        }
    }

    /// <summary>What a container uses now.</summary>
    async Task<ContainerStats> ReadAsync(string id, CancellationToken cancel)
    {
        var read = await engine.StatsAsync(id, cancel);
        long Blocks(string op) => Whole((read.Block?.Bytes ?? []).Where(entry => string.Equals(entry.Op, op, StringComparison.OrdinalIgnoreCase)).Aggregate(0UL, (sum, entry) => sum + entry.Value));
        var networks = read.Networks?.Values ?? (IEnumerable<NetworkReading>)[];
        return new ContainerStats(
            ContainerViews.Time(read.Read) ?? Timestamps.Write(time.GetUtcNow()), Whole(read.Cpu?.Usage?.Total), Whole(read.Memory?.Usage),
            read.Memory?.Limit is > 0 and < long.MaxValue ? (long)read.Memory.Limit : null, read.Pids is { } pids ? Whole(pids.Current) : null,
            Whole(networks.Aggregate(0UL, (sum, network) => sum + network.Received)), Whole(networks.Aggregate(0UL, (sum, network) => sum + network.Sent)), Blocks("read"), Blocks("write"));
    }

    static long Whole(ulong? number) => (long)Math.Min(number ?? 0, long.MaxValue);

    async Task<PrimitiveResult> TopAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var table = await engine.ProcessesAsync(await containers.IdAsync(call, cancel), cancel);
        var titles = (table.Titles ?? []).ToList();
        var (pid, user, command) = (titles.FindIndex(title => title is "PID" or "HPID"), titles.FindIndex(title => title is "USER" or "UID"), titles.FindIndex(title => title is "COMMAND" or "CMD" or "ARGS"));
        if (command < 0)
            throw new AdapterException(AdapterFailure.Unavailable, $"The engine lists processes under the columns {string.Join(", ", titles)}, among which there is no command.");
        var processes = (table.Processes ?? []).Select(row => EngineQuirks.Columns(row, titles.Count)).Where(row => row.Length == titles.Count).Select(row => new ContainerProcess(
            pid >= 0 && long.TryParse(row[pid], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null, user >= 0 ? row[user] : null, row[command]));
        return PrimitiveResult.OfList(processes, (fitting, truncated) => new ContainerProcesses(fitting, truncated), ResultJson.Default.ContainerProcess, ResultJson.Default.ContainerProcesses);
    }

    async Task<PrimitiveResult> DiffAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var changes = await engine.ChangesAsync(await containers.IdAsync(call, cancel), cancel);
        var items = changes.Where(change => change.Path is not null).OrderBy(change => change.Path, StringComparer.Ordinal)
            .Select(change => new FileChange(change.Path!, change.Kind switch { 0 => "modified", 1 => "added", _ => "deleted" }));
        return PrimitiveResult.OfList(items, (fitting, truncated) => new FileChanges(fitting, truncated), ResultJson.Default.FileChange, ResultJson.Default.FileChanges);
    }
}
