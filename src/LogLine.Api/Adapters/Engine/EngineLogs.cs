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
    readonly MemoryStream[] open = [new(), new(), new()];
    readonly bool[] isCut = new bool[3];
    long bytes;
    long dropped;

    public void Append(int source, ReadOnlyMemory<byte> piece)
    {
        var rest = piece.Span;
        int end;
        while ((end = rest.IndexOf((byte)'\n')) >= 0)
        {
            Hold(source, rest[..end]);
            Close(source);
            rest = rest[(end + 1)..];
        }
        Hold(source, rest);
    }

    public LogTail Finish()
    {
        for (var source = 0; source < open.Length; source++)
        {
            if (open[source].Length == 0)
                continue;
            isCut[source] = true; // more of it may be on its way
            Close(source);
        }
        return new LogTail([.. lines.Select(line => line.Text)], dropped) { Cut = lines.Index().Where(line => line.Item.IsCut).Select(line => line.Index).ToHashSet() };
    }

    void Hold(int source, ReadOnlySpan<byte> piece)
    {
        var fits = (int)Math.Min(piece.Length, maxBytes - open[source].Length);
        open[source].Write(piece[..fits]);
        isCut[source] |= fits < piece.Length;
    }

    void Close(int source)
    {
        var line = open[source];
        var (length, cut) = ((int)line.Length, isCut[source]);
        var text = Encoding.UTF8.GetString(line.GetBuffer(), 0, length).TrimEnd('\r');
        line.SetLength(0);
        isCut[source] = false;
        if (grep is not null && !text.Contains(grep, StringComparison.Ordinal))
            return;
        lines.Enqueue((text, length, cut));
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
internal sealed class LogBacklog(int tail)
{
    const int MostKnown = 64;
    readonly byte[][] beginning = [new byte[MostKnown], new byte[MostKnown], new byte[MostKnown]]; // of each output, since what comes by two pipes comes in any order
    readonly Queue<int> last = new(); // where the last lines came from, in the order in which they ended
    readonly long[] left = new long[3];
    readonly int[] known = new int[3];

    /// <summary>Sees the log as it is before it is followed.</summary>
    public void Count(int source, ReadOnlyMemory<byte> piece)
    {
        var fits = Math.Min(piece.Length, MostKnown - known[source]);
        piece.Span[..fits].CopyTo(beginning[source].AsSpan(known[source]));
        known[source] += fits;
        for (var lines = piece.Span.Count((byte)'\n'); lines > 0; lines--)
        {
            last.Enqueue(source);
            if (last.Count > tail)
                left[last.Dequeue()]++;
        }
    }

    /// <summary>Sees the same log while it is followed, and hands on what comes behind the lines that were before the last ones. Where the engine has begun its log anew in between, that is all of it.</summary>
    public Action<int, ReadOnlyMemory<byte>> Behind(Action<int, ReadOnlyMemory<byte>> append)
    {
        var seen = new int[3];
        return (source, piece) =>
        {
            if (seen[source] < known[source])
            {
                var compared = Math.Min(piece.Length, known[source] - seen[source]);
                if (!piece.Span[..compared].SequenceEqual(beginning[source].AsSpan(seen[source], compared)))
                    Array.Clear(left);
                seen[source] += compared;
            }
            while (left[source] > 0)
            {
                var end = piece.Span.IndexOf((byte)'\n');
                if (end < 0)
                    return;
                left[source]--;
                piece = piece[(end + 1)..];
            }
            if (!piece.IsEmpty)
                append(source, piece);
        };
    }
}
