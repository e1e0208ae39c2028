using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// The steps of a container's life, one method each. They come after the lifecycle guard, which has read the engine's truth, and answer
/// with what the engine shows afterwards; what it froze or thawed is as it was seen before, but for that.
/// </summary>
internal sealed class ContainerActs(OwnContainers containers, VolumeActs volumes, IContainerEngine engine, Func<WorkloadSpec, CancellationToken, CancellationToken, Task<string>> create)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["container.create"] = CreateAsync,
        ["container.start"] = StartAsync,
        ["container.stop"] = StopAsync,
        ["container.kill"] = KillAsync,
        ["container.restart"] = RestartAsync,
        ["container.pause"] = PauseAsync,
        ["container.unpause"] = UnpauseAsync,
        ["container.remove"] = RemoveAsync,
        ["container.commit"] = CommitAsync,
    };

    async Task<PrimitiveResult> CreateAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var spec = ContainerOrder.Compose(call);
        if (ContainerRequests.Problem(spec) is { } problem)
            throw new AdapterException(AdapterFailure.Refused, problem);
        foreach (var mount in spec.Mounts.Where(mount => mount.Kind == MountKind.Volume))
            await volumes.FindAsync(call.Tenant, mount.Source!, cancel);
        // A worker that takes the run over finds what the one before it made, and starts it if that one has not.
        var made = call.Workload?.RunId == call.RunId ? call.Workload : null;
        call.Making();
        var id = made?.Id ?? await create(spec, cancel, call.Unbroken);
        if (call.Arguments.Flag("auto_start") == true && made is null or { State: WorkloadState.Created })
        {
            // One that its engine removes at its end leaves nothing by which a worker could see that it was started.
            if (spec.Strategy == "ephemeral")
                await call.Begun();
            await engine.StartAsync(id, cancel);
        }
        return await ViewAsync(id, cancel);
    }

    async Task<PrimitiveResult> StartAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        await containers.StartAsync(container.Id, () => engine.StartAsync(container.Id, cancel), cancel);
        return await ViewAsync(container.Id, cancel);
    }

    async Task<PrimitiveResult> StopAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        await ThawAsync(container, cancel);
        await engine.StopAsync(container.Id, (int)PrimitiveTable.Grace(call).TotalSeconds, cancel);
        return await EndedAsync(container, cancel);
    }

    /// <summary>SIGKILL ends it; after another signal the answer shows it as it stands, since what a signal does is the container's own affair.</summary>
    async Task<PrimitiveResult> KillAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var signal = call.Arguments.Text("signal") ?? "SIGKILL";
        signal = signal.StartsWith("SIG", StringComparison.Ordinal) ? signal : "SIG" + signal;
        var container = await containers.FindAsync(call, cancel);
        if (EngineQuirks.State(container.State.Status) != WorkloadState.Stopped)
        {
            await ThawAsync(container, cancel);
            if (signal != "SIGKILL")
                await call.Begun();
            await engine.KillAsync(container.Id, signal, cancel);
        }
        return signal == "SIGKILL" ? await EndedAsync(container, cancel) : await ViewAsync(container.Id, cancel);
    }

    async Task<PrimitiveResult> RestartAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        // Podman removes it at the end that is a part of the restart, Docker would not.
        if (EngineLabels.Value(container.Config!.Labels!, EngineLabels.Strategy) == "ephemeral")
            throw new AdapterException(AdapterFailure.Refused, $"The container '{call.Name}' is ephemeral: it goes when it ends, and a restart would end it. Make another one (container.create), with the strategy 'service' if it is to be restarted.");
        await call.Begun();
        await containers.StartAsync(container.Id, () => engine.RestartAsync(container.Id, (int)PrimitiveTable.Grace(call).TotalSeconds, cancel), cancel);
        return await ViewAsync(container.Id, cancel);
    }

    async Task<PrimitiveResult> PauseAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        if (EngineQuirks.State(container.State.Status) != WorkloadState.Paused)
            await engine.PauseAsync(container.Id, cancel);
        return As(container, "paused");
    }

    async Task<PrimitiveResult> UnpauseAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        if (EngineQuirks.State(container.State.Status) == WorkloadState.Paused)
            await engine.UnpauseAsync(container.Id, cancel);
        return As(container, "running");
    }

    async Task<PrimitiveResult> RemoveAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.FindAsync(call, cancel);
        await engine.RemoveAsync(container.Id, call.Arguments.Flag("force") ?? false, cancel, call.Arguments.Flag("volumes") ?? false);
        return PrimitiveResult.Of(new ContainerRemoved(container.Id, call.Name, true), ResultJson.Default.ContainerRemoved);
    }

    async Task<PrimitiveResult> CommitAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = TenantImages.Own(call.Tenant, call.Arguments.Text("image")!);
        var container = await containers.FindAsync(call, cancel);
        // A name that another image had is not this run's to take away.
        var isOwn = await engine.FindImageAsync(image, cancel) is not { } before || IsCommittedBy(call, before);
        call.Making();
        string[] changes = [.. Anonymous, $"LABEL {EngineLabels.CommittedBy}=\"{(isOwn ? call.RunId : "")}\"", .. Emptied(call.SecretVariables)];
        var id = await engine.CommitAsync(container.Id, ImageReference.Parse(image), changes, call.Unbroken); // an engine goes on with it anyhow
        return PrimitiveResult.Of(new ImageCommitted(image, id.StartsWith("sha256:", StringComparison.Ordinal) ? id : "sha256:" + id), ResultJson.Default.ImageCommitted);
    }

    /// <summary>Takes the name away that a run has given to the image which it made.</summary>
    public async Task<bool> UncommitAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = TenantImages.Own(call.Tenant, call.Arguments.Text("image")!);
        return await engine.FindImageAsync(image, cancel) is { } made && IsCommittedBy(call, made) && await engine.UntagAsync(image, cancel);
    }

    static bool IsCommittedBy(PrimitiveCall call, ImageDetail image) => image.Config?.Labels?.GetValueOrDefault(EngineLabels.CommittedBy) == call.RunId;

    /// <summary>An image takes its container's labels with it; a container that somebody made of it must not pass for ours.</summary>
    static readonly IReadOnlyList<string> Anonymous = [.. EngineLabels.All.Select(label => $"LABEL {label}=\"\"")];

    /// <summary>A commit cannot take a variable away; it can empty it.</summary>
    static IEnumerable<string> Emptied(IReadOnlyList<string> variables) => variables.Select(variable => $"ENV {variable}=\"\"");

    async Task ThawAsync(ContainerDetail container, CancellationToken cancel)
    {
        if (EngineQuirks.State(container.State.Status) == WorkloadState.Paused && (await engine.DialectAsync(cancel)).Quirks.StopNeedsUnpause)
            await engine.UnpauseAsync(container.Id, cancel);
    }

    /// <summary>The container once it has ended. One that its engine removes at its end is shown as it was.</summary>
    async Task<PrimitiveResult> EndedAsync(ContainerDetail container, CancellationToken cancel) =>
        ContainerViews.ResultOf(await containers.AwaitAsync(container.Id, WorkloadState.Stopped, cancel) ?? container with { State = container.State with { Status = "exited" } });

    static PrimitiveResult As(ContainerDetail container, string status) => ContainerViews.ResultOf(container with { State = container.State with { Status = status } });

    async Task<PrimitiveResult> ViewAsync(string id, CancellationToken cancel) =>
        ContainerViews.ResultOf(await containers.LookAsync(id, cancel) ?? throw new AdapterException(AdapterFailure.NotFound, "The container is gone: it was removed, by its strategy or by somebody else."));
}
