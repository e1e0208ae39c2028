using System.Globalization;
using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Adapters.Engine;

/// <summary>From what an engine shows of a container to what a client sees of it, pure.</summary>
internal static class ContainerViews
{
    public static ContainerView Of(ContainerDetail container)
    {
        var workload = Workloads.Of(container, EngineQuirks.State(container.State.Status)!.Value);
        var labels = container.Config!.Labels!;
        var running = workload.State == WorkloadState.Running;
        return new ContainerView(
            container.Id, workload.Name, ContainerLifecycle.Name(workload.State), container.Config.Image ?? "", workload.ImageDigest,
            Time(container.Created), Time(workload.StartedAt), Time(workload.End?.EndedAt), workload.End?.ExitCode, workload.End?.OomKilled,
            workload.Ports, running, running && HasNetwork(container),
            EngineLabels.Value(labels, EngineLabels.Strategy), EngineLabels.Value(labels, EngineLabels.SessionId), EngineLabels.Value(labels, EngineLabels.TaskId));
    }

    public static ContainerInspection Full(ContainerDetail container, string tenant)
    {
        var (config, host) = (container.Config!, container.HostConfig);
        return new ContainerInspection(
            Of(container), [.. Words(config.Entrypoint), .. config.Cmd ?? []], Names(config.Env),
            Given(config.WorkingDir), Given(config.User),
            [
                .. (container.Mounts ?? []).Where(mount => mount.Type != "tmpfs").Select(mount => Mount(mount, tenant)),
                .. (host?.Tmpfs ?? []).Select(folder => new MountView("tmpfs", null, folder.Key, folder.Value.StartsWith("ro", StringComparison.Ordinal))),
            ],
            new ResourceView(Limit(host?.Memory), Limit(host?.NanoCpus / 1_000_000), Limit(host?.PidsLimit)),
            new SecurityView(host?.ReadonlyRootfs ?? false, host?.Privileged ?? false, [.. (config.Labels!.GetValueOrDefault(EngineLabels.CapAdd) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)]),
            [.. (container.NetworkSettings?.Networks ?? []).Keys.Where(network => Workloads.IsIn(container, network)).Select(name => OwnName(name, tenant)).Order(StringComparer.Ordinal)],
            OwnLabels(config.Labels));
    }

    /// <summary>Names of variables, without their values.</summary>
    public static IReadOnlyList<string> Names(string[]? env) => [.. (env ?? []).Select(variable => variable.Split('=')[0])];

    static MountView Mount(MountPoint mount, string tenant) =>
        new(mount.Type ?? "", mount.Type == "volume" ? OwnName(mount.Name ?? "", tenant) : mount.Source, mount.Destination ?? "", !mount.Writable);

    /// <summary>The name of a volume or network without the tenant; the engine's own name for what is not the tenant's.</summary>
    public static string OwnName(string name, string tenant) => name.StartsWith(tenant + "-", StringComparison.Ordinal) ? name[(tenant.Length + 1)..] : name;

    static IEnumerable<string> Words(JsonElement entrypoint) => entrypoint.ValueKind switch
    {
        JsonValueKind.Array => entrypoint.EnumerateArray().Select(word => word.GetString() ?? ""),
        JsonValueKind.String when entrypoint.GetString() is { Length: > 0 } word => [word],
        _ => [],
    };

    static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;

    static long? Limit(long? limit) => limit > 0 ? limit : null;

    public static PrimitiveResult ResultOf(ContainerDetail container) => PrimitiveResult.Of(Of(container), ResultJson.Default.ContainerView);

    /// <summary>The client's own labels.</summary>
    public static Dictionary<string, string> OwnLabels(IReadOnlyDictionary<string, string>? labels) =>
        (labels ?? new Dictionary<string, string>()).Where(label => !label.Key.StartsWith(EngineLabels.Prefix, StringComparison.Ordinal)).ToDictionary();

    /// <summary>It has an address, or a network that comes with its start and gives it none of its own: the host's, or that of an engine without root.</summary>
    static bool HasNetwork(ContainerDetail container) =>
        container.HostConfig?.NetworkMode?.Split(':')[0] is "host" or "slirp4netns" or "pasta" || container.NetworkSettings is { } settings && (!string.IsNullOrEmpty(settings.IPAddress) || settings.Networks?.Values.Any(end => !string.IsNullOrEmpty(end?.IPAddress)) == true);

    /// <summary>A moment as the engine writes it, as we do; null for never.</summary>
    public static string? Time(string? text) => Time(
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) && moment.Year > 1 ? moment : null);

    static string? Time(DateTimeOffset? moment) => moment is { } at ? Timestamps.Write(at) : null;
}
