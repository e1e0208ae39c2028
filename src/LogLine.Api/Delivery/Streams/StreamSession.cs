using LogLine.Api.Delivery.Reading;

namespace LogLine.Api.Delivery.Streams;

/// <summary>How a stream ended.</summary>
internal enum StreamEnd
{
    /// <summary>The reader went, the gateway stops, or the connection's time was over: the reader comes back with its cursor.</summary>
    Moved,
    /// <summary>The token or the ticket does not allow it any more.</summary>
    NoLongerAllowed,
    /// <summary>The connection broke, or its reader did not take what it was sent.</summary>
    Lost,
}

/// <summary>One connection that follows the log: the same for server-sent events and WebSockets.</summary>
internal sealed class StreamSession(SpanReader reader, StreamOptions options, TimeProvider time)
{
    private const int PageSize = 256;
    private const long PageBytes = 256 << 10;
    private const int FlushBytes = 32 << 10;
    internal static readonly TimeSpan AheadPatience = TimeSpan.FromSeconds(5);

    /// <summary>Writes what matches from behind <paramref name="after"/> on, until it ends.</summary>
    /// <param name="frames">How it is written.</param>
    /// <param name="selection">What matches.</param>
    /// <param name="after">The last seq that the reader has; null for live only.</param>
    /// <param name="isAllowed">Asked before anything is sent, and again whenever something happens.</param>
    /// <param name="ending">Ends it in good order.</param>
    public async Task<StreamEnd> RunAsync(IStreamFrames frames, SpanSelection selection, long? after, Func<ValueTask<bool>> isAllowed, CancellationToken ending)
    {
        var sent = new SinceSent(time);
        try
        {
            var from = await BeginAsync(frames, after, ending);
            var live = reader.Size;
            using var cursor = reader.Open(selection, from, ending);
            await FlushAsync(frames, sent, ending);
            while (true)
            {
                // A revocation is an entry too, so it wakes every stream of its tenant, and holds from here on.
                if (!await isAllowed())
                {
                    return StreamEnd.NoLongerAllowed;
                }
                var items = await cursor.ReadAsync(PageSize, PageBytes);
                if (cursor.Gap is var (first, last))
                {
                    frames.Gap(first, last, GapNote.Pruned, last);
                }
                await WriteAsync(frames, items, live, sent, ending);
                if (sent.Elapsed >= options.Heartbeat)
                {
                    frames.Ping(cursor.Next);
                    await FlushAsync(frames, sent, ending);
                }
                if (cursor.AtEnd)
                {
                    await cursor.WaitAsync(sent.Until(options.Heartbeat));
                }
                ending.ThrowIfCancellationRequested();
            }
        }
        catch (Exception lost) when (lost is OperationCanceledException or IOException)
        {
            return ending.IsCancellationRequested ? StreamEnd.Moved : StreamEnd.Lost;
        }
    }

    /// <summary>
    /// Opens the stream, and finds where it begins. A cursor beyond the end is of another log, or of a replica that is further than this one: that is waited for a
    /// little before the reader is told.
    /// </summary>
    private async Task<long> BeginAsync(IStreamFrames frames, long? after, CancellationToken ending)
    {
        if (after is not { } asked || asked <= reader.Size)
        {
            var from = after ?? reader.Size;
            frames.Open(Math.Max(from, reader.Minimum));
            return from;
        }
        try
        {
            await reader.ReachedAsync(asked, ending).WaitAsync(AheadPatience, time, ending);
            frames.Open(asked);
            return asked;
        }
        catch (TimeoutException)
        {
            var size = reader.Size;
            frames.Open(size);
            frames.Gap(size + 1, asked, "ahead", size);
            return size;
        }
    }

    /// <summary>Writes items; how long those from <paramref name="live"/> on took is measured, since the reader was there when they were committed.</summary>
    private async Task WriteAsync(IStreamFrames frames, List<LogItem> items, long live, SinceSent sent, CancellationToken ending)
    {
        var unmeasured = 0;
        for (var i = 0; i < items.Count; i++)
        {
            if (!items[i].IsErased)
            {
                frames.Span(items[i]);
            }
            else if (i + 1 == items.Count || !items[i + 1].IsErased)
            {
                var first = i;
                while (first > 0 && items[first - 1].IsErased)
                {
                    first--;
                }
                frames.Gap(items[first].Seq, items[i].Seq, "erased", items[i].Seq);
            }
            if (frames.Pending >= FlushBytes)
            {
                await FlushAsync(frames, sent, ending);
                Measure(items, unmeasured, i + 1, live);
                unmeasured = i + 1;
            }
        }
        if (frames.Pending > 0)
        {
            await FlushAsync(frames, sent, ending);
            Measure(items, unmeasured, items.Count, live);
        }
    }

    private void Measure(List<LogItem> items, int from, int to, long live)
    {
        var now = time.GetTimestamp();
        for (var i = from; i < to; i++)
        {
            if (items[i].Index >= live && items[i].CommittedAt is not 0 and var at)
            {
                DeliveryMetrics.Delivered(time.GetElapsedTime(at, now));
            }
        }
    }

    /// <summary>A reader that does not take what is sent within a while is cut off: what waits for it is never more than the transport's buffer and one flush.</summary>
    private async Task FlushAsync(IStreamFrames frames, SinceSent sent, CancellationToken ending)
    {
        var flushing = frames.FlushAsync(ending);
        if (!flushing.IsCompletedSuccessfully)
        {
            await FlushSlowlyAsync(flushing, ending);
        }
        sent.Restart();
    }

    private async Task FlushSlowlyAsync(ValueTask flushing, CancellationToken ending)
    {
        try
        {
            await flushing.AsTask().WaitAsync(options.SlowestWrite, time, ending);
        }
        catch (TimeoutException)
        {
            throw new IOException("The reader is too slow.");
        }
    }

    /// <summary>How long nothing was sent.</summary>
    private sealed class SinceSent(TimeProvider time)
    {
        private long _since = time.GetTimestamp();

        public TimeSpan Elapsed => time.GetElapsedTime(_since);

        public TimeSpan Until(TimeSpan limit)
        {
            var left = limit - Elapsed;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }

        public void Restart() => _since = time.GetTimestamp();
    }
}
