using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// An engine behind a command line that speaks as nerdctl does: each call is one process, or a few (<see cref="NerdctlCommands"/>), and what it says is read into the shapes of
/// the Engine API. Lists are ids first and then each in full, since how command lines print a list differs and what they inspect does not. Runs on the engine's own machine.
/// </summary>
internal sealed partial class NerdctlEngine : IContainerEngine
{
    /// <summary>The name in <c>target.provider</c>.</summary>
    public const string Provider = "nerdctl";

    /// <summary>So many are looked at by one command.</summary>
    const int AtOnce = 100;

    const int MaxKnownImages = 1024;

    // Podman writes lower-case names where nerdctl writes upper-case ones.
    static readonly EngineJson Loose = new(new JsonSerializerOptions { PropertyNameCaseInsensitive = true });

    readonly string name;
    readonly EngineLimits limits;
    readonly RegistryCredentials registries;
    readonly TimeProvider time;
    readonly CommandRunner runner;
    readonly SemaphoreSlim turns;
    readonly ConcurrentDictionary<string, string> imageIds = new();
    volatile EngineDialect? dialect;

    public NerdctlEngine(NerdctlOptions options, EngineLimits limits, RegistryCredentials registries, TimeProvider time) : this(Provider, options, limits, registries, time)
    {
    }

    /// <summary>One that the operator has named.</summary>
    /// <param name="name">Which engine it is (<see cref="EngineName"/>).</param>
    /// <param name="options">How it is called.</param>
    /// <param name="limits">How long things may take.</param>
    /// <param name="registries">Who the gateway is to registries.</param>
    /// <param name="time">The clock.</param>
    public NerdctlEngine(string name, NerdctlOptions options, EngineLimits limits, RegistryCredentials registries, TimeProvider time)
    {
        (this.name, this.limits, this.registries, this.time) = (name, limits, registries, time);
        runner = new CommandRunner(options.Binary ?? Provider, options.Arguments, time);
        // A process for each call: more at once than this do not go faster.
        turns = new SemaphoreSlim(Math.Min(limits.Connections, 4 * Environment.ProcessorCount));
    }

    public string? Where => runner.Program;

    public string? RemoteHost => null;

    /// <summary>To ask is a process of its own.</summary>
    public TimeSpan StatusLife => TimeSpan.FromSeconds(30);

    public void Dispose() => turns.Dispose();

    public async ValueTask<EngineDialect> DialectAsync(CancellationToken cancel) => dialect ?? await PingAsync(cancel);

    public async Task<EngineDialect> PingAsync(CancellationToken cancel)
    {
        var version = await DocumentAsync(new NerdctlVersion(), "tell its version", limits.Status, cancel);
        var client = version.Member("Client");
        var isPodman = client.Text("APIVersion") is not null;
        return dialect = new(client.Text("Version") ?? version.Text("Version") ?? "", "", isPodman ? EngineQuirks.Podman with { UpdatesByOwnCall = true } : EngineQuirks.Nerdctl);
    }

    public async Task<EngineInfo> InfoAsync(CancellationToken cancel)
    {
        var info = await DocumentAsync(new NerdctlInfo(), "tell what it is", limits.Answer, cancel);
        var (host, system) = (info.Member("host"), info.Member("host").Member("distribution"));
        return host.ValueKind == JsonValueKind.Object
            ? new EngineInfo($"{system.Text("distribution")} {system.Text("version")}", host.Text("arch"), host.Text("kernel"), host.Integer("cpus"), host.Integer("memTotal"), info.Member("store").Text("graphDriverName")) { Rootless = host.Member("security").Flag("rootless") }
            : new EngineInfo(info.Text("OperatingSystem"), info.Text("Architecture"), info.Text("KernelVersion"), info.Integer("NCPU"), info.Integer("MemTotal"), info.Text("Driver")) { SecurityOptions = [.. info.Texts("SecurityOptions")] };
    }

    public Task EventsAsync(string label, Func<DateTimeOffset, DateTimeOffset> since, Action<EventLine> see, CancellationToken cancel) =>
        throw new AdapterException(AdapterFailure.Refused, "nerdctl shows events while they happen, and none that have happened: system.events has nothing to answer with. The ledger has what was done through this gateway.");

    public async Task<ContainerDetail?> InspectAsync(string id, CancellationToken cancel)
    {
        var result = await RunAsync(new NerdctlInspect(id), cancel);
        return Failure(result) == AdapterFailure.NotFound
            ? null
            : await WithImageIdAsync(First(result, Loose.ContainerDetail, Loose.ContainerDetailArray, "show a container"), cancel);
    }

    public Task<ContainerDetail?> OutlineAsync(string id, CancellationToken cancel) => Task.FromResult<ContainerDetail?>(null);

    public async Task<IReadOnlyList<ContainerSummary>> ListAsync(IEnumerable<(string Name, string Value)> labels, CancellationToken cancel)
    {
        var wanted = labels.ToList();
        var ids = await LinesAsync(new NerdctlList($"{wanted[0].Name}={wanted[0].Value}"), "list containers", cancel);
        return [.. (await DetailsAsync(ids, cancel)).Where(found => wanted.All(label => found.Config?.Labels?.GetValueOrDefault(label.Name) == label.Value)).Select(Summary)];
    }

    /// <summary>All of them; one that is gone by now makes the command fail for all, so then each is asked for by itself.</summary>
    async Task<IReadOnlyList<ContainerDetail>> DetailsAsync(IReadOnlyList<string> ids, CancellationToken cancel)
    {
        var found = new List<ContainerDetail>();
        foreach (var some in ids.Chunk(AtOnce))
        {
            var result = await RunAsync(new NerdctlInspect(some), cancel);
            if (Failure(result) != AdapterFailure.NotFound)
            {
                found.AddRange(Objects(result, Loose.ContainerDetail, Loose.ContainerDetailArray, "list containers"));
                continue;
            }
            foreach (var id in some)
            {
                if (await InspectAsync(id, cancel) is { } one)
                    found.Add(one);
            }
        }
        return found;
    }

    static ContainerSummary Summary(ContainerDetail found) => new(found.Id)
    {
        Image = found.Config?.Image ?? found.Image,
        State = found.State.Status,
        Created = DateTimeOffset.TryParse(found.Created, System.Globalization.CultureInfo.InvariantCulture, out var at) ? at.ToUnixTimeSeconds() : 0,
        Labels = found.Config?.Labels,
        Ports = [.. Workloads.Ports(found).Select(port => new PortSummary(port.Container, port.Host))],
        NetworkSettings = found.NetworkSettings,
    };

    /// <summary>The image by its id, as the Engine API shows it: nerdctl shows the name, Podman the id without the algorithm.</summary>
    async Task<ContainerDetail> WithImageIdAsync(ContainerDetail container, CancellationToken cancel)
    {
        if (container.Image is not { Length: > 0 } image || image.StartsWith("sha256:", StringComparison.Ordinal))
            return container;
        if (image.Length == 64 && image.All(char.IsAsciiHexDigitLower))
            return container with { Image = "sha256:" + image };
        if (!imageIds.TryGetValue(container.Id, out var known))
        {
            if (imageIds.Count >= MaxKnownImages)
                imageIds.Clear();
            // A name may come to mean another image later; what it meant when the container was first seen is kept.
            known = imageIds[container.Id] = await FindImageAsync(image, cancel) is { } found ? found.Id : image;
        }
        return container with { Image = known, Config = container.Config is { Image: null } config ? config with { Image = image } : container.Config };
    }

    public async Task<string?> CreateAsync(string name, ContainerRequest request, CancellationToken cancel)
    {
        if (Problem(request) is { } problem)
            throw new AdapterException(AdapterFailure.Refused, problem);
        using var variables = VariableFile.Write(request.Env);
        var result = await RunAsync(new NerdctlCreate(name, request, variables.Path), cancel);
        return Failure(result) == AdapterFailure.ImageNotFound ? null : LastLine(OrThrow(result));
    }

    /// <summary>What would arrive as something else than was meant.</summary>
    static string? Problem(ContainerRequest request) => request switch
    {
        { Entrypoint: [var first, ..] } when first is "" or ['[', ..] => $"entrypoint: '{first}' would be read as something else by nerdctl's command line",
        { Labels: var labels } when labels.Keys.FirstOrDefault(key => key.Length == 0 || key.Contains('=')) is { } label => $"labels: '{label}' would be read as another name by nerdctl's command line",
        _ => null,
    };

    public Task StartAsync(string id, CancellationToken cancel) => DoAsync(new NerdctlAct("start", id), cancel);

    public Task RenameAsync(string id, string name, CancellationToken cancel) => DoAsync(new NerdctlRename(id, name), cancel);

    public Task PauseAsync(string id, CancellationToken cancel) => DoAsync(new NerdctlAct("pause", id), cancel);

    public Task UnpauseAsync(string id, CancellationToken cancel) => DoAsync(new NerdctlAct("unpause", id), cancel);

    public Task StopAsync(string id, int graceSeconds, CancellationToken cancel) => EndAsync("stop", id, graceSeconds, cancel);

    public Task KillAsync(string id, string signal, CancellationToken cancel) => DoAsync(new NerdctlKill(id, signal), cancel);

    public Task RestartAsync(string id, int graceSeconds, CancellationToken cancel) => EndAsync("restart", id, graceSeconds, cancel);

    public async Task RemoveAsync(string id, bool force, CancellationToken cancel, bool volumes = true)
    {
        await DoAsync(new NerdctlRemove(id, force, volumes), cancel);
        imageIds.TryRemove(id, out _);
    }

    public async Task AwaitEndAsync(string id, bool notStartedYet, CancellationToken cancel)
    {
        if (notStartedYet)
            await Task.Delay(limits.Glance, time, cancel); // nerdctl waits for what runs; what does not yet is looked at again
        else
            OrThrow(await StreamAsync(new NerdctlAct("wait", id), new(), limits.WaitSlice, cancel));
    }

    /// <summary>
    /// Cancelled, the waiting ends and the command goes on, as it does with an engine that is asked over its API: a container whose <c>podman stop</c> is killed is "stopping" from then on, and never stopped. It is no
    /// short command: whoever loses patience and kills the container does not wait for it.
    /// </summary>
    async Task EndAsync(string verb, string id, int graceSeconds, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        OrThrow(await StreamAsync(new NerdctlEnd(verb, id, graceSeconds), new(), limits.Answer + TimeSpan.FromSeconds(graceSeconds), CancellationToken.None).WaitAsync(cancel));
    }

    async Task DoAsync(NerdctlCommand command, CancellationToken cancel) => OrThrow(await RunAsync(command, cancel));

    /// <summary>A short command, whose answer is kept whole. Only so many run at once.</summary>
    async Task<CommandResult> RunAsync(NerdctlCommand command, CancellationToken cancel, TimeSpan? limit = null)
    {
        await turns.WaitAsync(cancel);
        try
        {
            return await MeasuredAsync(command, new(), limit ?? limits.Answer, limits.AnswerBytes, cancel);
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>A command that takes its time; of what it says the last is kept.</summary>
    async Task<CommandResult> StreamAsync(NerdctlCommand command, CommandStreams streams, TimeSpan limit, CancellationToken cancel)
    {
        const int Kept = 64 << 10;
        return await MeasuredAsync(command, streams, limit, Kept, cancel);
    }

    /// <summary>Runs it and measures it; what waits for a container on purpose says nothing about the engine.</summary>
    Task<CommandResult> MeasuredAsync(NerdctlCommand command, CommandStreams streams, TimeSpan limit, int maxBytes, CancellationToken cancel)
    {
        async Task<CommandResult> RunAsync() => Heard(await runner.RunAsync(NerdctlCommands.ToArgs(command), streams, limit, maxBytes, cancel));
        return limit == limits.WaitSlice || limit == limits.Follow ? RunAsync() : RunTelemetry.MeasureAsync(name, command.Operation, RunAsync);
    }

    /// <summary>An engine that is away is asked anew what it is when it is back.</summary>
    CommandResult Heard(CommandResult result)
    {
        if (Failure(result) != AdapterFailure.Unavailable)
            return result;
        dialect = null;
        throw new AdapterException(AdapterFailure.Unavailable, result.Errors);
    }

    static AdapterFailure? Failure(CommandResult result) => result.ExitCode == 0 ? null : CommandErrors.Classify(result.Errors);

    static CommandResult OrThrow(CommandResult result) => result.ExitCode == 0 ? result : throw CommandErrors.Of(result);

    static IReadOnlyList<T> Objects<T>(CommandResult result, JsonTypeInfo<T> type, JsonTypeInfo<T[]> array, string what) => CommandOutput.Objects(result, type, array, what);

    /// <summary>The one thing that was asked for; there is an answer, so an empty one is none.</summary>
    static T First<T>(CommandResult result, JsonTypeInfo<T> type, JsonTypeInfo<T[]> array, string what) where T : class =>
        Objects(result, type, array, what) is [var first, ..] ? first : throw new AdapterException(AdapterFailure.Unavailable, $"The answer is empty ({what})");

    async Task<JsonElement> DocumentAsync(NerdctlCommand command, string what, TimeSpan limit, CancellationToken cancel)
    {
        var result = OrThrow(await RunAsync(command, cancel, limit));
        try
        {
            using var parsed = JsonDocument.Parse(result.Output);
            return parsed.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"'{runner.Program}' answers with what is no JSON ({what}): {e.Message}", e);
        }
    }

    /// <summary>Ids or names, one on each line. What is neither is an error: asked about it, the engine would say that there is no such thing, and the list would be empty.</summary>
    async Task<IReadOnlyList<string>> LinesAsync(NerdctlCommand command, string what, CancellationToken cancel)
    {
        var lines = CommandOutput.Whole(await RunAsync(command, cancel), what).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct().ToList();
        return lines.FirstOrDefault(line => !line.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or ':')) is { } other
            ? throw new AdapterException(AdapterFailure.Unavailable, $"'{runner.Program}' answers with what is no id or name ({what}): {(other.Length <= 96 ? other : other[..96])}")
            : lines;
    }

    static string LastLine(CommandResult result) => System.Text.Encoding.UTF8.GetString(result.Output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";
}
