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
    readonly Queue<(string Text, int Bytes)> lines = new();
    readonly MemoryStream[] open = [new(), new(), new()];
    long bytes;
    long dropped;

    public void Append(int source, ReadOnlyMemory<byte> piece)
    {
        var rest = piece.Span;
        int end;
        while ((end = rest.IndexOf((byte)'\n')) >= 0)
        {
            Hold(open[source], rest[..end]);
            Close(open[source]);
            rest = rest[(end + 1)..];
        }
        Hold(open[source], rest);
    }

    public LogTail Finish()
    {
        foreach (var line in open.Where(l => l.Length > 0))
            Close(line);
        return new LogTail([.. lines.Select(l => l.Text)], dropped);
    }

    void Hold(MemoryStream line, ReadOnlySpan<byte> piece) => line.Write(piece[..(int)Math.Min(piece.Length, maxBytes - line.Length)]);

    void Close(MemoryStream line)
    {
        var length = (int)line.Length;
        var text = Encoding.UTF8.GetString(line.GetBuffer(), 0, length).TrimEnd('\r');
        line.SetLength(0);
        if (grep is not null && !text.Contains(grep, StringComparison.Ordinal))
            return;
        lines.Enqueue((text, length));
        bytes += length;
        while (lines.Count > maxLines || bytes > maxBytes)
        {
            bytes -= lines.Dequeue().Bytes;
            dropped++;
        }
    }
}
