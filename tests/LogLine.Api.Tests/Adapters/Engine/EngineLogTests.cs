using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>The output stream taken apart, byte by byte: frames do not end where lines or reads end.</summary>
public sealed class EngineLogTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, InlineData(1), InlineData(3), InlineData(8), InlineData(1000)]
    public async Task FramesAcrossReads_AreLines(int chunk)
    {
        byte[] stream = [.. Frame(1, "o"), .. Frame(2, "e1\ne"), .. Frame(1, "ut\n\n"), .. Frame(2, "2"), .. Frame(1, "tail")];
        Assert.Equal(["e1", "out", "", "tail", "e2"], (await ReadAsync(stream, chunk)).Lines);
    }

    [Fact]
    public async Task Terminal_IsOneStreamWithoutFrames() =>
        Assert.Equal(["a", "b"], (await ReadAsync("a\r\nb"u8.ToArray(), 2, framed: false)).Lines);

    [Fact]
    public async Task StreamCutInAFrame_KeepsWhatCame() =>
        Assert.Equal(["abc"], (await ReadAsync(Frame(1, "abcdef")[..11], 100)).Lines);

    [Fact]
    public async Task NoFrames_IsAnError() =>
        await Assert.ThrowsAsync<IOException>(() => ReadAsync("plain text, no frames"u8.ToArray(), 100));

    [Fact]
    public async Task LineLongerThanTheLimit_KeepsItsBeginning()
    {
        var tail = await ReadAsync(Frame(1, new string('x', 5000) + "\n"), 1000, maxBytes: 100);
        Assert.Equal([new string('x', 100)], tail.Lines);
    }

    [Fact]
    public async Task LinesBeyondTheLimits_AreCounted()
    {
        var tail = await ReadAsync(Frame(2, string.Concat(Enumerable.Range(0, 50).Select(i => $"{i:00}\n"))), 7, maxLines: 2);
        Assert.Equal(["48", "49"], tail.Lines);
        Assert.Equal(48, tail.Dropped);
    }

    static byte[] Frame(byte source, string text) => [source, 0, 0, 0, 0, 0, (byte)(text.Length >> 8), (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];

    static async Task<LogTail> ReadAsync(byte[] bytes, int chunk, bool framed = true, int maxLines = 100, int maxBytes = 10_000)
    {
        var tail = new LogTailBuffer(maxLines, maxBytes);
        await EngineLogFrames.ReadAsync(new Chunks(bytes, chunk), framed, tail.Append, Cancel);
        return tail.Finish();
    }

    /// <summary>A stream that gives no more than so many bytes at a time, as a socket may.</summary>
    sealed class Chunks(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
