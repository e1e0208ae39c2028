using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>A command in a container through the gateway, against preparing, starting and looking at it by the engine's own API.</summary>
internal static class CommandBenchmark
{
    private const int Rounds = 101;
    private const int Counted = 10;

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("exec", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        await sides.MakeContainerAsync();
        Task<double> Ours() => EngineSides.TimeAtChanceAsync(() => sides.DoAsync("container.exec", EngineSides.Name, ""","argv":["/bin/true"]"""));
        Task<double> Theirs() => EngineSides.TimeAtChanceAsync(() => sides.Engine.ExecAsync(sides.Container, "/bin/true"));
        await sides.SettleAsync(Ours);
        await Theirs();
        var turns = await Turns.TakeAsync(Rounds, Ours, Theirs);
        var cost = await sides.CountAsync("command", Counted, async () =>
        {
            for (var command = 0; command < Counted; command++)
            {
                await Ours();
            }
        });
        return
        [
            new Figure
            {
                Benchmark = "exec",
                Measured = "`container.exec` of `true` (`Prefer: wait`)",
                Yardstick = $"{sides.Provider}: prepare, start and look at the same command by the Engine API",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Target = new Target(1.2, AtLeast: false),
                Details = [$"{turns.Measured:0.0} ms against {turns.Yardstick:0.0} ms, {Rounds} rounds", cost],
                Limit = "Three durable commits one after the other (the span, with the run taken; running; exited) and the gate's look at the container.",
            },
        ];
    }
}
