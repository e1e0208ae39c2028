using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>What an engine is and the API version that both sides speak, as a path prefix.</summary>
internal sealed record EngineDialect(string Version, string Prefix, EngineQuirks Quirks);

/// <summary>
/// The Docker Engine API, typed, as far as the adapter uses it: one method per call of the API, no decisions. The version is agreed
/// on at the first call and again after the engine was lost, since another one may have come up in its place.
/// </summary>
internal sealed partial class EngineClient(EngineEndpoint endpoint, EngineLimits limits, TimeProvider time, RegistryCredentials registries) : IContainerEngine
{
    // Docker 29 refuses below 1.44, Podman 4 speaks 1.41: what is used here is in every version between.
    static readonly Version Oldest = new(1, 40);
    static readonly Version Newest = new(1, 47);

    readonly EngineConnection calls = new(endpoint, limits, time, limits.Connections);

    // Apart, so that many long waits cannot keep a short call from its connection.
    readonly EngineConnection waits = new(endpoint, limits, time, int.MaxValue);
    volatile EngineDialect? dialect;

    public void Dispose()
    {
        calls.Dispose();
        waits.Dispose();
    }

    public string? Where => endpoint.Current()?.ToString();

    public TimeSpan StatusLife => TimeSpan.FromSeconds(2);

    public string? RemoteHost => endpoint.Current() is { Scheme: "tcp" } remote ? remote.Host : null;

    /// <summary>What the engine is, as agreed on last.</summary>
    public async ValueTask<EngineDialect> DialectAsync(CancellationToken cancel) => dialect ?? await NegotiateAsync(cancel);

    /// <summary>Asks the engine what it is, whatever was known before.</summary>
    async Task<EngineDialect> NegotiateAsync(CancellationToken cancel)
    {
        const string What = "tell its version";
        var reply = await calls.CallAsync(HttpMethod.Get, "/version", null, What, limits.Status, cancel);
        var version = reply.OrThrow().Read(EngineJson.Default.EngineVersion, What);
        if (!Version.TryParse(version.ApiVersion, out var speaks))
            throw new AdapterException(AdapterFailure.Unavailable, $"{endpoint.Current()} does not say which version of the Engine API it speaks; is it a container engine?");
        var wants = Version.TryParse(version.MinAPIVersion, out var min) ? min : Oldest;
        if (speaks < Oldest || wants > Newest)
            throw new AdapterException(AdapterFailure.Unavailable,
                $"The engine speaks API versions {wants} to {speaks}; this gateway speaks {Oldest} to {Newest}.");
        var agreed = speaks < Newest ? speaks : Newest;
        var (prefix, quirks) = ($"/v{agreed}", EngineQuirks.Of(version));
        if (quirks == EngineQuirks.Podman)
        {
            const string Who = "tell as whom it runs";
            quirks = quirks.As((await calls.CallAsync(HttpMethod.Get, prefix + "/info", null, Who, limits.Status, cancel)).OrThrow().Read(EngineJson.Default.EngineInfo, Who));
        }
        return dialect = new($"{version.Version}", prefix, quirks);
    }

    /// <summary>
    /// Whether the engine answers, asked in the cheapest way: Podman 4 asks the package manager of its machine when it is to tell its version, which takes a good part of a second.
    /// </summary>
    public async Task<EngineDialect> PingAsync(CancellationToken cancel)
    {
        if (dialect is not { } known)
            return await NegotiateAsync(cancel);
        var reply = (await SpeakAsync(_ => calls.CallAsync(HttpMethod.Get, "/_ping", null, "say that it is there", limits.Status, cancel), cancel)).OrThrow();
        if (reply.Body.Span.Trim("\r\n "u8).SequenceEqual("OK"u8))
            return known;
        dialect = null;
        throw new AdapterException(AdapterFailure.Unavailable, $"{endpoint.Current()} answers, but not as a container engine does.");
    }

    async ValueTask<EngineQuirks> QuirksAsync(CancellationToken cancel) => (await DialectAsync(cancel)).Quirks;

    /// <summary>The container of that id or name, or null.</summary>
    public async Task<ContainerDetail?> InspectAsync(string id, CancellationToken cancel)
    {
        const string What = "show a container";
        var reply = await CallAsync(HttpMethod.Get, $"/containers/{Uri.EscapeDataString(id)}/json", null, What, limits.Answer, cancel);
        // Podman answers 500 when the container is removed while it is looked at.
        var isGone = reply.Status == 404 || (reply.Error is { } words && EngineQuirks.Classify(reply.Status, words) == AdapterFailure.NotFound);
        return isGone ? null : reply.OrThrow().Read(EngineJson.Default.ContainerDetail, What);
    }

    /// <summary>The containers, in whatever state, that have all these labels.</summary>
    public async Task<IReadOnlyList<ContainerSummary>> ListAsync(IEnumerable<(string Name, string Value)> labels, CancellationToken cancel)
    {
        const string What = "list containers";
        var filters = Filters(new() { ["label"] = [.. labels.Select(l => $"{l.Name}={l.Value}")] });
        var reply = await CallAsync(HttpMethod.Get, $"/containers/json?all=true&filters={filters}", null, What, limits.Answer, cancel);
        return reply.Error is { } words && EngineQuirks.IsPassing(words)
            ? [.. (await ListedAsync(filters, What, cancel)).Select(one => one.Summary())]
            : reply.OrThrow().Read(EngineJson.Default.ContainerSummaryArray, What);
    }

    public async Task<ContainerDetail?> OutlineAsync(string id, CancellationToken cancel) =>
        (await ListedAsync(Filters([]), "show a container", cancel)).FirstOrDefault(one => one.Id == id || one.Names?.Contains(id) == true)?.Detail();

    /// <summary>Podman's own list, which does not look into each container: one that cannot be shown makes the other list fail for all.</summary>
    async Task<LibpodContainer[]> ListedAsync(string filters, string what, CancellationToken cancel) =>
        (await LibpodAsync($"/containers/json?all=true&filters={filters}", what, cancel)).OrThrow().Read(EngineJson.Default.LibpodContainerArray, what);

    /// <summary>Asks Podman's own API, which has versions of its own.</summary>
    Task<EngineReply> LibpodAsync(string path, string what, CancellationToken cancel) =>
        SpeakAsync(_ => calls.CallAsync(HttpMethod.Get, "/v4.0.0/libpod" + path, null, what, limits.Answer, cancel), cancel);

    /// <summary>Creates a container and answers with its id, or null when the engine does not have the image.</summary>
    public async Task<string?> CreateAsync(string name, ContainerRequest request, CancellationToken cancel)
    {
        const string What = "create a container";
        var body = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, EngineJson.Default.ContainerRequest))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
        };
        var reply = await CallAsync(HttpMethod.Post, $"/containers/create?name={Uri.EscapeDataString(name)}", body, What, limits.Answer, cancel);
        if (reply.Error is not null && EngineQuirks.Classify(reply.Status, reply.Error) == AdapterFailure.ImageNotFound)
            return null;
        return reply.OrThrow().Read(EngineJson.Default.ContainerCreated, What).Id;
    }

    public Task StartAsync(string id, CancellationToken cancel) => PostAsync($"/containers/{id}/start", "start a container", limits.Answer, cancel);

    /// <summary>Gives a container another name, running or not.</summary>
    public Task RenameAsync(string id, string name, CancellationToken cancel) =>
        PostAsync($"/containers/{id}/rename?name={Uri.EscapeDataString(name)}", "rename a container", limits.Answer, cancel);

    public Task UnpauseAsync(string id, CancellationToken cancel) => PostAsync($"/containers/{id}/unpause", "unpause a container", limits.Answer, cancel);

    /// <summary>Sends the stop signal, then SIGKILL after the grace, in whole seconds; 304 says that it was stopped already.</summary>
    public Task StopAsync(string id, int graceSeconds, CancellationToken cancel) =>
        PostAsync($"/containers/{id}/stop?t={graceSeconds}", "stop a container", TimeSpan.FromSeconds(graceSeconds) + limits.Answer, cancel);

    /// <param name="id">The container.</param>
    /// <param name="force">Also when it runs.</param>
    /// <param name="cancel">Gives up waiting.</param>
    /// <param name="volumes">Its anonymous volumes as well.</param>
    public async Task RemoveAsync(string id, bool force, CancellationToken cancel, bool volumes = true)
    {
        var reply = await CallAsync(HttpMethod.Delete, $"/containers/{id}?v={(volumes ? "true" : "false")}&force={(force ? "true" : "false")}", null, "remove a container", limits.Answer, cancel);
        if (reply.Error is null || !EngineQuirks.IsGoing(reply.Error) || !await HasGoneAsync(id, cancel))
            reply.OrThrow();
    }

    /// <summary>Whether a container that somebody else has removed at the same moment is gone by now, or within the limit.</summary>
    async Task<bool> HasGoneAsync(string id, CancellationToken cancel)
    {
        for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < limits.Settle; await Task.Delay(limits.Glance, time, cancel))
        {
            if (await InspectAsync(id, cancel) is null)
                return true;
        }
        return false;
    }

    /// <summary>Answers when the engine says that the container has ended; how it ended is for <see cref="InspectAsync"/> to say.</summary>
    public async Task AwaitEndAsync(string id, bool notStartedYet, CancellationToken cancel)
    {
        var path = (await QuirksAsync(cancel)).WaitPath(id, notStartedYet);
        using var slice = new CancellationTokenSource(limits.WaitSlice, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, slice.Token);
        try
        {
            (await SpeakAsync(prefix => waits.CallAsync(HttpMethod.Post, prefix + path, null, "wait for a container", limits.Follow, either.Token), either.Token)).OrThrow();
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // It lives on: no failure of the engine's, which is spoken to as before.
        }
    }

    /// <summary>The last lines since a moment that contain a text; what else is read is counted and forgotten, so that memory is bounded.</summary>
    public async Task<LogTail> LogLinesAsync(ContainerDetail container, int maxLines, int maxBytes, DateTimeOffset? since, string? grep, CancellationToken cancel)
    {
        var tail = new LogTailBuffer(maxLines, maxBytes, grep);
        await ReadLogAsync(container, since, tail.Append, cancel);
        return tail.Finish();
    }

    public async Task FollowAsync(ContainerDetail container, LogBacklog? backlog, DateTimeOffset? since, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        if (backlog is not null)
        {
            await ReadLogAsync(container, since, backlog.Count, cancel);
            append = backlog.Behind(append);
        }
        var followed = new ToldLog(append);
        await TransferAsync(HttpMethod.Get, Logs(container, since) + "&follow=true", null, "follow the output of a container", limits.Follow, async (error, stream, inner) =>
        {
            error?.OrThrow();
            await EngineLogFrames.ReadAsync(stream, framed: container.Config?.Tty != true, followed.Tell, inner);
            return true;
        }, cancel);
        if ((await QuirksAsync(cancel)).FollowsMissTheEnd)
            await followed.TellRestAsync(rest => ReadLogAsync(container, since, rest, cancel));
    }

    Task<bool> ReadLogAsync(ContainerDetail container, DateTimeOffset? since, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel) =>
        StreamAsync(HttpMethod.Get, Logs(container, since), "show the output of a container", limits.Answer, async (error, stream, inner) =>
        {
            error?.OrThrow();
            await EngineLogFrames.ReadAsync(stream, framed: container.Config?.Tty != true, append, inner);
            return true;
        }, cancel);

    /// <summary>Where the output of a container is read.</summary>
    static string Logs(ContainerDetail container, DateTimeOffset? since)
    {
        // Before 1970 nothing was said, and Podman reads no such time.
        var from = since is { } at && Math.Max(0, at.ToUnixTimeMilliseconds()) is var moment ? string.Create(CultureInfo.InvariantCulture, $"&since={moment / 1000}.{moment % 1000:D3}000000") : "";
        return $"/containers/{container.Id}/logs?stdout=true&stderr=true{from}";
    }

    async Task PostAsync(string path, string what, TimeSpan limit, CancellationToken cancel) =>
        (await CallAsync(HttpMethod.Post, path, null, what, limit, cancel)).OrThrow();

    Task<EngineReply> CallAsync(HttpMethod method, string path, HttpContent? body, string what, TimeSpan limit, CancellationToken cancel) =>
        SpeakAsync(prefix => calls.CallAsync(method, prefix + path, body, what, limit, cancel), cancel);

    Task<T> StreamAsync<T>(
        HttpMethod method, string path, string what, TimeSpan limit, Func<EngineReply?, Stream, CancellationToken, Task<T>> read, CancellationToken cancel) =>
        SpeakAsync(prefix => calls.StreamAsync(method, prefix + path, null, what, limit, read, cancel), cancel);

    /// <summary>One exchange in the dialect agreed on; a lost engine is asked anew for its own when it is back.</summary>
    async Task<T> SpeakAsync<T>(Func<string, Task<T>> exchange, CancellationToken cancel)
    {
        var known = dialect ?? await NegotiateAsync(cancel);
        try
        {
            return await exchange(known.Prefix);
        }
        catch (AdapterException e) when (e.Failure == AdapterFailure.Unavailable)
        {
            dialect = null;
            throw;
        }
    }
}
