using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Runs;

/// <summary>Ends of commands that nobody has taken yet: kept for a week, and no longer.</summary>
public sealed class UnsaidEndsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void WhatNobodyAskedForInAWeek_Goes()
    {
        var folder = Directory.CreateTempSubdirectory("logline-unsaid-");
        try
        {
            var ends = new UnsaidEnds(folder.FullName, new ManualTime(Now), NullLogger<UnsaidEnds>.Instance);
            foreach (var (run, age) in new[] { ("run_old", TimeSpan.FromDays(7) + TimeSpan.FromSeconds(1)), ("run_young", TimeSpan.FromDays(7) - TimeSpan.FromSeconds(1)) })
            {
                ends.Keep(run, new RunReport(RunState.Exited) { ExitCode = 3, Result = CanonicalJson.Parse("""{"said":"once"}"""u8).Root });
                File.SetLastWriteTimeUtc(Path.Combine(folder.FullName, run), (Now - age).UtcDateTime);
            }
            ends.Sweep();

            Assert.Null(ends.Find("run_old"));
            Assert.Equal((3, "once"), (ends.Find("run_young")?.ExitCode, ends.Find("run_young")?.Result?.Text("said")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task WorkerThatStarts_SweepsThem()
    {
        var folder = Directory.CreateTempSubdirectory("logline-unsaid-");
        try
        {
            var old = Path.Combine(folder.CreateSubdirectory("unsaid").FullName, "run_old");
            await File.WriteAllTextAsync(old, "{}", TestContext.Current.CancellationToken);
            File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-8));
            await using var gateway = await TestGateway.StartAsync([new FakeAdapter()], folder: folder.FullName);

            await Patience.UntilAsync("a folder without it", () => !File.Exists(old));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
