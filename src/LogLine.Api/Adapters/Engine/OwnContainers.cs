using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>The containers of one tenant on one engine. Another tenant's, and those that we did not make, do not exist, neither by name nor by id.</summary>
internal sealed class OwnContainers(IContainerEngine engine, EngineLimits limits, TimeProvider time)
{
    /// <summary>The tenant's container of that name, in a state that lasts.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NotFound"/>.</exception>
    public async Task<ContainerDetail> FindAsync(PrimitiveCall call, CancellationToken cancel)
    {
        // What was judged right before is not looked at again.
        if (call.Workload is { Seen: ContainerDetail seen } judged && judged.Name == call.Name)
            return seen;
        // The name in the engine could be another tenant's ("a" + "b-c", "a-b" + "c"); the labels say whose it is.
        var found = await LookAsync(ContainerRequests.NameOf(call.Tenant, call.Name), cancel);
        return found is not null && found.Config!.Labels![EngineLabels.Tenant] == call.Tenant && found.Config.Labels[EngineLabels.Name] == call.Name
            ? found
            : throw new AdapterException(AdapterFailure.NotFound, $"There is no container '{call.Name}'.");
    }

    /// <summary>All of the tenant's that have these labels too, in whatever state.</summary>
    public async Task<IReadOnlyList<ContainerSummary>> ListAsync(string tenant, CancellationToken cancel, params IEnumerable<(string Name, string Value)> labels)
    {
        (string Name, string Value)[] wanted = [(EngineLabels.Tenant, tenant), .. labels];
        // Podman takes an empty value for any.
        return [.. (await engine.ListAsync(wanted, cancel)).Where(found => Workloads.IsOurs(found.Labels) && wanted.All(label => found.Labels!.GetValueOrDefault(label.Name) == label.Value))];
    }

    /// <summary>Its id alone.</summary>
    public async ValueTask<string> IdAsync(PrimitiveCall call, CancellationToken cancel) => (await FindAsync(call, cancel)).Id;

    /// <summary>Our container of that id or name in the engine once its state lasts, or null; transient states are waited out, bounded.</summary>
    public async Task<ContainerDetail?> LookAsync(string id, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        while (await InspectAsync(id, since, cancel) is { } container && Workloads.IsOurs(container))
        {
            if (EngineQuirks.State(container.State.Status) is not null)
                return container;
            if (time.GetElapsedTime(since) > limits.Settle)
                throw new AdapterException(AdapterFailure.Conflict, $"The container is still '{container.State.Status}' after {limits.Settle.TotalSeconds:0.###} s: the engine seems stuck on it.");
            await Task.Delay(limits.Glance, time, cancel);
        }
        return null;
    }

    async Task<ContainerDetail?> InspectAsync(string id, long since, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await engine.InspectAsync(id, cancel);
            }
            catch (AdapterException e) when (EngineQuirks.IsPassing(e.Message) && time.GetElapsedTime(since) < limits.Settle)
            {
                await Task.Delay(limits.Glance, time, cancel);
            }
        }
    }

    /// <summary>The container once it stands in a state, or as it stands when that did not come to pass within the limit.</summary>
    public async Task<ContainerDetail?> AwaitAsync(string id, WorkloadState state, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var container = await LookAsync(id, cancel);
            if (container is null || EngineQuirks.State(container.State.Status) == state || time.GetElapsedTime(since) > limits.Settle)
                return container;
            await Task.Delay(limits.Glance, time, cancel);
        }
    }
}
