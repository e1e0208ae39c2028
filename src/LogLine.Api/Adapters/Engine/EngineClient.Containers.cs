using System.Globalization;
using System.Text.Json;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>What can be done to a container over the Engine API besides running it, and what can be seen of it and of the engine.</summary>
internal sealed partial class EngineClient
{
    public Task<EngineInfo> InfoAsync(CancellationToken cancel) => GetAsync("/info", EngineJson.Default.EngineInfo, "tell what it is", cancel);

    public async Task EventsAsync(string label, Func<DateTimeOffset, DateTimeOffset> since, Action<EventLine> see, CancellationToken cancel)
    {
        var filter = Filters(new() { ["type"] = ["container"], ["label"] = [label] });
        var endsByWord = (await QuirksAsync(cancel)).EventsEndByWord;
        // An end that is ahead of the engine's own clock is waited for, and what happened behind it is left out.
        var now = endsByWord ? time.GetUtcNow() : Workloads.Moment((await InfoAsync(cancel)).SystemTime) ?? time.GetUtcNow();
        var passed = now - DateTimeOffset.UnixEpoch;
        var end = endsByWord ? "&stream=false" : string.Create(CultureInfo.InvariantCulture, $"&until={passed.Ticks / TimeSpan.TicksPerSecond}.{passed.Ticks % TimeSpan.TicksPerSecond:D7}00");
        await TransferAsync(HttpMethod.Get, $"/events?since={since(now).ToUnixTimeSeconds()}&filters={filter}{end}", null, "list events", limits.Answer, async (error, stream, inner) =>
        {
            error?.OrThrow();
            await foreach (var one in JsonSerializer.DeserializeAsyncEnumerable(stream, EngineJson.Default.EventLine, topLevelValues: true, inner))
            {
                if (one is not null)
                    see(one);
            }
            return true;
        }, cancel);
    }

    public Task PauseAsync(string id, CancellationToken cancel) => DoAsync($"/containers/{id}/pause", "pause a container", cancel);

    public Task KillAsync(string id, string signal, CancellationToken cancel) => DoAsync($"/containers/{id}/kill?signal={signal}", "kill a container", cancel);

    public Task RestartAsync(string id, int graceSeconds, CancellationToken cancel) =>
        DoAsync($"/containers/{id}/restart?t={graceSeconds.ToString(CultureInfo.InvariantCulture)}", "restart a container", cancel, TimeSpan.FromSeconds(graceSeconds));

    public Task<ExecOutcome> ExecAsync(ExecOrder order, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel) => new EngineExec(this, limits, time).RunAsync(order, append, cancel);

    /// <summary>What a container has changed; Docker says null for nothing.</summary>
    public async Task<IReadOnlyList<FileChangeEntry>> ChangesAsync(string id, CancellationToken cancel)
    {
        const string What = "list what a container has changed";
        var reply = (await CallAsync(HttpMethod.Get, $"/containers/{id}/changes", null, What, limits.Answer, cancel)).OrThrow();
        return reply.Body.Span.TrimEnd("\r\n "u8).SequenceEqual("null"u8) ? [] : reply.Read(EngineJson.Default.FileChangeEntryArray, What);
    }

    public async Task<ProcessTable> ProcessesAsync(string id, CancellationToken cancel) =>
        await GetAsync($"/containers/{id}/top{(await QuirksAsync(cancel)).ProcessColumns}", EngineJson.Default.ProcessTable, "list the processes of a container", cancel);

    // One reading: without "one-shot" Docker waits for a second one, to reckon a share that a client can reckon itself.
    public async Task<StatsReading> StatsAsync(string id, CancellationToken cancel)
    {
        const string What = "show what a container uses";
        var reply = (await CallAsync(HttpMethod.Get, $"/containers/{id}/stats?stream=false&one-shot=true", null, What, limits.Answer, cancel)).OrThrow();
        // Podman says 200 and nothing more of a container that is being stopped, or does not run.
        return reply.Body.IsEmpty ? throw new AdapterException(AdapterFailure.Conflict, "The engine does not say what a container uses that is being stopped, or does not run. Start it, or ask of one that runs.") : reply.Read(EngineJson.Default.StatsReading, What);
    }

    public async Task LimitAsync(string id, ResourceView limits, CancellationToken cancel)
    {
        if ((await QuirksAsync(cancel)).UpdatesByOwnCall)
            await DoAsync($"/libpod/containers/{id}/update", LibpodLimits.Of(limits), EngineJson.Default.LibpodLimits, "limit a container", cancel);
        else
            await DoAsync($"/containers/{id}/update", LimitsRequest.Of(limits), EngineJson.Default.LimitsRequest, "limit a container", cancel);
    }

    public async Task<string> CommitAsync(string id, ImageReference image, IReadOnlyList<string> changes, CancellationToken cancel)
    {
        var path = $"/commit?container={id}&repo={Uri.EscapeDataString(image.Name)}&tag={Uri.EscapeDataString(image.TagOrDigest)}{string.Concat(changes.Select(change => "&changes=" + Uri.EscapeDataString(change)))}";
        var reply = await DoAsync(path, new(), EngineJson.Default.EmptyBody, "commit a container", cancel);
        return reply.Read(EngineJson.Default.ObjectCreated, "commit a container").Id ?? "";
    }

    public async Task UnpackAsync(string id, string path, Func<Stream, CancellationToken, Task> write, Func<Task> begun, CancellationToken cancel)
    {
        // Podman makes the folder that is not there; Docker refuses. What nobody asked for is not made.
        if (await TransferAsync(HttpMethod.Head, Archive(id, path), null, "look at a path in a container", limits.Answer, (error, _, _) => Task.FromResult(error?.Status == 404), cancel))
            throw MissingPath(path);
        await begun();
        await SendTarAsync(HttpMethod.Put, Archive(id, path) + "&noOverwriteDirNonDir=true", write, "unpack files in a container", cancel);
    }

    public Task PackAsync(string id, string path, Func<Stream, CancellationToken, Task> read, CancellationToken cancel) =>
        TransferAsync(HttpMethod.Get, Archive(id, path), null, "pack files of a container", limits.Transfer, async (error, stream, inner) =>
        {
            if (error?.Status == 404)
                throw MissingPath(path);
            error?.OrThrow();
            await read(stream, inner);
            return true;
        }, cancel);

    static string Archive(string id, string path) => $"/containers/{id}/archive?path={Uri.EscapeDataString(path)}";

    /// <summary>A path that is not in a container.</summary>
    public static AdapterException MissingPath(string path) => new(AdapterFailure.NotFound, $"There is no '{path}' in the container.");
}
