using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Runs;

/// <summary>Ends of commands that could not be said: how long they are kept.</summary>
public sealed class UnsaidEndsTests
{
    /// <summary>A worker that is started after a long time still says what is its to say; what has ended elsewhere, or is nobody's, goes after a week.</summary>
    [Fact]
    public async Task OldEnds_GoUnlessTheirRunsGoOn()
    {
        var folder = Directory.CreateTempSubdirectory("logline-unsaid-").FullName;
        try
        {
            var ends = new UnsaidEnds(folder, TimeProvider.System, NullLogger<UnsaidEnds>.Instance);
            string[] runs = ["run_live", "run_ended", "run_unknown", "run_young"];
            foreach (var run in runs)
            {
                ends.Keep(run, new RunReport(RunState.Exited) { ExitCode = 7 }, isDurable: true);
                File.SetLastWriteTimeUtc(Path.Combine(folder, run), DateTime.UtcNow.AddDays(run == "run_young" ? -6 : -8));
            }

            await ends.SweepAsync(run => new(run == "run_unknown" ? null : new RunRow
            {
                RunId = run, Tenant = "dev", Env = "dev", Intent = "container.exec", Subject = "urn:container:dev/web", Provider = "fake", Service = "web", Target = "{}", Span = "s", CreatedAt = DateTimeOffset.UnixEpoch,
                State = run == "run_live" ? RunState.Running : RunState.Exited,
            }));

            Assert.Equal(["run_live", "run_young"], runs.Where(run => ends.Find(run) is { ExitCode: 7 }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
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
