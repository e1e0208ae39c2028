using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Submissions;

/// <summary>The Ack of a span that is in the ledger (contract, section 5).</summary>
internal static class Acks
{
    private const int UsualBytes = 2048;
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary><c>{status, this, replayed, trace_id, repaired[], run?, result?, receipt}</c></summary>
    /// <param name="answer">What was kept with the span: an object with trace_id, repaired, run and result, taken over byte for byte.</param>
    /// <param name="receipt">Its receipt.</param>
    /// <param name="replayed">True when it was admitted by an earlier request.</param>
    public static byte[] Compose(ReadOnlySpan<byte> answer, Receipt receipt, bool replayed)
    {
        var ack = new ArrayBufferWriter<byte>(UsualBytes);
        ack.Write("{\"status\":\"ok\",\"this\":\""u8);
        Encoding.ASCII.GetBytes(receipt.Entry.This, ack); // held to its pattern before: nothing in it needs an escape
        ack.Write(replayed ? "\",\"replayed\":true,"u8 : "\",\"replayed\":false,"u8);
        ack.Write(answer[1..^1]);
        ack.Write(",\"receipt\":"u8);
        using (var json = new Utf8JsonWriter(ack, Options))
        {
            receipt.WriteTo(json);
        }
        ack.Write("}"u8);
        return ack.WrittenSpan.ToArray();
    }
}
