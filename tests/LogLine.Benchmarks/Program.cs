using LogLine.Benchmarks;
using LogLine.Benchmarks.Servers;

return args switch
{
    ["yardstick", var seed] => await Yardstick.ServeAsync(seed),
    _ => await BenchmarkRun.MainAsync(args),
};
