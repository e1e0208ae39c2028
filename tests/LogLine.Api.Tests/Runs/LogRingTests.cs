using System.Text;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Runs;

/// <summary>Output between an engine and a reader: bounded, whatever either does.</summary>
public sealed class LogRingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lines_ComeWholeAndInOrder()
    {
        var ring = new LogRing();
        ring.Append(1, Encoding.UTF8.GetBytes("on"));
        ring.Append(2, Encoding.UTF8.GetBytes("error\n"));
        ring.Append(1, Encoding.UTF8.GetBytes("e\ntwo\r\nthr"));
        ring.Append(1, Encoding.UTF8.GetBytes("ee"));
        ring.End();

        var (lines, dropped) = (await ring.TakeAsync(Cancel))!.Value;

        Assert.Equal([new(2, "error"), new(1, "one"), new(1, "two"), new(1, "three")], lines);
        Assert.Equal(0, dropped);
        Assert.Null(await ring.TakeAsync(Cancel));
    }

    [Theory]
    [InlineData(100, 1 << 20)]
    [InlineData(100_000, 4096)]
    public async Task ReaderThatIsTooSlow_LosesTheOldestAndIsTold(int maxLines, int maxBytes)
    {
        var ring = new LogRing(maxLines, maxBytes);
        for (var i = 0; i < 5000; i++)
        {
            ring.Append(1, Encoding.UTF8.GetBytes($"line {i:D5}\n"));
        }
        ring.End();

        var (lines, dropped) = (await ring.TakeAsync(Cancel))!.Value;

        Assert.Equal(5000, lines.Count + dropped);
        Assert.InRange(lines.Count, 1, maxLines);
        Assert.InRange(lines.Sum(line => line.Text.Length), 1, maxBytes);
        Assert.Equal("line 04999", lines[^1].Text);
        Assert.Equal($"line {dropped:D5}", lines[0].Text);
    }

    /// <summary>Whoever shows a line has to know that its end is missing: a secret could stand there by half.</summary>
    [Fact]
    public async Task LineThatIsTooLong_OrNotWholeYet_SaysSo()
    {
        var ring = new LogRing(10, 40);
        ring.Append(1, "0123456789abc\nshort\nnot yet"u8.ToArray());

        var (_, open, _) = ring.Look();
        ring.End();
        var (lines, _) = (await ring.TakeAsync(Cancel))!.Value;

        Assert.Equal([new LogLineRead(1, "not yet", IsCut: true)], open);
        Assert.Equal([new(1, "0123456789", IsCut: true), new(1, "short"), new(1, "not yet")], lines);
    }

    [Fact]
    public async Task CutLine_StaysOneForWhoeverFollowsLater()
    {
        var output = new RunOutput();
        output.TryAppend(1, System.Text.Encoding.UTF8.GetBytes(new string('x', LogRing.DefaultBytes) + "\nwhole\n"));
        var ring = new LogRing();
        output.TryFollow(ring, 10);

        var (lines, _) = (await ring.TakeAsync(Cancel))!.Value;

        Assert.Equal([true, false], lines.Select(line => line.IsCut));
    }

    [Fact]
    public async Task LineWithoutEnd_KeepsItsBeginning()
    {
        var ring = new LogRing(10, 1000);
        for (var i = 0; i < 100; i++)
        {
            ring.Append(1, new byte[1000]);
        }
        ring.End();

        Assert.Equal(250, Assert.Single((await ring.TakeAsync(Cancel))!.Value.Lines).Text.Length);
    }

    [Fact]
    public async Task Reader_WaitsForWhatComes()
    {
        var ring = new LogRing();
        var waiting = ring.TakeAsync(Cancel);
        Assert.False(waiting.IsCompleted);
        ring.Append(1, "x\n"u8.ToArray());
        Assert.Equal("x", Assert.Single((await waiting)!.Value.Lines).Text);
    }
}
