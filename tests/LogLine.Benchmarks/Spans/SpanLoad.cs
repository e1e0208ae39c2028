using LogLine.Benchmarks.Load;
using LogLine.Benchmarks.Servers;

namespace LogLine.Benchmarks.Spans;

/// <summary>Gateway and yardstick side by side, warmed up, and the requests for both.</summary>
internal sealed class SpanLoad : IAsyncDisposable
{
    private const int WarmUp = 20_000;
    private const int WarmUps = 3; // after these the runtime has compiled what is hot, which it does on the same cores
    private const int MostPerRound = 60_000;
    private long _nonce = 1;
    private double _allocated;

    private SpanLoad(GatewayUnderTest gateway, ServerProcess yardstick, int connections) =>
        (Gateway, Ours, Theirs) = (gateway, new ServerUnderLoad(gateway.Process, connections), new ServerUnderLoad(yardstick, connections));

    public GatewayUnderTest Gateway { get; }

    public ServerUnderLoad Ours { get; }

    public ServerUnderLoad Theirs { get; }

    /// <summary>Requests of one round, so that a round of the gateway takes about as long as was asked for.</summary>
    public int PerRound { get; private set; }

    public static async Task<SpanLoad> StartAsync(BenchmarkOptions options, IReadOnlyDictionary<string, string?>? environment = null, int connections = ServerUnderLoad.Usual)
    {
        var load = new SpanLoad(await GatewayUnderTest.StartAsync(environment), await ServerProcess.StartYardstickAsync(), connections);
        var rate = 0.0;
        for (var i = 0; i < WarmUps; i++)
        {
            var bodies = SignedSpans.Sign(load.Gateway.Key, WarmUp);
            load.Theirs.Run(load.Requests(bodies));
            rate = load.Ours.Run(load.Requests(bodies));
        }
        load.PerRound = Math.Clamp((int)(rate * options.Seconds), 1000, MostPerRound);
        load.Ours.Forget();
        load.Theirs.Forget();
        load._allocated = await load.AllocatedAsync();
        return load;
    }

    /// <summary>New spans for a round.</summary>
    public byte[][] Bodies() => SignedSpans.Sign(Gateway.Key, PerRound);

    /// <summary>Requests with nonces that were never used before.</summary>
    public RequestSource Requests(IReadOnlyList<byte[]> bodies, long? firstKey = null, string path = "/v1/spans")
    {
        _nonce += bodies.Count;
        return new RequestSource(path, "127.0.0.1", Gateway.ApiKey, bodies, _nonce - bodies.Count, firstKey);
    }

    /// <summary>What the generator reaches by itself: an endpoint that reads the body and answers.</summary>
    public double Ceiling()
    {
        var bodies = SignedSpans.Sign(Gateway.Key, 1);
        var source = Requests([.. Enumerable.Repeat(bodies[0], WarmUp)], path: "/echo");
        var generator = new LoadGenerator(Theirs.Process.EndPoint, Theirs.Connections);
        generator.Run(source);
        return generator.Run(source).PerSecond;
    }

    /// <summary>The two sides in words.</summary>
    public async Task<List<string>> SidesAsync(double ours, double theirs) =>
    [
        .. Sides(ours, theirs),
        $"{(await AllocatedAsync() - _allocated) / Ours.Results.Sum(result => result.Count):N0} bytes of the gateway's managed memory allocated per request",
    ];

    private Task<double> AllocatedAsync() => Gateway.SumAsync("dotnet_gc_heap_total_allocated_bytes_total");

    private IEnumerable<string> Sides(double ours, double theirs)
    {
        yield return $"{ours:N0} against {theirs:N0} requests/s at {Ours.Connections} connections";
        yield return $"processor time per request: gateway {Ours.Microseconds:0} µs, yardstick {Theirs.Microseconds:0} µs (ratio {Theirs.Microseconds / Ours.Microseconds:0.00}), generator {Ours.GeneratorMicroseconds:0} and {Theirs.GeneratorMicroseconds:0} µs";
        yield return $"at full load: gateway {LoadResult.LatenciesOf(Ours.Results)}; yardstick {LoadResult.LatenciesOf(Theirs.Results)}";
    }

    public async ValueTask DisposeAsync()
    {
        await Theirs.Process.DisposeAsync();
        await Gateway.DisposeAsync();
    }
}
