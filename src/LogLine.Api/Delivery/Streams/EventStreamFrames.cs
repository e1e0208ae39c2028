using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using LogLine.Api.Delivery.Reading;

namespace LogLine.Api.Delivery.Streams;

/// <summary>
/// Server-sent events (WHATWG). Spans are canonical JSON, in which every control character is escaped: no line break can stand in one, and nothing in it
/// can end a frame or begin another.
/// </summary>
internal sealed class EventStreamFrames(PipeWriter writer) : IStreamFrames
{
    private const int RetryMilliseconds = 2000;

    // A reader whose filter lets little through learns how far it is with a bare id, which sets Last-Event-ID and is no event: it need not be searched again.
    private const long Stretch = 10_000;

    private long _told;

    public int Pending { get; private set; }

    public void Open(long from)
    {
        _told = from;
        Write("retry: "u8);
        Write(RetryMilliseconds);
        Write("\n: from "u8);
        Write(from);
        Write("\n\n"u8);
    }

    public void Span(LogItem item)
    {
        Id(item.Seq);
        Write("event: span\ndata: "u8);
        Write(item.Span);
        Write("\n\n"u8);
    }

    public void Gap(long from, long to, string reason, long cursor)
    {
        Id(cursor);
        Write("event: gap\ndata: "u8);
        Write(GapNote.Utf8(from, to, reason));
        Write("\n\n"u8);
    }

    public void Ping(long cursor)
    {
        Write(": ping\n"u8);
        if (cursor - _told >= Stretch)
        {
            Id(cursor);
        }
        Write("\n"u8);
    }

    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        Pending = 0;
        await writer.FlushAsync(cancel);
    }

    private void Id(long seq)
    {
        _told = seq;
        Write("id: "u8);
        Write(seq);
        Write("\n"u8);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        writer.Write(bytes);
        Pending += bytes.Length;
    }

    private void Write(long number)
    {
        Utf8Formatter.TryFormat(number, writer.GetSpan(20), out var length);
        writer.Advance(length);
        Pending += length;
    }
}
