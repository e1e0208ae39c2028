using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Runs;

/// <summary>
/// From a report to the payload of its span, and from that payload to the run's row. The row says nothing about a state that the span does not, whoever signed it.
/// </summary>
public static class RunEvents
{
    /// <summary>What a worker says right before it opens a grant.</summary>
    public const string Materialise = "grant.materialize";

    private static readonly HashSet<string> Columns = ["kind", "run_id", "ref", "target", "started_at", "exited_at", "failed_at", "cancelled_at", "exit_code", "reason", "error"];

    /// <summary>The entity type of an event's span.</summary>
    public static string EntityType(string intent) => intent.StartsWith("grant.", StringComparison.Ordinal) ? "decision" : "function";

    /// <summary>True for what workers say about a run besides its states.</summary>
    public static bool IsNote(string intent) => intent is Materialise or "grant.materialized" or "run.progress";

    /// <summary>The state that a span of this intent says, or null.</summary>
    public static RunState? StateOf(string intent) =>
        Enum.GetValues<RunState>().Where(state => RunStates.Intent(state) == intent).Select(state => (RunState?)state).FirstOrDefault();

    /// <summary>Writes the payload of a state's span, without <c>kind</c>.</summary>
    public static void Write(Utf8JsonWriter json, RunRow run, RunReport report, DateTimeOffset now)
    {
        json.WriteString("run_id", run.RunId);
        report.Facts(json);
        switch (report.State)
        {
            case RunState.Pending when run.Ref is not null:
                json.WriteString("ref", run.Ref);
                json.WritePropertyName("target");
                json.WriteRawValue(run.Target, skipInputValidation: true);
                break;
            case RunState.Running:
                json.WriteString("started_at", Timestamps.Write(report.StartedAt ?? now));
                break;
            case RunState.Exited or RunState.Failed or RunState.Cancelled:
                WriteEnd(json, report, now);
                break;
        }
    }

    /// <summary>The run as it stands behind a state's span.</summary>
    /// <param name="run">As it stood before.</param>
    /// <param name="state">The state.</param>
    /// <param name="payload">The span's payload.</param>
    /// <param name="result">What a primitive brought, or null.</param>
    public static RunRow Apply(RunRow run, RunState state, JsonElement payload, JsonElement? result)
    {
        var detail = RunDetail.With(run.Detail, json =>
        {
            foreach (var member in payload.EnumerateObject().Where(member => !Columns.Contains(member.Name) && !RunDetail.IsHidden(member.Name)))
            {
                member.WriteTo(json);
            }
        });
        return run with
        {
            State = state,
            StartedAt = Time(payload, "started_at") ?? run.StartedAt,
            EndedAt = Time(payload, "exited_at") ?? Time(payload, "failed_at") ?? Time(payload, "cancelled_at") ?? run.EndedAt,
            ExitCode = (int?)payload.Integer("exit_code") ?? run.ExitCode,
            Reason = state == RunState.Cancelled ? "cancelled" : payload.Text("reason") ?? run.Reason,
            Error = payload.Text("error") ?? run.Error,
            Detail = result is { } body ? RunDetail.WithResult(detail, body) : detail,
        };
    }

    private static void WriteEnd(Utf8JsonWriter json, RunReport report, DateTimeOffset now)
    {
        json.WriteString(RunStates.Name(report.State) + "_at", Timestamps.Write(report.EndedAt ?? now));
        if (report.State == RunState.Exited)
        {
            json.WriteNumber("exit_code", report.ExitCode ?? 0);
        }
        else if (report.ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }
        if (report.State != RunState.Cancelled && report.Reason is not null)
        {
            json.WriteString("reason", report.Reason);
        }
        if (report.Error is not null)
        {
            json.WriteString("error", report.Error);
        }
    }

    private static DateTimeOffset? Time(JsonElement payload, string name) => Timestamps.TryParse(payload.Text(name), out var time) ? time : null;
}
