using System.Text.Json;
using System.Text.Json.Serialization;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers;

/// <summary>What both sides of the worker protocol write and read (docs/workers.md).</summary>
internal static class WorkerWire
{
    /// <summary>The header that says which process of which worker asks: <c>&lt;kid&gt;/&lt;instance&gt;</c>.</summary>
    public const string Header = "X-Worker";

    /// <summary>Value of <c>type</c> of what a worker says when it comes.</summary>
    public const string Announcement = "ll.worker.v1";

    /// <summary>The longest that a lease request waits.</summary>
    public static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(20);

    /// <summary>Where a run stands, for whoever has a copy of its row: the state, and <c>!</c> once its end is asked for.</summary>
    public static string Version(RunRow run) => RunStates.Name(run.State) + (run.CancelRequested ? "!" : "");

    /// <summary>A run's row, its lease aside.</summary>
    public static void WriteRun(Utf8JsonWriter json, RunRow run)
    {
        json.WriteStartObject();
        json.WriteString("run_id", run.RunId);
        json.WriteString("tenant", run.Tenant);
        json.WriteString("env", run.Env);
        json.WriteString("intent", run.Intent);
        json.WriteString("subject", run.Subject);
        json.WriteString("provider", run.Provider);
        json.WriteString("service", run.Service);
        json.WriteString("ref", run.Ref);
        json.WritePropertyName("target");
        json.WriteRawValue(run.Target, skipInputValidation: true);
        json.WriteString("span", run.Span);
        json.WriteString("state", RunStates.Name(run.State));
        json.WriteString("created_at", Timestamps.Write(run.CreatedAt));
        json.WriteString("started_at", run.StartedAt is { } started ? Timestamps.Write(started) : null);
        json.WriteString("ended_at", run.EndedAt is { } ended ? Timestamps.Write(ended) : null);
        if (run.ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }
        json.WriteString("reason", run.Reason);
        json.WriteString("error", run.Error);
        json.WritePropertyName("detail");
        json.WriteRawValue(run.Detail, skipInputValidation: true);
        json.WriteBoolean("cancel_requested", run.CancelRequested);
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="WriteRun"/> wrote.</summary>
    public static RunRow ReadRun(JsonElement run) => new()
    {
        RunId = run.Text("run_id")!,
        Tenant = run.Text("tenant")!,
        Env = run.Text("env")!,
        Intent = run.Text("intent")!,
        Subject = run.Text("subject")!,
        Provider = run.Text("provider")!,
        Service = run.Text("service")!,
        Ref = run.Text("ref"),
        Target = run.Member("target").GetRawText(),
        Span = run.Text("span")!,
        State = Enum.GetValues<RunState>().First(state => RunStates.Name(state) == run.Text("state")),
        CreatedAt = Time(run, "created_at")!.Value,
        StartedAt = Time(run, "started_at"),
        EndedAt = Time(run, "ended_at"),
        ExitCode = (int?)run.Integer("exit_code"),
        Reason = run.Text("reason"),
        Error = run.Text("error"),
        Detail = run.Member("detail").GetRawText(),
        CancelRequested = run.Flag("cancel_requested") ?? false,
    };

    /// <summary>A JSON object as bytes.</summary>
    public static byte[] Object(Action<Utf8JsonWriter> members) => JsonBytes.Write(json =>
    {
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
    });

    /// <summary>Texts as an array.</summary>
    public static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }

    private static DateTimeOffset? Time(JsonElement json, string name) => Timestamps.TryParse(json.Text(name), out var time) ? time : null;
}

/// <summary>Shapes of what workers answer to questions.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectNullableAnnotations = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AdapterStatus))]
[JsonSerializable(typeof(Workload))]
[JsonSerializable(typeof(LogTail))]
internal sealed partial class WorkerJson : JsonSerializerContext;
