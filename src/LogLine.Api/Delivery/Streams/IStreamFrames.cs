using LogLine.Api.Delivery.Reading;

namespace LogLine.Api.Delivery.Streams;

/// <summary>How a stream is written on the wire: server-sent events, or messages of a WebSocket. What is written goes out with the next flush at the latest.</summary>
internal interface IStreamFrames
{
    /// <summary>Bytes that are written and not flushed.</summary>
    int Pending { get; }

    /// <summary>Says from where the stream begins: <paramref name="from"/> is the cursor before its first item.</summary>
    void Open(long from);

    /// <summary>A span.</summary>
    void Span(LogItem item);

    /// <summary>What matches cannot be shown from seq <paramref name="from"/> to <paramref name="to"/>, both included.</summary>
    /// <param name="reason"><c>erased</c>, <c>pruned</c>, or <c>ahead</c> of this log.</param>
    /// <param name="cursor">Where the stream goes on.</param>
    void Gap(long from, long to, string reason, long cursor);

    /// <summary>A sign of life, with the cursor that was reached.</summary>
    void Ping(long cursor);

    /// <summary>Hands over what is written; waits while the reader is behind by more than the transport buffers.</summary>
    /// <exception cref="IOException">The connection is lost.</exception>
    ValueTask FlushAsync(CancellationToken cancel);
}
