using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Adapters.Engine;

/// <summary>What can be seen of an engine itself, and of all that a tenant has on it.</summary>
internal sealed class SystemLooks(string provider, OwnContainers containers, IContainerEngine engine, ContainerLooks looks, TimeProvider time)
{
    const int DefaultEvents = 100;
    const int MostReadings = 256;
    const int AtOnce = 8;

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["system.info"] = InfoAsync,
        ["system.metrics"] = MetricsAsync,
        ["system.events"] = EventsAsync,
    };

    async Task<PrimitiveResult> InfoAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var dialect = await engine.DialectAsync(cancel);
        var info = await engine.InfoAsync(cancel);
        var own = await containers.ListAsync(call.Tenant, cancel);
        return PrimitiveResult.Of(
            new SystemInfo(
                provider, dialect.Version, dialect.Prefix.Length > 0 ? dialect.Prefix.TrimStart('/', 'v') : null, info.OperatingSystem, info.Architecture, info.KernelVersion, info.Cpus, info.MemTotal, info.Driver,
                own.Count, own.Count(container => EngineQuirks.State(container.State ?? "") == WorkloadState.Running)),
            ResultJson.Default.SystemInfo);
    }

    async Task<PrimitiveResult> MetricsAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var own = await containers.ListAsync(call.Tenant, cancel);
        var states = own.GroupBy(container => EngineQuirks.State(container.State ?? "")).ToDictionary(group => group.Key?.ToString() ?? "", group => group.Count());
        var running = own.Where(container => EngineQuirks.State(container.State ?? "") == WorkloadState.Running).ToList();
        long memory = 0, cpu = 0, pids = 0;
        await Parallel.ForEachAsync(running.Take(MostReadings), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (container, inner) =>
        {
            if (await looks.ReadIfItRunsAsync(container.Id, inner) is not { } read)
                return; // it has ended since it was listed
            Interlocked.Add(ref memory, read.MemoryBytes);
            Interlocked.Add(ref cpu, read.CpuUsageNs);
            Interlocked.Add(ref pids, read.Pids ?? 0);
        });
        int Of(WorkloadState state) => states.GetValueOrDefault(state.ToString());
        return PrimitiveResult.Of(
            new SystemMetrics(
                Timestamps.Write(time.GetUtcNow()), new ContainerCounts(Of(WorkloadState.Created), Of(WorkloadState.Running), Of(WorkloadState.Paused), Of(WorkloadState.Stopped)),
                memory, cpu, pids, running.Count > MostReadings),
            ResultJson.Default.SystemMetrics);
    }

    /// <summary>What happened to the tenant's containers until now; the last ones, when there are more than are wanted.</summary>
    async Task<PrimitiveResult> EventsAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var wanted = (int)(call.Arguments.Integer("limit") ?? DefaultEvents);
        var (kept, dropped) = (new Queue<EngineEvent>(), 0L);
        await engine.EventsAsync(OwnThings.Label(call.Tenant), Since, one =>
        {
            if (one.Actor?.Attributes is not { } labels || !Workloads.IsOurs(labels) || labels[EngineLabels.Tenant] != call.Tenant || EngineQuirks.Event(one.Action) is not { } action)
                return;
            kept.Enqueue(new EngineEvent(Timestamps.Write(DateTimeOffset.FromUnixTimeMilliseconds(one.TimeNano / 1_000_000)), action, labels[EngineLabels.Name], labels[EngineLabels.RunId], action == "die" ? ExitCode(labels) : null));
            if (kept.Count > wanted)
            {
                kept.Dequeue();
                dropped++;
            }
        }, cancel);
        return PrimitiveResult.OfList(kept, (fitting, truncated) => new EngineEvents(fitting, dropped, truncated), ResultJson.Default.EngineEvent, ResultJson.Default.EngineEvents);

        DateTimeOffset Since(DateTimeOffset now) =>
            PrimitiveArguments.Moment(call.Arguments.Text("since") ?? "1h", now)!.Value is var since && since < now ? since : now; // behind it nothing has happened: Docker refuses to say so
    }

    static int? ExitCode(Dictionary<string, string> attributes) =>
        int.TryParse(attributes.GetValueOrDefault("exitCode") ?? attributes.GetValueOrDefault("containerExitCode"), out var code) ? code : null;
}
