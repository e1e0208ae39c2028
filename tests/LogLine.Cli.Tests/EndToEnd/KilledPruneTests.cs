using System.Diagnostics;
using System.Text;
using LogLine.Cli.Tests.Witness;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary><c>logline ledger prune</c> as a process that is killed: whatever it was doing, the log is whole, a gateway goes on with it, and the same command finishes what was begun.</summary>
public sealed class KilledPruneTests : IDisposable
{
    private const int Tile = 256;
    private const int Kills = 8;
    private readonly Terminal _terminal = new() { Time = TimeProvider.System };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Data => _terminal.At("data");

    [Fact]
    public async Task KilledAtAnyMoment_TheLogIsWhole_AGatewayGoesOn_AndTheSameAgainFinishes()
    {
        List<string> names;
        await using (var gateway = await WitnessedGateway.StartAsync(Data, 0))
        {
            names = await gateway.FillAsync((Kills * Tile) + 100);
        }
        var random = new Random(20261121);
        var killed = 0;
        for (var kill = 1; kill <= Kills; kill++)
        {
            var (before, after) = ((kill - 1) * Tile, kill * Tile);
            killed += await IsKilledAsync(after, kill % 2 == 0, random) ? 1 : 0;

            var (minimum, pruned) = await VerifyAsync();
            Assert.True(minimum == before ? pruned == before : minimum == after && pruned >= before && pruned <= after, $"minimum {minimum}, {pruned} pruned between {before} and {after}");
            await using (var gateway = await WitnessedGateway.StartAsync(Data, 0))
            {
                await gateway.SendAsync("between" + kill);
                Assert.Equal(pruned == after ? 404 : 200, (await gateway.GetAsync("/v1/spans/" + names[after - 1])).Status);
            }

            var again = (await _terminal.RunAsync([.. Prune(after), "--json"])).Expect(0).Json;
            Assert.Equal((after, after - pruned, 0, null), (again.Integer("minimum_index"), again.Integer("pruned"), again.Integer("kept_below"), again.Text("not_compacted")));
            Assert.Equal((after, after), await VerifyAsync());
            AssertGone(names[after - 1]);
        }
        Assert.True(killed > 0, "none was killed before it had ended");
    }

    /// <summary>Starts it and kills it: wherever it is then, or when it has begun to write.</summary>
    private async Task<bool> IsKilledAsync(long before, bool writing, Random random)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "logline"), Prune(before)) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LOGLINE_HOME"] = _terminal.Home;
        using var process = Process.Start(start)!;
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(Cancel), process.StandardError.ReadToEndAsync(Cancel));
        while (writing && !process.HasExited && new FileInfo(Path.Combine(Data, "ledger.db-wal")) is not { Exists: true, Length: > 0 })
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Cancel);
        }
        await Task.Delay(TimeSpan.FromMilliseconds(random.Next(writing ? 40 : 1000)), TimeProvider.System, Cancel);
        process.Kill(); // SIGKILL
        await process.WaitForExitAsync(Cancel);
        var (output, errors) = await said is [var first, var second] ? (first, second) : default;
        Assert.True(process.ExitCode is 0 or 128 + 9, $"{process.ExitCode}: {output}{errors}");
        return process.ExitCode != 0;
    }

    private string[] Prune(long before) => ["ledger", "prune", "--data", Data, "--before", $"{before}", "--yes"];

    private async Task<(long? Minimum, long? Pruned)> VerifyAsync()
    {
        var report = (await _terminal.RunAsync("ledger", "verify", "--data", Data, "--json")).Expect(0).Json;
        Assert.True(report.Flag("valid"), report.ToString());
        return (report.Integer("minimum_index") ?? 0, report.Integer("pruned") ?? 0);
    }

    /// <summary>Of what was pruned its name is left, and nothing that was said with it.</summary>
    private void AssertGone(string name)
    {
        var said = Encoding.UTF8.GetBytes($"\"this\":\"{name}\"");
        Assert.All(Directory.GetFiles(Data, "ledger.db*"), file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(said) < 0, $"{file} still holds {name}"));
    }

    public void Dispose() => _terminal.Dispose();
}
