using System.Text.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Submissions;

/// <summary>The Ack of a span that is in the ledger (contract, section 5).</summary>
internal static class Acks
{
    /// <summary><c>{status, this, trace_id, repaired[], replayed, run?, result?, receipt}</c></summary>
    /// <param name="json">Where to.</param>
    /// <param name="answer">What was kept with the span: trace_id, repaired, run, result.</param>
    /// <param name="receipt">Its receipt.</param>
    /// <param name="replayed">True when it was admitted by an earlier request.</param>
    public static void Write(Utf8JsonWriter json, byte[] answer, Receipt receipt, bool replayed)
    {
        using var kept = JsonDocument.Parse(answer);
        json.WriteStartObject();
        json.WriteString("status", "ok");
        json.WriteString("this", receipt.Entry.This);
        foreach (var member in kept.RootElement.EnumerateObject())
        {
            member.WriteTo(json);
            if (member.NameEquals("repaired"))
            {
                json.WriteBoolean("replayed", replayed);
            }
        }
        json.WritePropertyName("receipt");
        receipt.WriteTo(json);
        json.WriteEndObject();
    }
}
