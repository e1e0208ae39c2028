using System.Collections.Concurrent;
using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Runs workloads as containers on one Podman, Docker or nerdctl. Holds no state of its own: the engine is asked before each decision, and
/// wins. A container is named <c>&lt;tenant&gt;-&lt;name&gt;</c> and found by its labels; one without them does not exist for us.
/// Published ports are open on every interface of the host, as with the engines' own command lines.
/// </summary>
public sealed class EngineAdapter : IRunAdapter, IContainerPrimitives, IDisposable
{
    const int MostFresh = 1024;

    static readonly HashSet<string> ChangesImages = ["image.pull", "image.build", "image.load", "image.tag", "image.remove", "container.commit", "system.prune"];

    // Each looks first and acts then, in several calls: what another one takes away in between would fail it.
    static readonly HashSet<string> ChangesNetworks = ["network.create", "network.remove", "network.connect", "network.disconnect", "network.establish", "network.sever"];

    static readonly Func<Task<bool>> Allowed = () => Task.FromResult(true);

    readonly EngineLimits limits;
    readonly IContainerEngine engine;
    readonly OwnContainers containers;
    readonly ImageActs images;
    readonly SeenImages seenImages;
    readonly WorkloadTurns networkTurns = new();
    readonly HealthProbes probes;
    readonly WorkloadPolicy policy;
    readonly TimeProvider time;

    // Made here, and not started by anybody yet as far as is known: the first start needs no look before it.
    readonly ConcurrentDictionary<string, Workload> fresh = new();

    /// <summary>An adapter for the engine at <paramref name="endpoint"/>, without credentials for registries and with nothing that an operator has to allow; nothing is connected to yet.</summary>
    public EngineAdapter(EngineEndpoint endpoint, TimeProvider time) : this(endpoint, EngineLimits.Default, time)
    {
    }

    internal EngineAdapter(EngineEndpoint endpoint, EngineLimits limits, TimeProvider time)
        : this(endpoint.Provider, new EngineClient(endpoint, limits, time, RegistryCredentials.Of([])), limits, WorkloadPolicy.Default, time)
    {
    }

    /// <summary>An adapter for an engine, which is its own from then on.</summary>
    internal EngineAdapter(string provider, IContainerEngine engine, EngineLimits limits, WorkloadPolicy policy, TimeProvider time)
    {
        (Provider, this.engine, this.limits, this.policy, this.time) = (provider, engine, limits, policy, time);
        containers = new OwnContainers(engine, limits, time);
        seenImages = new SeenImages(limits.ImageSight, time);
        images = new ImageActs(engine, seenImages);
        var volumes = new VolumeActs(engine);
        var networks = new NetworkActs(containers, engine);
        var acts = new ContainerActs(containers, volumes, engine, async (spec, wanted, cancel) => (await MakeAsync(spec, Allowed, wanted, cancel))!.Value.Id);
        var looks = new ContainerLooks(containers, engine, time);
        var commands = new ContainerExec(containers, engine, time);
        probes = new HealthProbes(engine, commands, time);
        IEnumerable<KeyValuePair<string, Primitive>> primitives =
        [
            .. acts.Table,
            .. looks.Table,
            .. new ContainerChanges(containers, engine).Table,
            .. new ContainerCopies(containers, engine).Table,
            .. images.Table,
            .. new ImageBuilds(images, engine, time).Table,
            .. new ImageTransfers(images, engine).Table,
            .. networks.Table,
            .. new NetworkLinks(containers, engine).Table,
            .. new Removals(containers, engine).Table,
            .. volumes.Table,
            .. new SystemLooks(EngineName.ProviderOf(Provider), containers, engine, looks, time).Table,
            .. commands.Table,
        ];
        Primitives = primitives.ToDictionary(entry => entry.Key, entry => ChangesImages.Contains(entry.Key) ? Forgetting(entry.Value) : ChangesNetworks.Contains(entry.Key) ? (call, cancel) => InTurnsAsync(call, NetworkChanges.ContainersOf(entry.Key, call.Arguments), () => entry.Value(call, cancel), cancel) : entry.Value);
        Unmakings = new Dictionary<string, Unmaking>
        {
            ["container.create"] = UnmakeAsync,
            ["container.commit"] = async (call, cancel) =>
            {
                var isGone = await acts.UncommitAsync(call, cancel);
                seenImages.Forget();
                return isGone;
            },
            ["network.create"] = (call, cancel) => InTurnAsync(call, () => networks.UnmakeAsync(call, cancel), cancel),
            ["volume.create"] = volumes.UnmakeAsync,
        };
    }

    /// <summary>In the turn of each of the containers, and then in that of the tenant's networks: whoever has the latter waits for nobody.</summary>
    async Task<PrimitiveResult> InTurnsAsync(PrimitiveCall call, IReadOnlyList<string> names, Func<Task<PrimitiveResult>> act, CancellationToken cancel)
    {
        var turns = new List<IDisposable>();
        try
        {
            foreach (var name in names)
            {
                turns.Add(await call.TurnOf(name, cancel) ?? throw new AdapterException(AdapterFailure.Conflict,
                    $"Another run is still at work on the container '{name}' (GET /v1/runs?subject=urn:container:{call.Tenant}/{name}). Nothing was changed: wait for that run, or cancel it (run.cancel)."));
            }
            return await InTurnAsync(call, act, cancel);
        }
        finally
        {
            turns.ForEach(turn => turn.Dispose());
        }
    }

    /// <summary>One at a time for each tenant.</summary>
    async Task<T> InTurnAsync<T>(PrimitiveCall call, Func<Task<T>> act, CancellationToken cancel)
    {
        using var turn = await networkTurns.TakeAsync(Provider, call.Tenant, "", cancel);
        return await act();
    }

    async Task<bool> UnmakeAsync(PrimitiveCall call, CancellationToken cancel)
    {
        if (await FindByNameAsync(call.Tenant, call.Name, cancel) is not { } made || made.RunId != call.RunId)
            return false;
        await RemoveAsync(made.Id, force: true, cancel);
        return true;
    }

    /// <summary>The same, after which every image is looked at again.</summary>
    Primitive Forgetting(Primitive act) => async (call, cancel) =>
    {
        try
        {
            return await act(call, cancel);
        }
        finally
        {
            seenImages.Forget();
        }
    };

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Primitive> Primitives { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Unmaking> Unmakings { get; }

    /// <inheritdoc/>
    public string Provider { get; }

    /// <inheritdoc/>
    public bool IsOptional { get; init; }

    /// <inheritdoc/>
    public TimeSpan StatusLife => engine.StatusLife;

    /// <inheritdoc/>
    public void Dispose()
    {
        engine.Dispose();
        probes.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel)
    {
        try
        {
            var found = await engine.PingAsync(cancel);
            return new(true, engine.Where, found.Version, null);
        }
        catch (AdapterException e)
        {
            return new(false, engine.Where, null, e.Message);
        }
    }

    /// <inheritdoc/>
    public Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) => FindAsync([(EngineLabels.RunId, runId)], cancel);

    /// <inheritdoc/>
    public async Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) =>
        // One call: the name in the engine leads to it, and its labels say whether it is the one that is meant.
        await LookAsync(ContainerRequests.NameOf(tenant, name), cancel) is { } found && (found.Tenant, found.Name) == (tenant, name) ? found : null;

    /// <inheritdoc/>
    public async Task FetchAsync(WorkloadSpec spec, CancellationToken wanted)
    {
        var (reference, image) = await images.UsableAsync(spec.Tenant, spec.Image, wanted);
        if (image is not null)
            return;
        var error = await PullAsync(reference, spec, wanted);
        seenImages.Forget();
        if (error is not null)
            throw Unfetched(reference, error);
    }

    /// <inheritdoc/>
    public async Task<Workload?> CreateAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel)
    {
        if (ContainerRequests.Problem(spec) is { } problem)
            throw new AdapterException(AdapterFailure.Refused, problem);
        Workload? made;
        try
        {
            made = await CreateNewAsync(spec, mayMake, wanted, cancel);
        }
        catch (AdapterException taken) when (taken.Failure == AdapterFailure.NameTaken)
        {
            // The same run's from before, perhaps: its name says so, which saves everybody else a search.
            made = await TakeOverNameAsync(spec, taken, wanted, cancel);
        }
        return made is null ? null : made with { ImageRepoDigests = await RepoDigestsAsync(spec, made, cancel) };
    }

    /// <summary>What the registry calls the image that a workload was made of; nothing where that is not known (any more), for the workload is there all the same.</summary>
    async Task<IReadOnlyList<string>> RepoDigestsAsync(WorkloadSpec spec, Workload made, CancellationToken cancel)
    {
        try
        {
            return (await images.UsableAsync(spec.Tenant, spec.Image, cancel)).Image is { } seen && seen.Id == made.ImageDigest ? seen.RepoDigests : [];
        }
        catch (AdapterException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public async Task<Workload> StartAsync(string workloadId, CancellationToken cancel)
    {
        var workload = fresh.TryRemove(workloadId, out var made) ? made : await OwnedAsync(workloadId, cancel);
        if (workload.State is WorkloadState.Running or WorkloadState.Stopped)
            return workload;
        if (workload.State == WorkloadState.Paused)
            throw new AdapterException(AdapterFailure.Refused, $"{workload.Tenant}-{workload.Name} is paused: unpause it, it has been started already.");
        return await StartedAsync(workload.Id, cancel);
    }

    /// <inheritdoc/>
    public async Task<Workload> StartAgainAsync(string workloadId, CancellationToken cancel)
    {
        var workload = await OwnedAsync(workloadId, cancel);
        if (workload.State is WorkloadState.Running or WorkloadState.Paused)
            return workload;
        return await StartedAsync(workload.Id, cancel);
    }

    /// <inheritdoc/>
    public async Task PauseAsync(string workloadId, CancellationToken cancel)
    {
        if ((await OwnedAsync(workloadId, cancel)).State != WorkloadState.Paused)
            await engine.PauseAsync(workloadId, cancel);
    }

    /// <inheritdoc/>
    public async Task AdoptNameAsync(string workloadId, CancellationToken cancel)
    {
        var container = await containers.LookAsync(workloadId, cancel) ?? throw NotFound(workloadId);
        var name = ContainerRequests.NameOf(container.Config!.Labels![EngineLabels.Tenant], container.Config.Labels[EngineLabels.Name]);
        if (container.Name?.TrimStart('/') != name)
            await engine.RenameAsync(container.Id, name, cancel);
    }

    /// <inheritdoc/>
    public async Task<ProbeOutcome> ProbeAsync(string workloadId, HealthCheck check, CancellationToken cancel)
    {
        var isPaused = false;
        try
        {
            var container = await containers.LookAsync(workloadId, cancel);
            var state = container is null ? null : EngineQuirks.State(container.State.Status);
            isPaused = state == WorkloadState.Paused;
            return state == WorkloadState.Running ? await probes.ProbeAsync(container!, check, cancel)
                : isPaused ? throw new AdapterException(AdapterFailure.Conflict, "the container is paused")
                : ProbeOutcome.Bad("the container does not run");
        }
        catch (AdapterException e) when (!isPaused && e.Failure != AdapterFailure.Unavailable)
        {
            return ProbeOutcome.Bad(e.Message);
        }
    }

    /// <inheritdoc/>
    public async Task<WorkloadEnd> WaitAsync(string workloadId, CancellationToken cancel, Func<Workload, Task>? again = null)
    {
        DateTimeOffset? started = null;
        for (var pause = limits.Glance; ; pause = pause * 2 < limits.Backoff ? pause * 2 : limits.Backoff)
        {
            try
            {
                var workload = await OwnedAsync(workloadId, cancel);
                if (workload.End is { } before)
                    return before;
                if (again is not null && started is not null && workload.StartedAt != started)
                    await again(workload);
                started = workload.StartedAt;
                pause = limits.Glance;
                await engine.AwaitEndAsync(workload.Id, notStartedYet: workload.State == WorkloadState.Created, cancel);
                if ((await OwnedAsync(workloadId, cancel)).End is { } end)
                    return end;
            }
            catch (AdapterException e) when (e.Failure != AdapterFailure.NotFound)
            {
                // The call outlived its slice, or the engine is away or does not show the container: it may be restarting, or stopping it slowly, and its containers may well live on.
            }
            await Task.Delay(pause, time, cancel);
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(string workloadId, TimeSpan grace, CancellationToken cancel)
    {
        var workload = await OwnedAsync(workloadId, cancel);
        if (workload.State is WorkloadState.Created or WorkloadState.Stopped)
            return;
        if (workload.State == WorkloadState.Paused && (await engine.DialectAsync(cancel)).Quirks.StopNeedsUnpause)
            await engine.UnpauseAsync(workload.Id, cancel);
        await engine.StopAsync(workload.Id, (int)Math.Ceiling(grace.TotalSeconds), cancel);
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string workloadId, bool force, CancellationToken cancel)
    {
        try
        {
            var workload = await OwnedAsync(workloadId, cancel);
            if (workload.State is WorkloadState.Running or WorkloadState.Paused && !force)
                throw new AdapterException(AdapterFailure.Refused, $"{workload.Tenant}-{workload.Name} is {workload.State.ToString().ToLowerInvariant()}: stop it first, or remove it with force.");
            await engine.RemoveAsync(workload.Id, force, cancel);
            fresh.TryRemove(workload.Id, out _);
        }
        catch (AdapterException e) when (e.Failure == AdapterFailure.NotFound)
        {
            // Gone already, which is what was asked for.
        }
    }

    /// <inheritdoc/>
    public async Task<LogTail> LogTailAsync(string workloadId, int maxLines, int maxBytes, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLines);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        var container = await engine.InspectAsync(workloadId, cancel);
        return container is not null && Workloads.IsOurs(container)
            ? await engine.LogLinesAsync(container, maxLines, maxBytes, since: null, grep: null, cancel)
            : throw NotFound(workloadId);
    }

    /// <inheritdoc/>
    public async Task<LogTail> ReadLogAsync(string workloadId, int maxLines, int maxBytes, string? grep, CancellationToken cancel) =>
        await engine.LogLinesAsync(await containers.LookAsync(workloadId, cancel) ?? throw NotFound(workloadId), maxLines, maxBytes, null, grep, cancel);

    /// <inheritdoc/>
    public async Task FollowLogAsync(string workloadId, int tail, LogRing ring, CancellationToken cancel)
    {
        try
        {
            await engine.FollowAsync(await containers.LookAsync(workloadId, cancel) ?? throw NotFound(workloadId), new LogBacklog(tail, ring.Shows), since: null, ring.Append, cancel);
        }
        finally
        {
            ring.End();
        }
    }

    /// <summary>It stands as it was ordered: the engine is not asked to show what it has just made.</summary>
    async Task<Workload?> CreateNewAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel)
    {
        if (await MakeAsync(spec, mayMake, wanted, cancel) is not var (id, image))
            return null;
        if (image is null)
            return await OwnedAsync(id, cancel); // fetched only now: what it is, the engine knows
        var created = new Workload { Id = id, RunId = spec.RunId, Tenant = spec.Tenant, Name = spec.Name, State = WorkloadState.Created, Ref = spec.Ref, ImageDigest = image.Id, Ports = spec.Ports };
        if (fresh.Count < MostFresh)
            fresh[id] = created;
        return created;
    }

    /// <summary>Its id, and its image as it was seen before; null when it may not be made.</summary>
    async Task<(string Id, SeenImage? Image)?> MakeAsync(WorkloadSpec spec, Func<Task<bool>> mayMake, CancellationToken wanted, CancellationToken cancel)
    {
        (var reference, var image) = await images.UsableAsync(spec.Tenant, spec.Image, wanted);
        var name = ContainerRequests.NameOf(spec);
        var request = ContainerRequests.Of(spec with { Image = reference }, (await engine.DialectAsync(cancel)).Quirks);
        if (!await mayMake())
            return null;
        wanted.ThrowIfCancellationRequested();
        var id = await AllowedAsync();
        if (id is null)
        {
            (var error, image) = (await PullAsync(reference, spec, wanted), null);
            seenImages.Forget();
            id = await AllowedAsync() ?? throw Unfetched(reference, error);
        }
        return (id, image);

        // Each time: a link can have been changed while an image was fetched.
        Task<string?> AllowedAsync()
        {
            policy.Judge(spec, engine.RemoteHost);
            return engine.CreateAsync(name, request, cancel);
        }
    }

    static AdapterException Unfetched(string image, string? error) =>
        new(AdapterFailure.ImageNotFound, $"The image {image} is not there and could not be fetched: {error ?? "the engine gave no reason"}");

    async Task<string?> PullAsync(string image, WorkloadSpec spec, CancellationToken cancel)
    {
        if (ImageName.IsId(image))
            return "an id is no name that a registry knows";
        try
        {
            return await engine.PullAsync(ImageReference.Parse(image), new PullWatch(spec.Progress), cancel);
        }
        catch (AdapterException e) when (e.Failure == AdapterFailure.Unavailable)
        {
            return e.Message;
        }
    }

    /// <summary>
    /// Another container has the name. If the same run made it a moment ago it is the answer; one that an earlier deploy of this name
    /// left stopped makes room; any other keeps the name, the client's own too. Whose it is stays untold: it may be another tenant's.
    /// </summary>
    async Task<Workload> TakeOverNameAsync(WorkloadSpec spec, AdapterException taken, CancellationToken wanted, CancellationToken cancel)
    {
        var holder = await HolderAsync(ContainerRequests.NameOf(spec), cancel);
        if (holder is null || (holder.Tenant, holder.Name) != (spec.Tenant, spec.Name))
            throw new AdapterException(AdapterFailure.NameTaken, $"The name {ContainerRequests.NameOf(spec)} is taken in the engine by another container: {taken.Message}", taken);
        if (holder.RunId == spec.RunId)
            return holder;
        if (holder.State != WorkloadState.Stopped)
            throw new AdapterException(AdapterFailure.NameTaken,
                $"{spec.Name} is {holder.State.ToString().ToLowerInvariant()} already, from run {holder.RunId}: cancel that run, or deploy under another name.", taken);
        if (holder.Ref is null)
            throw new AdapterException(AdapterFailure.NameTaken, $"{spec.Name} is a container that container.create made, and has ended: remove it, or deploy under another name.", taken);
        await RemoveAsync(holder.Id, force: false, cancel);
        return (await CreateNewAsync(spec, Allowed, wanted, cancel))!;
    }

    /// <summary>Our container that has this name in the engine. Docker reserves a name a moment before it shows who has it.</summary>
    async Task<Workload?> HolderAsync(string name, CancellationToken cancel)
    {
        var since = time.GetTimestamp();
        ContainerDetail? container;
        while ((container = await engine.InspectAsync(name, cancel)) is null && time.GetElapsedTime(since) < limits.Settle)
            await Task.Delay(limits.Glance, time, cancel);
        return container is null ? null : await LookAsync(container.Id, cancel);
    }

    async Task<Workload?> FindAsync((string, string)[] labels, CancellationToken cancel)
    {
        Workload? found = null;
        foreach (var summary in await engine.ListAsync(labels, cancel))
        {
            if (await LookAsync(summary.Id, cancel) is { } workload && (found is null || workload.State == WorkloadState.Running))
                found = workload;
        }
        return found;
    }

    async Task<Workload> StartedAsync(string id, CancellationToken cancel)
    {
        await containers.StartAsync(id, () => engine.StartAsync(id, cancel), cancel);
        return await OwnedAsync(id, cancel);
    }

    async Task<Workload> OwnedAsync(string id, CancellationToken cancel) => await LookAsync(id, cancel) ?? throw NotFound(id);

    /// <summary>Our container of that id in a state that lasts, or null.</summary>
    async Task<Workload?> LookAsync(string id, CancellationToken cancel) =>
        await containers.LookAsync(id, cancel) is { } container ? Workloads.Of(container, EngineQuirks.State(container.State.Status)!.Value) with { Seen = container } : null;

    static AdapterException NotFound(string id) =>
        new(AdapterFailure.NotFound, $"There is no container {id}: it was removed, or it is not one that this gateway made.");
}
