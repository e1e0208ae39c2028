using System.Globalization;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>From what an engine shows of a container to what a worker sees of a workload, pure.</summary>
internal static class Workloads
{
    /// <summary>Whether a container is ours at all: one without our labels does not exist for us (containers, lifecycle).</summary>
    public static bool IsOurs(ContainerDetail container) => IsOurs(container.Config?.Labels);

    /// <summary>The same by its labels. One that has only some of them was made by somebody else, perhaps of an image that has them.</summary>
    public static bool IsOurs(IReadOnlyDictionary<string, string>? labels) =>
        labels is not null && new[] { EngineLabels.Tenant, EngineLabels.Name, EngineLabels.RunId }.All(label => !string.IsNullOrEmpty(labels.GetValueOrDefault(label)));

    /// <summary>Whether a container is in a network.</summary>
    public static bool IsIn(ContainerDetail container, string network) => Ends(container.NetworkSettings, container.State.Status).Any(end => end.Network == network);

    /// <summary>The networks that a container in that state is in, each with its address there. Docker goes on naming one into which it could not put a container that runs; the container has no end there.</summary>
    public static IEnumerable<(string Network, string? Address)> Ends(NetworkSettings? settings, string? status) =>
        from end in settings?.Networks ?? []
        where end.Key is "host" or "none" || end.Value is null || EngineQuirks.State(status ?? "") != WorkloadState.Running || !string.IsNullOrEmpty(end.Value.EndpointID) || !string.IsNullOrEmpty(end.Value.IPAddress)
        select (end.Key, string.IsNullOrEmpty(end.Value?.IPAddress) ? null : end.Value.IPAddress);

    public static Workload Of(ContainerDetail container, WorkloadState state)
    {
        var labels = container.Config!.Labels!;
        return new Workload
        {
            Id = container.Id,
            RunId = labels[EngineLabels.RunId],
            Tenant = labels[EngineLabels.Tenant],
            Name = labels[EngineLabels.Name],
            State = state,
            Ref = EngineLabels.Value(labels, EngineLabels.Ref),
            ImageDigest = container.Image,
            Ports = Ports(container),
            StartedAt = Moment(container.State.StartedAt),
            End = state == WorkloadState.Stopped
                ? new WorkloadEnd(container.State.ExitCode, container.State.OomKilled, Moment(container.State.FinishedAt))
                : null,
        };
    }

    // Docker knows a port that it chooses only while the container runs; before and after, what was asked for is all there is.
    // It lists IPv4 and IPv6 apart, with the same port.
    public static IReadOnlyList<PortMapping> Ports(ContainerDetail container)
    {
        var published = container.NetworkSettings?.Ports is { } live && live.Values.Any(b => b is { Length: > 0 }) ? live : container.HostConfig?.PortBindings;
        return published is null
            ? []
            : [.. published.SelectMany(p => (p.Value ?? []).Select(b => new PortMapping(Number(b.HostPort), Number(p.Key.Split('/')[0])))).Distinct().OrderBy(p => p.Container)];
    }

    static int Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>A moment as an engine writes it. "0001-01-01T00:00:00Z" is how both say never.</summary>
    public static DateTimeOffset? Moment(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) && moment.Year > 1 ? moment.ToUniversalTime() : null;
}
