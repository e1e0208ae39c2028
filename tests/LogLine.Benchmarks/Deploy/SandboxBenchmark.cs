using System.Diagnostics;
using LogLine.Benchmarks.Reports;

namespace LogLine.Benchmarks.Deploy;

/// <summary>From nothing to a sandbox that runs, and from a sandbox to a command's answer, beside the engine's own command line with the same options.</summary>
internal static class SandboxBenchmark
{
    private const int Rounds = 15;
    private const double MostSandboxMs = 300;
    private const double MostCallMs = 50;
    private const string Run = "logline-sandbox";
    private static readonly string[] Options = ["run", "--detach", "--name", Run, "--init", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

    public static Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options) => EngineSides.OnEachAsync("sandbox", RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(EngineSides sides)
    {
        if (Environment.GetEnvironmentVariable(EngineSides.Variable(sides.Provider) + "_COMMAND")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not { Length: > 0 } line)
        {
            return [Figure.Skipped("sandbox", sides.Provider, "its command line", $"{EngineSides.Variable(sides.Provider)}_COMMAND is not set; `tests/run --with` sets it.")];
        }
        async Task<double> Ours()
        {
            var elapsed = await EngineSides.TimeAsync(() => sides.MakeContainerAsync());
            await sides.Engine.RemoveAsync(sides.Container);
            return elapsed;
        }
        async Task<double> Theirs()
        {
            var elapsed = await EngineSides.TimeAsync(() => RunAsync([.. line, .. Options, sides.Image]));
            await sides.Engine.RemoveAsync(Run);
            return elapsed;
        }
        await Ours();
        await Theirs();
        var turns = await Turns.TakeAsync(Rounds, Ours, Theirs);
        await sides.MakeContainerAsync();
        await sides.SettleAsync(() => sides.DoAsync("container.exec", EngineSides.Name, ""","argv":["/bin/true"]"""));
        var calls = new double[Rounds];
        for (var call = -2; call < Rounds; call++)
        {
            var (one, other) = (await EngineSides.TimeAsync(() => sides.DoAsync("container.exec", EngineSides.Name, ""","argv":["/bin/true"]""")), await EngineSides.TimeAsync(() => sides.Engine.ExecAsync(sides.Container, "/bin/true")));
            if (call >= 0)
            {
                calls[call] = one - other;
            }
        }
        return
        [
            Of($"{sides.Provider}: from the request until a sandbox runs (`container.create` with `auto_start`)", turns.Measured, MostSandboxMs, $"{turns.Measured:0} ms; `{sides.Provider} run` with the same options takes {turns.Yardstick:0} ms ({turns.Ratio:0.00} of it, {turns.Lowest:0.00} to {turns.Highest:0.00}, {Rounds} rounds)"),
            Of($"{sides.Provider}: what the gateway adds to a command in a sandbox", Turns.Median(calls), MostCallMs, $"{Turns.Median(calls):0.0} ms, {Rounds} rounds"),
        ];
    }

    private static Figure Of(string measured, double milliseconds, double most, string detail) => new()
    {
        Benchmark = "sandbox",
        Measured = measured,
        Yardstick = $"{most:0} ms",
        Ratio = milliseconds / most,
        Spread = (milliseconds / most, milliseconds / most),
        Target = new Target(1, AtLeast: false),
        Details = [detail],
        Limit = "The engine: namespaces, cgroups, the root file system.",
    };

    private static async Task RunAsync(IReadOnlyList<string> command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (said, wrong) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        await said;
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)}: {await wrong}");
        }
    }
}
