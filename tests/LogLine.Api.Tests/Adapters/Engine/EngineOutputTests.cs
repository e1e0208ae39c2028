using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>The last output of a container, on both engines.</summary>
public sealed class EngineOutputTests
{
    static CancellationToken Cancel => EngineLab.Cancel;

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task BothOutputs_AreTakenApartIntoLines(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var (_, output) = await lab.RunAsync(lab.Spec(EngineLab.Shell("echo out 1; echo err 1 >&2; printf 'no newline'")));
        Assert.Equal(["err 1", "no newline", "out 1"], output.Split('\n').Order(StringComparer.Ordinal));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task MoreLinesThanWanted_LastOnesAndACountOfTheRest(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var tail = await TailAsync(lab, "i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done", maxLines: 3, maxBytes: 1000);
        Assert.Equal(["line 97", "line 98", "line 99"], tail.Lines);
        Assert.True(tail.Dropped >= 1);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task MoreBytesThanWanted_NeverMoreThanTheLimit(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var tail = await TailAsync(lab, "i=0; while [ $i -lt 100 ]; do echo 0123456789; i=$((i+1)); done", maxLines: 1000, maxBytes: 55);
        Assert.Equal(Enumerable.Repeat("0123456789", 5), tail.Lines);
        Assert.Equal(95, tail.Dropped);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task LineLongerThanAFrame_IsOneLine(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var tail = await TailAsync(lab, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end", maxLines: 10, maxBytes: 1 << 20);
        Assert.Equal([new string('x', 100_000), "end"], tail.Lines);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task EightMegabytesOfOutput_TheEngineKeepsNoMoreThanItsCap(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var tail = await TailAsync(lab, "yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 8388608; echo; echo end", maxLines: 1 << 20, maxBytes: 16 << 20);
        Assert.Equal("end", tail.Lines[^1]);
        Assert.InRange(tail.Lines.Sum(line => (long)line.Length), 1, 2 << 20);
    }

    static async Task<LogTail> TailAsync(EngineLab lab, string script, int maxLines, int maxBytes)
    {
        var started = await lab.StartedAsync(lab.Spec(EngineLab.Shell(script)));
        await lab.Adapter.WaitAsync(started.Id, Cancel);
        return await lab.Adapter.LogTailAsync(started.Id, maxLines, maxBytes, Cancel);
    }
}
