using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Where Podman, Docker and nerdctl differ, each difference under a name. Chosen by what the engine says that it is,
/// not by how it was found: a DOCKER_HOST may be a Podman.
/// </summary>
internal sealed record EngineQuirks
{
    /// <summary>
    /// The engine keeps at most 1 MiB of a container's output per file. Docker's json-file rotates over two files; conmon, which
    /// writes Podman's k8s-file, starts the one file over and knows no second.
    /// </summary>
    public required LogConfig BoundedLog { get; init; }

    /// <summary>Podman 4 refuses to stop a paused container; Docker thaws it itself.</summary>
    public required bool StopNeedsUnpause { get; init; }

    /// <summary>
    /// How "publish on every interface" is spelt, which is what both engines do unless told otherwise. Podman's netavark turns
    /// <c>0.0.0.0</c> into a firewall rule for that one literal address, which nothing ever matches: connections hang. Docker, given
    /// the empty string and left to choose the port, chooses one for IPv4 and another for IPv6.
    /// </summary>
    public required string EveryInterface { get; init; }

    /// <summary>
    /// How the columns of a list of processes are asked for. Docker runs the host's <c>ps</c>; Podman 4 has columns of its own, and puts a whole row into one string.
    /// </summary>
    public required string ProcessColumns { get; init; }

    /// <summary>Podman 4 changes limits through a call of its own, forgets them when the container ends, and shows the earlier ones.</summary>
    public required bool UpdatesByOwnCall { get; init; }

    /// <summary>Podman 4, asked for events until a moment, answers with none when it keeps them in a file; it is asked not to go on instead, which Docker does not know.</summary>
    public required bool EventsEndByWord { get; init; }

    /// <summary>
    /// Podman 4, asked as Docker is to wait for the end of a container, looks at it without a pause between the looks, which takes a whole processor for as long as the container lives. Its own call is told how long to pause.
    /// </summary>
    public required bool WaitsByOwnCall { get; init; }

    /// <summary>Podman ends a log that is followed soon after its container, and looks for more at a pace of its own: what was said last may be left out when the machine is busy (seen once, with 4.3).</summary>
    public required bool FollowsMissTheEnd { get; init; }

    /// <summary>
    /// How users of a container stand for users of the host; null leaves it to the engine. Podman without root keeps the id of the user that it runs as, so that what a container writes into a
    /// bind mount is that user's and not one of a range that nobody knows.
    /// </summary>
    public string? UserNamespace { get; init; }

    /// <summary>
    /// Docker takes a registry on the loopback for one without TLS; Podman is told so.
    /// </summary>
    public required bool LoopbackNeedsWord { get; init; }

    /// <summary>An image's ONBUILD triggers are shown with it.</summary>
    public required bool ShowsTriggers { get; init; }

    /// <summary>A Dockerfile may name an image by its id. The builder behind nerdctl looks for names alone.</summary>
    public required bool BuildsOnIds { get; init; }

    /// <summary>How an image is fetched. Podman 4 hears that word in its own call alone.</summary>
    public string PullPath(ImageReference image) => LoopbackNeedsWord && image.IsOnLoopback
        ? $"/libpod/images/pull?reference={Uri.EscapeDataString(image.ToString())}&tlsVerify=false"
        : $"/images/create?fromImage={Uri.EscapeDataString(image.Name)}&tag={Uri.EscapeDataString(image.TagOrDigest)}";

    /// <summary>How an image is sent.</summary>
    public string PushPath(ImageReference image) =>
        $"/images/{Uri.EscapeDataString(image.Name)}/push?tag={Uri.EscapeDataString(image.TagOrDigest)}{(LoopbackNeedsWord && image.IsOnLoopback ? "&tlsVerify=false" : "")}";

    /// <summary>How the end of a container is waited for; of one that was not started yet, its next end. That is an event, for which even Podman does not look.</summary>
    public string WaitPath(string id, bool notStartedYet) => (notStartedYet, WaitsByOwnCall) switch
    {
        (true, _) => $"/containers/{id}/wait?condition=next-exit",
        (false, true) => $"/libpod/containers/{id}/wait?condition=stopped&condition=exited&interval={PauseBetweenLooks}",
        (false, false) => $"/containers/{id}/wait?condition=not-running",
    };

    /// <summary>A quarter of the second within which an end is to be noticed; Podman's own default.</summary>
    const string PauseBetweenLooks = "250ms";

    public static EngineQuirks Docker { get; } = new()
    {
        ProcessColumns = "?ps_args=-eo%20pid,user,args",
        BoundedLog = new("json-file", new() { ["max-size"] = "1m", ["max-file"] = "2" }),
        StopNeedsUnpause = false,
        EveryInterface = "0.0.0.0",
        LoopbackNeedsWord = false,
        ShowsTriggers = true,
        BuildsOnIds = true,
        EventsEndByWord = false,
        UpdatesByOwnCall = false,
        WaitsByOwnCall = false,
        FollowsMissTheEnd = false,
    };

    public static EngineQuirks Podman { get; } = new()
    {
        ProcessColumns = "?ps_args=hpid,user,args",
        BoundedLog = new("k8s-file", new() { ["max-size"] = "1m" }),
        StopNeedsUnpause = true,
        EveryInterface = "",
        LoopbackNeedsWord = true,
        ShowsTriggers = false,
        BuildsOnIds = true,
        EventsEndByWord = true,
        UpdatesByOwnCall = true,
        WaitsByOwnCall = true,
        FollowsMissTheEnd = true,
    };

    /// <summary>nerdctl's own; of its command line, not of an API that it does not have.</summary>
    public static EngineQuirks Nerdctl { get; } = Docker with { StopNeedsUnpause = true, EveryInterface = "", LoopbackNeedsWord = true, ShowsTriggers = false, BuildsOnIds = false };

    public static EngineQuirks Of(EngineVersion version) =>
        version.Components?.Any(c => c.Name == "Podman Engine") == true ? Podman : Docker;

    /// <summary>The same with what depends on whom the engine runs as.</summary>
    public EngineQuirks As(EngineInfo info) => info.IsRootless ? this with { UserNamespace = "keep-id" } : this;

    /// <summary>
    /// With a read-only root Podman mounts these writable in memory and cannot be told not to (its API has no such field); Docker is
    /// asked for the same, so that a workload finds the same file system on both.
    /// </summary>
    public static Dictionary<string, string> WritableInMemory() => new()
    {
        ["/tmp"] = "rw" + InMemoryOptions,
        ["/run"] = "rw" + InMemoryOptions,
        ["/var/tmp"] = "rw" + InMemoryOptions,
    };

    /// <summary>How every file system in memory is mounted.</summary>
    public const string InMemoryOptions = ",nosuid,nodev,size=64m";

    /// <summary>
    /// The state that an engine's word stands for; null for a transient one, which is waited out. What Podman calls stopping runs for as long as its grace is, ten minutes perhaps, and can be looked at and killed meanwhile; Docker
    /// calls it running.
    /// </summary>
    public static WorkloadState? State(string status) => status switch
    {
        "created" or "configured" or "initialized" => WorkloadState.Created,
        "running" or "stopping" => WorkloadState.Running,
        "paused" => WorkloadState.Paused,
        "exited" or "stopped" or "dead" => WorkloadState.Stopped,
        _ => null,
    };

    /// <summary>A row of a table, whose last column takes the rest, whether it came in columns or as one string.</summary>
    public static string[] Columns(string[] row, int count) =>
        row.Length == count ? row : string.Join(' ', row).Split((char[]?)null, count, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>
    /// A command that cannot be started: Podman says so on standard error and with 127, as a shell does for one that is not there; Docker on
    /// standard output and with 126.
    /// </summary>
    public static (int ExitCode, string Stdout, string Stderr) ExecOutcome(int exitCode, string stdout, string stderr)
    {
        if (exitCode is not (126 or 127) || stderr.Length > 0 || !(stdout.StartsWith("OCI runtime exec failed", StringComparison.Ordinal) || IsUnknownUser(stdout)))
            return (exitCode, stdout, stderr);
        var missing = stdout.Contains("no such file or directory", StringComparison.Ordinal) || stdout.Contains("executable file not found", StringComparison.Ordinal);
        return (missing ? 127 : 126, "", stdout);
    }

    /// <summary>The exit code of a command that is there and cannot be begun.</summary>
    public const int CannotBegin = 126;

    /// <summary>A command is to run as a user that its container does not know: Docker has it end with 126, Podman refuses to begin it.</summary>
    public static bool IsUnknownUser(string message) => message.StartsWith("unable to find user ", StringComparison.Ordinal);

    /// <summary>What happened, in one word for both: Podman says <c>died</c> where Docker says <c>die</c>. Null for what only one of them says.</summary>
    public static string? Event(string? action) => action switch
    {
        "died" => "die",
        "create" or "start" or "die" or "kill" or "stop" or "restart" or "pause" or "unpause" or "remove" or "oom" or "commit" or "rename" => action,
        "destroy" => "remove",
        _ => null,
    };

    /// <summary>"Step 2/5 : RUN …" of Docker, "STEP 2/5: RUN …" of Podman: which step of how many begins; null for other text.</summary>
    public static (int Step, int Of)? BuildStep(string text)
    {
        if (!text.StartsWith("step ", StringComparison.OrdinalIgnoreCase))
            return null;
        var numbers = text.AsSpan(5, Math.Max(0, text.AsSpan(5).IndexOfAnyExcept("0123456789/")));
        var slash = numbers.IndexOf('/');
        return slash > 0 && int.TryParse(numbers[..slash], out var step) && int.TryParse(numbers[(slash + 1)..], out var of) ? (step, of) : null;
    }

    /// <summary>Podman 4 reads its container's process and networks while it shows the container, and fails when that one ends, or joins or leaves a network, in between.</summary>
    public static bool IsPassing(string message) =>
        (message.Contains("/proc/", StringComparison.Ordinal) && message.Contains("no such process", StringComparison.Ordinal)) || message.Contains("network inspection mismatch", StringComparison.Ordinal);

    /// <summary>Docker is about to remove the container, since somebody else asked for it a moment ago, and takes a second wish for a failure.</summary>
    public static bool IsGoing(string message) => message.StartsWith("removal of container ", StringComparison.Ordinal) && message.Contains(" is already in progress", StringComparison.Ordinal);

    /// <summary>The container is in that network already: somebody else put it there at the same moment.</summary>
    public static bool IsJoined(string message) =>
        message.Contains("is already connected to network", StringComparison.Ordinal) || (message.StartsWith("endpoint with name ", StringComparison.Ordinal) && message.Contains(" already exists in network ", StringComparison.Ordinal));

    /// <summary>The container is not in that network any more.</summary>
    public static bool IsApart(string message) => message.Contains("is not connected to ", StringComparison.Ordinal) || IsNetworkless(message);

    /// <summary>The network itself is not there any more. Docker, asked to restart a container, says first that it cannot.</summary>
    public static bool IsNetworkless(string message) =>
        message.Contains("network not found", StringComparison.Ordinal)
        || ((message.StartsWith("network ", StringComparison.Ordinal) || message.Contains(": network ", StringComparison.Ordinal)) && message.TrimEnd().EndsWith(" not found", StringComparison.Ordinal));

    /// <summary>Docker begins a pull with a line about the whole image, "Pulling from library/nginx", whose id is the image's tag and no layer's.</summary>
    public static bool IsHeadline(string? status) => status?.StartsWith("Pulling from ", StringComparison.Ordinal) == true;

    /// <summary>Docker gives one name to two networks that are made at the same moment.</summary>
    public static bool IsAmbiguous(string message) => message.Contains("matches found based on name", StringComparison.Ordinal);

    /// <summary>
    /// What kind of failure an error answer is. Docker says it with the status; Podman answers 500 for most, and its words decide.
    /// A missing executable is also a 404 in some Docker versions, so a 404 alone does not mean a missing container.
    /// </summary>
    public static AdapterFailure Classify(int status, string message)
    {
        bool Says(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
        if (Says("port is already allocated") || Says("address already in use") || Says("ports are not available"))
            return AdapterFailure.PortTaken;
        if (Says("name is already in use") || (Says("container name") && Says("already in use")) || Says("network already exists") || Says("volume already exists") || (Says("network with name") && Says("already exists")))
            return AdapterFailure.NameTaken;
        if (Says("no such container") || Says("no container with name or ID"))
            return AdapterFailure.NotFound;
        if (Says("no such image") || Says("image not known"))
            return AdapterFailure.ImageNotFound;
        return status == 503 ? AdapterFailure.Unavailable : AdapterFailure.Refused;
    }
}
