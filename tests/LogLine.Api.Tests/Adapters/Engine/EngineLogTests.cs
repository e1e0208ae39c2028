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

    /// <summary>Whoever masks lines has to know that the end of one is missing: a secret could stand there by half.</summary>
    [Fact]
    public async Task LineThatIsTooLong_OrNotWholeYet_SaysSo()
    {
        var tail = await ReadAsync([.. Frame(1, new string('x', 200) + "\nwhole\n"), .. Frame(2, "so far")], 1000, maxBytes: 150);
        Assert.Equal(["whole", "so far"], tail.Lines);
        Assert.Equal([1], tail.Cut);
        Assert.Equal([0], (await ReadAsync(Frame(1, new string('x', 200) + "\n"), 1000, maxBytes: 150)).Cut);
    }

    [Theory, InlineData(1), InlineData(3), InlineData(8), InlineData(1000)]
    public async Task Followed_BeginsWithTheLastWholeLines(int chunk)
    {
        byte[] before = [.. Frame(1, "o"), .. Frame(2, "e1\ne"), .. Frame(1, "ut\n\n"), .. Frame(2, "2\n")];
        foreach (var (tail, expected) in new (int, string[])[] { (1, ["e2", "new"]), (2, ["", "e2", "new"]), (3, ["out", "", "e2", "new"]), (9, ["e1", "out", "", "e2", "new"]) })
            Assert.Equal(expected, await FollowedAsync(before, [.. before, .. Frame(1, "new\n")], tail, chunk));
    }

    /// <summary>What comes by two pipes comes in any order, this time in another one than last time.</summary>
    [Fact]
    public async Task Followed_InAnotherOrderOfTheOutputs_LeavesOutAsMuch() =>
        Assert.Equal(["e2", "o2"], await FollowedAsync([.. Frame(1, "o1\n"), .. Frame(2, "e1\n"), .. Frame(1, "o2\n"), .. Frame(2, "e2\n")], [.. Frame(2, "e1\ne2\n"), .. Frame(1, "o1\no2\n")], 2, 1000));

    /// <summary>The last lines are those that count, and where none does, none is among them; whoever looks for a text leaves out the rest.</summary>
    [Theory, InlineData(1), InlineData(3), InlineData(8), InlineData(1000)]
    public async Task Followed_BeginsWithTheLastLinesThatCount(int chunk)
    {
        byte[] before = [.. Frame(1, "hit 1\nh"), .. Frame(2, "hit 2\nmiss\nhi"), .. Frame(1, "it 3\nmiss\n"), .. Frame(2, "t 4\nmiss\nmiss\n")];
        byte[] followed = [.. before, .. Frame(1, "new\n")];

        foreach (var (tail, expected) in new (int, string[])[] { (1, ["hit 4", "miss", "miss", "new"]), (2, ["hit 3", "miss", "hit 4", "miss", "miss", "new"]), (9, ["hit 1", "hit 2", "miss", "hit 3", "miss", "hit 4", "miss", "miss", "new"]) })
            Assert.Equal(expected, await FollowedAsync(before, followed, tail, chunk, "hit"));
        Assert.Equal(["new"], await FollowedAsync(before, followed, 9, chunk, "none"));
    }

    /// <summary>An engine begins its log anew where it is full: what is new was not there before, and none of it is left out.</summary>
    [Fact]
    public async Task Followed_OfALogThatBeganAnewInBetween_IsAllOfIt() =>
        Assert.Equal(["other", "lines"], await FollowedAsync(Frame(1, string.Concat(Enumerable.Range(0, 50).Select(i => $"{i:00}\n"))), Frame(1, "other\nlines\n"), 1, 1000));

    static async Task<IReadOnlyList<string>> FollowedAsync(byte[] before, byte[] followed, int tail, int chunk, string? grep = null)
    {
        var (backlog, seen) = (new LogBacklog(tail, line => grep is null || line.Text.Contains(grep, StringComparison.Ordinal)), new LogTailBuffer(100, 10_000));
        await EngineLogFrames.ReadAsync(new Chunks(before, chunk), true, backlog.Count, Cancel);
        await EngineLogFrames.ReadAsync(new Chunks(followed, chunk), true, backlog.Behind(seen.Append), Cancel);
        return seen.Finish().Lines;
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
