using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Runs;

/// <summary>A run as readers see it (contract, section 7).</summary>
public static class RunViews
{
    /// <summary>
    /// <c>{run_id, state, intent, subject, ref?, target?, created_at, started_at?, ended_at?, exit_code?, reason?, error?, log_tail[]?, ports[]?, result?, revoked_grants[]?, span}</c>
    /// </summary>
    public static void Write(Utf8JsonWriter json, RunRow run, IReadOnlySet<string> revokedGrants)
    {
        using var detail = JsonDocument.Parse(run.Detail);
        json.WriteStartObject();
        json.WriteString("run_id", run.RunId);
        json.WriteString("state", RunStates.Name(run.State));
        json.WriteString("intent", run.Intent);
        json.WriteString("subject", run.Subject);
        if (run.Ref is not null)
        {
            json.WriteString("ref", run.Ref);
        }
        json.WritePropertyName("target");
        json.WriteRawValue(run.Target, skipInputValidation: true);
        json.WriteString("created_at", Timestamps.Write(run.CreatedAt));
        WriteMoments(json, run);
        foreach (var member in detail.RootElement.EnumerateObject().Where(member => !RunDetail.IsHidden(member.Name)))
        {
            member.WriteTo(json);
        }
        if (revokedGrants.Count > 0)
        {
            json.WriteStartArray("revoked_grants");
            foreach (var grant in revokedGrants.Order(StringComparer.Ordinal))
            {
                json.WriteStringValue(grant);
            }
            json.WriteEndArray();
        }
        json.WriteString("span", run.Span);
        json.WriteEndObject();
    }

    /// <summary>
    /// What the effect has brought so far: the <c>result</c> of an Ack that waited. A primitive's own result, once there is one; else how the
    /// run stands, after what was known at once.
    /// </summary>
    public static void WriteOutcome(Utf8JsonWriter json, RunRow run, JsonElement detail, JsonElement known)
    {
        if (detail.Member("result") is { ValueKind: JsonValueKind.Object } result)
        {
            result.WriteTo(json);
            return;
        }
        json.WriteStartObject();
        foreach (var member in known.ValueKind == JsonValueKind.Object ? known.EnumerateObject() : default)
        {
            member.WriteTo(json);
        }
        json.WriteString("state", RunStates.Name(run.State));
        WriteMoments(json, run);
        foreach (var member in detail.EnumerateObject().Where(member => !RunDetail.IsHidden(member.Name)))
        {
            member.WriteTo(json);
        }
        json.WriteEndObject();
    }

    private static void WriteMoments(Utf8JsonWriter json, RunRow run)
    {
        if (run.StartedAt is { } started)
        {
            json.WriteString("started_at", Timestamps.Write(started));
        }
        if (run.EndedAt is { } ended)
        {
            json.WriteString("ended_at", Timestamps.Write(ended));
        }
        if (run.ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }
        if (run.Reason is not null)
        {
            json.WriteString("reason", run.Reason);
        }
        if (run.Error is not null)
        {
            json.WriteString("error", run.Error);
        }
    }
}
