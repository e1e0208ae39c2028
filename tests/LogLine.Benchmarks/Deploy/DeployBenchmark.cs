using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>A proven deploy until its container runs, against create and start of the same image by the engine's own API.</summary>
internal static class DeployBenchmark
{
    private const int Rounds = 25;
    private const int Counted = 5;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("deploy", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        var service = await DeployedService.ApplyAsync(sides);
        async Task<double> Deploy()
        {
            var (elapsed, run) = await service.DeployAsync();
            // The next round needs the name again: the container goes, and the gateway has to have seen it.
            await sides.Engine.RemoveAsync(sides.Container);
            await service.EndedAsync(run);
            return elapsed;
        }
        await sides.SettleAsync(Deploy);
        await sides.Engine.CreateAndStartAsync();
        var turns = await Turns.TakeAsync(Rounds, Deploy, sides.Engine.CreateAndStartAsync);
        var cost = await sides.CountAsync("deploy, its proof's commit, the looks of the watch that follows and its end included", Counted, async () =>
        {
            for (var deploy = 0; deploy < Counted; deploy++)
            {
                await Deploy();
            }
        });
        return
        [
            new Figure
            {
                Benchmark = "deploy",
                Measured = "`deploy.apply` from the request to `run_state.running` in its answer (`Prefer: wait`)",
                Yardstick = $"{sides.Provider}: create and start of the same image by the Engine API over its socket",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(1.15, AtLeast: false),
                Details = [$"{turns.Measured:0} ms against {turns.Yardstick:0} ms, {Rounds} rounds", cost],
                Limit = "The engine's own create and start; the gateway adds two durable commits (span, plan and pending; running; applied while the container starts), a look before the gate, one at the image unless it was seen a moment ago, and one after the start.",
            },
        ];
    }
}
