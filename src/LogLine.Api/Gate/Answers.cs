using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Gate;

/// <summary>
/// What an Ack says besides its receipt. It is kept with the span, so that a replay says the same; the receipt is rebuilt from the
/// tree and is the same too.
/// </summary>
internal static class Answers
{
    /// <summary><c>{"trace_id","repaired","run"?,"result"?}</c></summary>
    public static byte[] Compose(string traceId, IReadOnlyList<string> repaired, RunRow? run, Action<Utf8JsonWriter>? result) => JsonBytes.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("trace_id", traceId);
        json.WriteStartArray("repaired");
        foreach (var field in repaired)
        {
            json.WriteStringValue(field);
        }
        json.WriteEndArray();
        if (run is not null)
        {
            WriteRun(json, run);
        }
        if (result is not null)
        {
            json.WriteStartObject("result");
            result(json);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    });

    /// <summary>The same answer with the run as it stands after a wait, and with what it brought.</summary>
    public static byte[] WithRun(byte[] answer, RunRow run)
    {
        using var parsed = JsonDocument.Parse(answer);
        using var detail = JsonDocument.Parse(run.Detail);
        return JsonBytes.Write(json =>
        {
            json.WriteStartObject();
            foreach (var member in parsed.RootElement.EnumerateObject().Where(member => !member.NameEquals("run") && !member.NameEquals("result")))
            {
                member.WriteTo(json);
            }
            WriteRun(json, run);
            json.WritePropertyName("result");
            RunViews.WriteOutcome(json, run, detail.RootElement, parsed.RootElement.Member("result"));
            json.WriteEndObject();
        });
    }

    private static void WriteRun(Utf8JsonWriter json, RunRow run)
    {
        json.WriteStartObject("run");
        json.WriteString("run_id", run.RunId);
        json.WriteString("state", RunStates.Name(run.State));
        json.WriteStartObject("links");
        WriteLink(json, "self", "/v1/runs/", run.RunId);
        WriteLink(json, "stream", "/v1/stream?run_id=", run.RunId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteLink(Utf8JsonWriter json, string name, string path, string runId)
    {
        Span<char> link = stackalloc char[path.Length + runId.Length];
        path.CopyTo(link);
        runId.CopyTo(link[path.Length..]);
        json.WriteString(name, link);
    }
}
