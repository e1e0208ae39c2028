using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Serving;

/// <summary>A target whose engine is a worker's: what the gate wants to know of it, a worker is asked that serves the tenant; without one, a worker that serves every tenant.</summary>
internal sealed class RemoteTarget(string provider, WorkerBoard board, string? of = null, string? before = null) : IRunTarget
{
    /// <summary>An engine answers within milliseconds; one that does not is judged as down.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public string Provider => provider;

    public bool IsOptional { get; init; }

    public IRunTarget For(string tenant) => new RemoteTarget(provider, board, tenant);

    public IRunTarget Before(string runId) => new RemoteTarget(provider, board, of, runId);

    /// <summary>As the worker says that is there; when none is, a later row of the gate says so.</summary>
    public bool CarriesOut(string effect) => board.Find(provider, of)?.Effects.GetValueOrDefault(provider) is not { } effects || effects.Contains(effect);

    public async ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel)
    {
        try
        {
            return WorkerAnswer.Read(provider, await board.AskAsync(provider, of, "status", _ => { }, Patience, cancel), WorkerJson.Default.AdapterStatus) ?? throw WorkerAnswer.NotOurs(provider);
        }
        catch (AdapterException away)
        {
            return new AdapterStatus(false, null, null, away.Message);
        }
    }

    public async Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) =>
        Read(await board.AskAsync(provider, of, "find_run", json => json.WriteString("run_id", runId), Patience, cancel));

    public async Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) => Read(await board.AskAsync(provider, tenant, "find_name", json =>
    {
        json.WriteString("tenant", tenant);
        json.WriteString("name", name);
        if (before is not null)
        {
            json.WriteString("run_id", before); // what the worker sees now is its own look at the container of that run, if it comes
        }
    }, Patience, cancel));

    private Workload? Read(JsonElement found) => WorkerAnswer.Read(provider, found, WorkerJson.Default.Workload);
}

/// <summary>Reads what workers answer. A worker may say anything: what is not in our words is no answer, and the target is as good as away.</summary>
internal static class WorkerAnswer
{
    /// <summary>The answer; null when there is nothing of the kind.</summary>
    public static T? Read<T>(string provider, JsonElement answer, JsonTypeInfo<T> type)
        where T : class
    {
        if (answer.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return null;
        }
        try
        {
            return answer.Deserialize(type);
        }
        catch (JsonException)
        {
            throw NotOurs(provider);
        }
    }

    /// <summary>Says so.</summary>
    public static AdapterException NotOurs(string provider) => new(AdapterFailure.Unavailable, $"the worker that serves {provider} answered something else than it was asked; is it of this version?");
}

/// <summary>Logs of containers on workers' engines, masked by the worker before they come.</summary>
internal sealed class RemoteRunLogs(WorkerBoard board, RunDesk desk, TimeProvider time) : IRunLogs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    public async Task<LogTail?> ReadAsync(RunRow run, int tail, string? grep, CancellationToken cancel)
    {
        var read = await board.AskAsync(run.Provider, run.Tenant, "log", json => Terms(json, run, tail, grep), Patience, cancel, run.LeaseOwner);
        return WorkerAnswer.Read(run.Provider, read, WorkerJson.Default.LogTail) is not { } log ? null : log.Lines is null ? throw WorkerAnswer.NotOurs(run.Provider) : log;
    }

    public async Task<FollowedLog?> FollowAsync(RunRow run, int tail, string? grep, CancellationToken cancel)
    {
        run = await TakenAsync(run, cancel);
        if (KeptOutput.Of(run) is { } kept)
        {
            return kept.Follow(tail, grep); // it has ended by now
        }
        var ring = new LogRing();
        var question = board.Follow(run, json => Terms(json, run, tail, grep), ring);
        var over = cancel.Register(() => board.Forget(question));
        var isFollowed = false;
        try
        {
            var container = await question.Answer.Task.WaitAsync(Patience, cancel);
            isFollowed = container.Text("container_id") is not null;
            return isFollowed ? new FollowedLog(container.Text("container_id")!, ring, question.Finished.Task) : null;
        }
        catch (TimeoutException)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"the worker that serves {run.Provider} did not answer within {Patience.TotalSeconds} s");
        }
        finally
        {
            if (!isFollowed)
            {
                // Nobody will cancel it: whoever asked has nothing to follow.
                await over.DisposeAsync();
                board.Forget(question);
            }
        }
    }

    /// <summary>What a command says is heard where it is carried out: nobody is asked before a worker has it, or has not taken it for long.</summary>
    private async Task<RunRow> TakenAsync(RunRow run, CancellationToken cancel)
    {
        _ = board.Find(run.Provider, run.Tenant) ?? throw WorkerBoard.Nobody(run.Provider);
        for (var since = time.GetTimestamp(); LocalRunLogs.IsCommand(run) && run is { HasEnded: false, LeaseOwner: null } && time.GetElapsedTime(since) < Patience;)
        {
            await Task.Delay(Glance, time, cancel); // a lease is no entry of the ledger, so nothing tells of it
            run = await desk.FindAsync(run.RunId) ?? run;
        }
        return run;
    }

    private static void Terms(Utf8JsonWriter json, RunRow run, int tail, string? grep)
    {
        json.WritePropertyName("run");
        WorkerWire.WriteRun(json, run);
        json.WriteNumber("tail", tail);
        json.WriteString("grep", grep);
    }
}
