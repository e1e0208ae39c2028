using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// What one container engine can do, call by call, in the shapes of the Engine API. Two speak it: <see cref="EngineClient"/> over HTTP, and
/// <see cref="Nerdctl.NerdctlEngine"/> through a command line. Whose a container is, and what may be done to it, is decided above it. Every call has a time limit, every
/// answer a size limit; failures are <see cref="AdapterException"/>.
/// </summary>
internal interface IContainerEngine : IDisposable
{
    /// <summary>Where it is reached now, in words for people, or null when nothing is there.</summary>
    string? Where { get; }

    /// <summary>The host on which published ports are; null when that is this machine.</summary>
    string? RemoteHost { get; }

    /// <summary>How long an answer of <see cref="PingAsync"/> holds.</summary>
    TimeSpan StatusLife { get; }

    /// <summary>Asks the engine whether it is there, and what it is when that is not known.</summary>
    Task<EngineDialect> PingAsync(CancellationToken cancel);

    /// <summary>What the engine is, as agreed on last.</summary>
    ValueTask<EngineDialect> DialectAsync(CancellationToken cancel);

    /// <summary>The machine that it runs on.</summary>
    Task<EngineInfo> InfoAsync(CancellationToken cancel);

    /// <summary>Hands over what happened to containers with that label until now, in order; <paramref name="since"/> says since when, told what time it is.</summary>
    Task EventsAsync(string label, Func<DateTimeOffset, DateTimeOffset> since, Action<EventLine> see, CancellationToken cancel);

    /// <summary>The container of that id or name, or null.</summary>
    Task<ContainerDetail?> InspectAsync(string id, CancellationToken cancel);

    /// <summary>What is known of a container that the engine has and cannot show: whose it is, where it stands and in which networks. Null when nothing is.</summary>
    Task<ContainerDetail?> OutlineAsync(string id, CancellationToken cancel);

    /// <summary>The containers, in whatever state, that have all these labels.</summary>
    Task<IReadOnlyList<ContainerSummary>> ListAsync(IEnumerable<(string Name, string Value)> labels, CancellationToken cancel);

    /// <summary>Creates a container and answers with its id, or null when the engine does not have the image.</summary>
    Task<string?> CreateAsync(string name, ContainerRequest request, CancellationToken cancel);

    /// <summary>Starts it; one that runs stays as it is.</summary>
    Task StartAsync(string id, CancellationToken cancel);

    /// <summary>Gives a container another name, running or not.</summary>
    Task RenameAsync(string id, string name, CancellationToken cancel);

    /// <summary>Freezes it.</summary>
    Task PauseAsync(string id, CancellationToken cancel);

    /// <summary>Thaws it.</summary>
    Task UnpauseAsync(string id, CancellationToken cancel);

    /// <summary>Sends the stop signal, then SIGKILL after the grace, in whole seconds; one that is stopped stays as it is.</summary>
    Task StopAsync(string id, int graceSeconds, CancellationToken cancel);

    /// <summary>Sends a signal, <c>SIG…</c>.</summary>
    Task KillAsync(string id, string signal, CancellationToken cancel);

    /// <summary>Stops it as <see cref="StopAsync"/> does and starts it.</summary>
    Task RestartAsync(string id, int graceSeconds, CancellationToken cancel);

    /// <summary>Removes it, also when it runs if <paramref name="force"/> says so, and its anonymous volumes.</summary>
    Task RemoveAsync(string id, bool force, CancellationToken cancel, bool volumes = true);

    /// <summary>Answers when the engine says that the container has ended; how it ended is for <see cref="InspectAsync"/> to say. May answer early.</summary>
    Task AwaitEndAsync(string id, bool notStartedYet, CancellationToken cancel);

    /// <summary>The last lines since a moment that contain a text; what else is read is counted and forgotten, so that memory is bounded.</summary>
    Task<LogTail> LogLinesAsync(ContainerDetail container, int maxLines, int maxBytes, DateTimeOffset? since, string? grep, CancellationToken cancel);

    /// <summary>Hands over output while it comes, until the container ends: what there is first, of it what the backlog leaves of it and what came since a moment alone where that is wanted, then what is new.</summary>
    Task FollowAsync(ContainerDetail container, LogBacklog? backlog, DateTimeOffset? since, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel);

    /// <summary>Runs a command in a container to its end or to its time limit, and hands over what it says while it says it.</summary>
    Task<ExecOutcome> ExecAsync(ExecOrder order, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel);

    /// <summary>What a container has changed.</summary>
    Task<IReadOnlyList<FileChangeEntry>> ChangesAsync(string id, CancellationToken cancel);

    /// <summary>Its processes.</summary>
    Task<ProcessTable> ProcessesAsync(string id, CancellationToken cancel);

    /// <summary>What it uses now.</summary>
    Task<StatsReading> StatsAsync(string id, CancellationToken cancel);

    /// <summary>Sets limits while it runs.</summary>
    Task LimitAsync(string id, ResourceView limits, CancellationToken cancel);

    /// <summary>Makes an image of it and answers with the image's id. <paramref name="changes"/> are instructions of a Dockerfile.</summary>
    Task<string> CommitAsync(string id, ImageReference image, IReadOnlyList<string> changes, CancellationToken cancel);

    /// <summary>Unpacks a tar in a folder of it that is there.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NotFound"/> when there is no such folder.</exception>
    Task UnpackAsync(string id, string path, Func<Stream, CancellationToken, Task> write, Func<Task> begun, CancellationToken cancel);

    /// <summary>Packs a file or folder of it as a tar.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NotFound"/> when there is no such path.</exception>
    Task PackAsync(string id, string path, Func<Stream, CancellationToken, Task> read, CancellationToken cancel);

    /// <summary>The image of that reference or id, or null.</summary>
    Task<ImageDetail?> FindImageAsync(string reference, CancellationToken cancel);

    /// <summary>All images.</summary>
    Task<IReadOnlyList<ImageSummary>> ImagesAsync(CancellationToken cancel);

    /// <summary>The layers of an image, newest first.</summary>
    Task<IReadOnlyList<Layer>> HistoryAsync(string imageId, CancellationToken cancel);

    /// <summary>Fetches an image; null, or why it could not be fetched, in the engine's words.</summary>
    Task<string?> PullAsync(ImageReference image, PullWatch? watch, CancellationToken cancel);

    /// <summary>Sends an image to the registry of its name; null, or why that failed.</summary>
    Task<string?> PushAsync(ImageReference image, PullWatch watch, CancellationToken cancel);

    /// <summary>Gives an image another name.</summary>
    Task TagAsync(string imageId, ImageReference name, CancellationToken cancel);

    /// <summary>Takes a name from an image, which goes with its last one; false when there is no such name.</summary>
    Task<bool> UntagAsync(string reference, CancellationToken cancel);

    /// <summary>Writes an image as a tar.</summary>
    Task SaveAsync(string reference, Stream destination, CancellationToken cancel);

    /// <summary>Loads images from a tar; null, or why that failed.</summary>
    Task<string?> LoadAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancel);

    /// <summary>Builds an image of a context; its id, or why that failed.</summary>
    Task<(string? Id, string? Error)> BuildAsync(BuildOrder order, Stream context, Func<string, Task> said, CancellationToken cancel);

    /// <summary>The network of that id or name, or null.</summary>
    Task<NetworkDetail?> FindNetworkAsync(string name, CancellationToken cancel);

    /// <summary>The networks that have that label (<c>name=value</c>).</summary>
    Task<IReadOnlyList<NetworkDetail>> NetworksAsync(string label, CancellationToken cancel);

    /// <summary>Makes one, and shows it.</summary>
    /// <exception cref="AdapterException"><see cref="AdapterFailure.NameTaken"/> when another has the name.</exception>
    Task<NetworkDetail> CreateNetworkAsync(NetworkRequest request, CancellationToken cancel);

    /// <summary>Removes one; false when it is not there.</summary>
    Task<bool> RemoveNetworkAsync(string id, CancellationToken cancel);

    /// <summary>Puts a container into a network, under another name as well; one that does not run is in it from its start on.</summary>
    Task ConnectAsync(string network, string container, string alias, CancellationToken cancel);

    /// <summary>Takes a container out of a network. With <paramref name="force"/> Docker does so also when that is not there any more.</summary>
    Task DisconnectAsync(string network, string container, bool force, CancellationToken cancel);

    /// <summary>The volume of that name, or null.</summary>
    Task<VolumeDetail?> FindVolumeAsync(string name, CancellationToken cancel);

    /// <summary>The volumes that have that label (<c>name=value</c>).</summary>
    Task<IReadOnlyList<VolumeDetail>> VolumesAsync(string label, CancellationToken cancel);

    /// <summary>Makes one; one of that name that is there stays as it is.</summary>
    Task CreateVolumeAsync(VolumeRequest request, CancellationToken cancel);

    /// <summary>Removes one; false when it is not there.</summary>
    Task<bool> RemoveVolumeAsync(string name, CancellationToken cancel);
}

/// <summary>A command to run in a container. <paramref name="Begun"/> is awaited right before it begins.</summary>
internal sealed record ExecOrder(string ContainerId, ExecRequest Request, byte[]? Stdin, TimeSpan Timeout, Func<Task> Begun);

/// <summary>How a command ended; its exit code is -1 when its time was over and it could not be ended. <paramref name="Killed"/> is there when its time was over.</summary>
internal sealed record ExecOutcome(int ExitCode, bool? Killed)
{
    /// <summary>Its time was over before it ended.</summary>
    public bool TimedOut => Killed is not null;

    /// <summary>Whether one that was not killed has still not ended, as far as that can be seen.</summary>
    public Func<CancellationToken, Task<bool>> GoesOnAsync { get; init; } = _ => Task.FromResult(false);
}

/// <summary>What to build.</summary>
internal sealed record BuildOrder(
    string Tag, string Dockerfile, string? Stage, bool NoCache, bool Network, IReadOnlyDictionary<string, string> Arguments, IReadOnlyDictionary<string, string> Labels, TimeSpan Limit)
{
    /// <summary>What the engine gets for a Dockerfile, in place of the one in the context; null for that one itself.</summary>
    public string? Text { get; init; }
}
