using LogLine.Benchmarks.Reports;
using LogLine.Fuzz.Campaigns;
using LogLine.Fuzz.Targets;

namespace LogLine.Api.Tests.Fuzzing;

/// <summary>A short run of the fuzz command (docs/fuzzing.md) against every door, always with the same inputs; and whether it would see what it looks for.</summary>
public sealed class FuzzTests : IDisposable
{
    private const int Inputs = 2_500;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "logline-finds-" + Guid.NewGuid().ToString("N"));

    public static TheoryData<string> Targets => [.. TargetTable.Names];

    [Theory]
    [MemberData(nameof(Targets))]
    public void MutatedInputs_AreAnsweredAsPromisedAndInTime(string target)
    {
        var said = new StringWriter();

        var code = Campaign.Run(Options(target), said);

        Assert.True(code == 0, said + string.Concat(Found().Select(File.ReadAllText)));
        Assert.Contains($"{target}: {Inputs:N0} inputs", said.ToString());
    }

    [Fact]
    public void SameSeed_MakesTheSameInputs()
    {
        var (first, second, other) = (new Recording(), new Recording(), new Recording());

        Run(first, 7, 300);
        Run(second, 7, 300);
        Run(other, 8, 300);

        Assert.Equal(first.Seen, second.Seen);
        Assert.NotEqual(first.Seen, other.Seen);
    }

    [Theory]
    [InlineData("throws", "System.InvalidOperationException")]
    [InlineData("breaks its promise", "BrokenPromiseException")]
    [InlineData("takes long", "ms of processor time")]
    public void WhatFails_IsWrittenDownOnce_WithTheWayToSeeItAgain(string how, string words)
    {
        var finds = Run(new Recording { Run = input => input.Length > 2 ? Fail(how) : "fine" }, 1, 40);

        Assert.Equal(1, finds.Count);
        var report = Assert.Single(Found());
        Assert.Contains(words, File.ReadAllText(report));
        Assert.Contains("--replay " + Path.ChangeExtension(report, ".input"), File.ReadAllText(report));
        Assert.True(new FileInfo(Path.ChangeExtension(report, ".input")).Length > 2);
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static string Fail(string how)
    {
        switch (how)
        {
            case "throws":
                throw new InvalidOperationException(how);
            case "breaks its promise":
                throw new BrokenPromiseException(how);
            default:
                var until = ThreadClock.Nanoseconds + TargetCourse.MaxNanoseconds + 1_000_000;
                while (ThreadClock.Nanoseconds < until)
                {
                    Thread.SpinWait(100);
                }
                return "late";
        }
    }

    private Finds Run(Recording target, int seed, int inputs)
    {
        var finds = new Finds(Options("recording"));
        using var course = new TargetCourse("recording", target, seed, finds);
        for (var i = 0; i < inputs; i++)
        {
            course.Step();
        }
        return finds;
    }

    private FuzzOptions Options(string target) => new([target], Inputs, null, 1, _folder, null);

    private IEnumerable<string> Found() => Directory.Exists(_folder) ? Directory.EnumerateFiles(_folder, "*.txt") : [];

    /// <summary>A target that notes what it gets, and answers as it is told to.</summary>
    private sealed class Recording : IFuzzTarget
    {
        public List<string> Seen { get; } = [];

        public Func<byte[], string> Run { get; init; } = input => "fine " + input.Length;

        public IReadOnlyList<byte[]> Seeds { get; } = [[1], [2, 3]];

        public byte[] Mutate(byte[] input, byte[] other, Random random)
        {
            byte[] changed = [.. input, (byte)random.Next(256)];
            Seen.Add(Convert.ToHexString(changed));
            return changed;
        }

        string IFuzzTarget.Run(byte[] input) => Run(input);

        public void Renew()
        {
        }

        public void Dispose()
        {
        }
    }
}
