using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;

namespace LogLine.Benchmarks.Load;

/// <summary>A server, what was asked of it, and what it cost.</summary>
/// <param name="process">The server.</param>
/// <param name="connections">Connections, one request in flight on each; enough to keep the cores busy while others wait for the disk, and for the ledger to commit in groups.</param>
internal sealed class ServerUnderLoad(ServerProcess process, int connections = ServerUnderLoad.Usual)
{
    /// <summary>Connections where nothing else is said.</summary>
    public const int Usual = 256;

    public int Connections => connections;

    private readonly List<double> _microseconds = [];

    public List<LoadResult> Results { get; } = [];

    public ServerProcess Process => process;

    /// <summary>Sends every request once; requests per second.</summary>
    public double Run(RequestSource source, double? perSecond = null)
    {
        var before = process.ProcessorTime;
        var result = new LoadGenerator(process.EndPoint, connections).Run(source, perSecond);
        _microseconds.Add((process.ProcessorTime - before).TotalMicroseconds / result.Count);
        Results.Add(result);
        return result.PerSecond;
    }

    /// <summary>Processor time of the server per request, the median of the rounds.</summary>
    public double Microseconds => Turns.Median(_microseconds);

    /// <summary>Processor time of the generator per request, the median of the rounds.</summary>
    public double GeneratorMicroseconds => Turns.Median(Results.Select(result => result.GeneratorMicroseconds));

    /// <summary>Forgets the rounds so far: they were to warm up.</summary>
    public void Forget()
    {
        _microseconds.Clear();
        Results.Clear();
    }
}
