using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Serving;

/// <summary>A target whose engine is a worker's: what the gate wants to know of it, the worker is asked.</summary>
internal sealed class RemoteTarget(string provider, WorkerBoard board) : IRunTarget
{
    /// <summary>An engine answers within milliseconds; one that does not is judged as down.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public string Provider => provider;

    /// <summary>As the worker says that is there; when none is, a later row of the gate says so.</summary>
    public bool CarriesOut(string effect) => board.Find(provider, null) is not { } worker || worker.Effects[provider].Contains(effect);

    public async ValueTask<AdapterStatus> StatusAsync(CancellationToken cancel)
    {
        try
        {
            return (await board.AskAsync(provider, null, "status", _ => { }, Patience, cancel)).Deserialize(WorkerJson.Default.AdapterStatus)!;
        }
        catch (AdapterException away)
        {
            return new AdapterStatus(false, null, null, away.Message);
        }
    }

    public async Task<Workload?> FindByRunAsync(string runId, CancellationToken cancel) =>
        Read(await board.AskAsync(provider, null, "find_run", json => json.WriteString("run_id", runId), Patience, cancel));

    public async Task<Workload?> FindByNameAsync(string tenant, string name, CancellationToken cancel) => Read(await board.AskAsync(provider, tenant, "find_name", json =>
    {
        json.WriteString("tenant", tenant);
        json.WriteString("name", name);
    }, Patience, cancel));

    private static Workload? Read(JsonElement found) => found.ValueKind == JsonValueKind.Object ? found.Deserialize(WorkerJson.Default.Workload) : null;
}

/// <summary>Logs of containers on workers' engines, masked by the worker before they come.</summary>
internal sealed class RemoteRunLogs(WorkerBoard board) : IRunLogs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task<LogTail?> ReadAsync(RunRow run, int tail, string? grep, CancellationToken cancel)
    {
        var read = await board.AskAsync(run.Provider, run.Tenant, "log", json => Terms(json, run, tail, grep), Patience, cancel);
        return read.ValueKind == JsonValueKind.Object ? read.Deserialize(WorkerJson.Default.LogTail) : null;
    }

    public async Task<FollowedLog?> FollowAsync(RunRow run, int tail, string? grep, CancellationToken cancel)
    {
        var ring = new LogRing();
        var question = board.Follow(run.Provider, run.Tenant, json => Terms(json, run, tail, grep), ring);
        var over = cancel.Register(() => board.Forget(question));
        try
        {
            var container = await question.Answer.Task.WaitAsync(Patience, cancel);
            return container.Text("container_id") is { } id ? new FollowedLog(id, ring, SecretMask.None, null, question.Finished.Task) : null;
        }
        catch (TimeoutException)
        {
            await over.DisposeAsync();
            board.Forget(question);
            throw new AdapterException(AdapterFailure.Unavailable, $"the worker that serves {run.Provider} did not answer within {Patience.TotalSeconds} s");
        }
    }

    private static void Terms(Utf8JsonWriter json, RunRow run, int tail, string? grep)
    {
        json.WritePropertyName("run");
        WorkerWire.WriteRun(json, run);
        json.WriteNumber("tail", tail);
        json.WriteString("grep", grep);
    }
}
