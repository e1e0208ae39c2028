using System.Text;
using LogLine.Api.Delivery.Reading;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>What is delivered. The id is the same at every attempt, whichever gateway makes it, so that a receiver can tell what it has already.</summary>
/// <param name="Id"><c>webhook-id</c>: made of webhook and seq, and of nothing that changes.</param>
/// <param name="Seq">Position in the log + 1.</param>
/// <param name="Event">The span's intent.</param>
/// <param name="Span">The span's canonical bytes.</param>
internal sealed record WebhookMessage(string Id, long Seq, string Event, ReadOnlyMemory<byte> Span)
{
    /// <summary>The message about an item of the log.</summary>
    public static WebhookMessage Of(string webhookId, LogItem item) => new(IdOf(webhookId, item.Seq), item.Seq, item.Intent, item.Stored.Span);

    /// <summary><c>msg_&lt;webhook&gt;_&lt;seq&gt;</c></summary>
    public static string IdOf(string webhookId, long seq) => $"msg_{webhookId["wh_".Length..]}_{seq}";

    /// <summary><c>{"event","span","delivered_at"}</c></summary>
    public byte[] Body(DateTimeOffset now) =>
        [.. Encoding.UTF8.GetBytes($$"""{"event":"{{Event}}","span":"""), .. Span.Span, .. Encoding.ASCII.GetBytes($$""","delivered_at":"{{Timestamps.Write(now)}}"}""")];
}
