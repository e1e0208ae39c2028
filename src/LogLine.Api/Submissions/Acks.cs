using System.Buffers;
using System.Text;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Submissions;

/// <summary>The Ack of a span that is in the ledger (contract, section 5).</summary>
internal static class Acks
{
    /// <summary><c>{status, this, replayed, trace_id, repaired[], run?, result?, receipt}</c></summary>
    /// <param name="answer">What was kept with the span: an object with trace_id, repaired, run and result, taken over byte for byte.</param>
    /// <param name="receipt">Its receipt.</param>
    /// <param name="replayed">True when it was admitted by an earlier request.</param>
    public static byte[] Compose(byte[] answer, Receipt receipt, bool replayed) => JsonBytes.Compose((answer, receipt, replayed), static (of, ack, json) =>
    {
        ack.Write("{\"status\":\"ok\",\"this\":\""u8);
        Encoding.ASCII.GetBytes(of.receipt.Entry.This, ack); // held to its pattern before: nothing in it needs an escape
        ack.Write(of.replayed ? "\",\"replayed\":true,"u8 : "\",\"replayed\":false,"u8);
        ack.Write(of.answer.AsSpan(1..^1));
        ack.Write(",\"receipt\":"u8);
        of.receipt.WriteTo(json);
        json.Flush();
        ack.Write("}"u8);
    });
}
