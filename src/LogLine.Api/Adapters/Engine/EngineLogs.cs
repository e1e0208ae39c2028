using System.Buffers.Binary;
using System.Text;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// The engine's output stream. Without a TTY standard output and error travel in one stream of frames: one byte (1 output, 2 error),
/// three zero bytes, the length as 32 bits big-endian, then that many bytes. A frame is no line: it may hold several, or a part of one.
/// In a frame of kind 3 the engine itself says why it cannot go on: Docker does when a log is rotated faster than it is read.
/// </summary>
internal static class EngineLogFrames
{
    const int HeaderBytes = 8;
    const int EngineSpeaks = 3;
    const int MaxWords = 1024;

    /// <summary>Hands every piece of output to <paramref name="append"/>, with 1 or 2 for where it was written, until the stream ends.</summary>
    public static async Task ReadAsync(Stream stream, bool framed, Action<int, ReadOnlyMemory<byte>> append, CancellationToken cancel)
    {
        var buffer = new byte[16 << 10];
        if (!framed)
        {
            int read;
            while ((read = await stream.ReadAsync(buffer, cancel)) > 0)
                append(1, buffer.AsMemory(0, read));
            return;
        }
        while (await stream.ReadAtLeastAsync(buffer.AsMemory(0, HeaderBytes), HeaderBytes, throwOnEndOfStream: false, cancel) == HeaderBytes)
        {
            if (buffer[0] > EngineSpeaks || buffer[1] != 0 || buffer[2] != 0 || buffer[3] != 0)
                throw new IOException("the output stream has no frames where frames were expected");
            var source = buffer[0];
            var left = (long)BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(4));
            if (source == EngineSpeaks)
                throw new IOException(await WordsAsync(stream, buffer.AsMemory(0, (int)Math.Min(left, MaxWords)), cancel));
            while (left > 0)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancel);
                if (read == 0)
                    return;
                append(source, buffer.AsMemory(0, read));
                left -= read;
            }
        }
    }

    static async Task<string> WordsAsync(Stream stream, Memory<byte> buffer, CancellationToken cancel)
    {
        var read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return Encoding.UTF8.GetString(buffer.Span[..read]).Trim();
    }
}

/// <summary>
/// The last lines of two interleaved outputs, never more than so many lines and bytes; older lines make room and are counted. A line
/// takes its place when it ends. One longer than the byte limit keeps its beginning. Lines without <paramref name="grep"/> are as if they were not there.
/// </summary>
internal sealed class LogTailBuffer(int maxLines, int maxBytes, string? grep = null)
{
    readonly Queue<(string Text, int Bytes, bool IsCut)> lines = new();
    readonly OutputLines open = new(maxBytes);
    long bytes;
    long dropped;

    public void Append(int source, ReadOnlyMemory<byte> piece) => open.Append(source, piece, Put);

    public LogTail Finish()
    {
        open.End(isCut: true, Put); // more of it may be on its way
        return new LogTail([.. lines.Select(line => line.Text)], dropped) { Cut = lines.Index().Where(line => line.Item.IsCut).Select(line => line.Index).ToHashSet() };
    }

    void Put(LogLineRead line, int length)
    {
        if (grep is not null && !line.Text.Contains(grep, StringComparison.Ordinal))
            return;
        lines.Enqueue((line.Text, length, line.IsCut));
        bytes += length;
        while (lines.Count > maxLines || bytes > maxBytes)
        {
            bytes -= lines.Dequeue().Bytes;
            dropped++;
        }
    }
}

/// <summary>
/// Which lines of a log somebody leaves out who follows it from its last lines on. Both engines count the last lines by the parts in which those were written: a long line, or one that was
/// written bit by bit, would come in halves, or joined to its neighbour. Read from its beginning it comes whole, and a log is short: its size is capped.
/// </summary>
/// <param name="tail">How many of the lines are wanted that count.</param>
/// <param name="counts">Whether a line does; the others come along from the first one on that does.</param>
internal sealed class LogBacklog(int tail, Func<LogLineRead, bool> counts)
{
    const int MostKnown = 64;
    readonly byte[][] beginning = [new byte[MostKnown], new byte[MostKnown], new byte[MostKnown]]; // of each output, since what comes by two pipes comes in any order
    readonly OutputLines open = new(LogRing.DefaultBytes / 4);
    readonly Queue<long[]> last = new(); // how many lines of each output had ended before each of the last ones
    readonly long[] ended = new long[3];
    readonly int[] known = new int[3];

    /// <summary>Sees the log as it is before it is followed.</summary>
    public void Count(int source, ReadOnlyMemory<byte> piece)
    {
        var fits = Math.Min(piece.Length, MostKnown - known[source]);
        piece.Span[..fits].CopyTo(beginning[source].AsSpan(known[source]));
        known[source] += fits;
        open.Append(source, piece, (line, _) =>
        {
            if (counts(line))
            {
                last.Enqueue([.. ended]);
                if (last.Count > tail)
                    last.Dequeue();
            }
            ended[source]++;
        });
    }

    /// <summary>Sees the same log while it is followed, and hands on what comes behind the lines that were before the last ones. Where the engine has begun its log anew in between, that is all of it.</summary>
    public Action<int, ReadOnlyMemory<byte>> Behind(Action<int, ReadOnlyMemory<byte>> append)
    {
        var (seen, left) = (new int[3], last.Count > 0 ? last.Peek() : ended);
        return (source, piece) =>
        {
            if (seen[source] < known[source])
            {
                var compared = Math.Min(piece.Length, known[source] - seen[source]);
                if (!piece.Span[..compared].SequenceEqual(beginning[source].AsSpan(seen[source], compared)))
                    Array.Clear(left);
                seen[source] += compared;
            }
            if (LogPieces.Behind(ref left[source], piece) is { IsEmpty: false } behind)
                append(source, behind);
        };
    }
}

/// <summary>
/// What somebody who followed a log was told, so that a second reading of it hands over the rest. By lines, since an engine that starts a log over while it is followed has fewer of them
/// than were told: then there is no rest.
/// </summary>
internal sealed class ToldLog(Action<int, ReadOnlyMemory<byte>> append)
{
    readonly long[] ended = new long[3];
    readonly long[] open = new long[3]; // bytes behind the last line that ended

    /// <summary>Hands a piece on.</summary>
    public void Tell(int source, ReadOnlyMemory<byte> piece)
    {
        var last = piece.Span.LastIndexOf((byte)'\n');
        ended[source] += piece.Span.Count((byte)'\n');
        open[source] = last < 0 ? open[source] + piece.Length : piece.Length - last - 1;
        append(source, piece);
    }

    /// <summary>Hands on what was not told, of the same log read from its beginning; <paramref name="read"/> may find that it is gone.</summary>
    public async Task TellRestAsync(Func<Action<int, ReadOnlyMemory<byte>>, Task> read)
    {
        try
        {
            await read((source, piece) =>
            {
                var behind = LogPieces.Behind(ref ended[source], piece);
                var told = (int)Math.Min(open[source], behind.Length);
                open[source] -= told;
                if (told < behind.Length)
                    append(source, behind[told..]);
            });
        }
        catch (AdapterException gone) when (gone.Failure == AdapterFailure.NotFound)
        {
            // Removed when it had ended, and its log with it.
        }
    }
}

/// <summary>Pieces of a log, which end anywhere.</summary>
internal static class LogPieces
{
    /// <summary>What of a piece is behind that many more ends of lines; those in it are counted off.</summary>
    public static ReadOnlyMemory<byte> Behind(ref long lines, ReadOnlyMemory<byte> piece)
    {
        while (lines > 0)
        {
            var end = piece.Span.IndexOf((byte)'\n');
            if (end < 0)
                return default;
            lines--;
            piece = piece[(end + 1)..];
        }
        return piece;
    }
}
