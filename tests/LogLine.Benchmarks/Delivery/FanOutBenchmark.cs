using System.Collections.Concurrent;
using System.Diagnostics;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Delivery;

/// <summary>Ten thousand subscribers of one gateway: what each costs, when an event has reached them all, and whether a tenth of them that comes back at once misses nothing.</summary>
internal static class FanOutBenchmark
{
    private const int Subscribers = 10_000;
    private const int AtOnce = 200;
    private const int Events = 7;
    private const int Returning = 1_000;
    private const int Missed = 20;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        await SayAsync(gateway);
        var before = gateway.Process.ResidentBytes;
        var readers = new EventReader[Subscribers];
        try
        {
            var connected = await ConnectAsync(gateway, readers);
            var perReader = (gateway.Process.ResidentBytes - before) / (double)Subscribers;
            var (p50, p99, last) = await FanOutAsync(gateway, readers);
            var afterwards = (gateway.Process.ResidentBytes - before) / (double)Subscribers;
            var returned = await ReturnAsync(gateway, readers);
            string[] details =
            [
                $"{Subscribers:N0} connected in {connected.TotalSeconds:0.0} s; {perReader / 1024:0.0} KiB resident each once all are connected, {afterwards / 1024:0.0} KiB after {Events} events",
                $"an event has reached half of them after {p50:0} ms, 99 % after {p99:0} ms, all after {last:0} ms (median of {Events} events; from before the request that brings it)",
                $"{Returning:N0} came back at once and had the {Missed} events that they had missed, each once and in order, after {returned.TotalMilliseconds:0} ms",
                "the subscribers are one process on the same cores as the gateway, over loopback: half of what is measured is theirs",
            ];
            return
            [
                new Figure { Benchmark = "fanout", Measured = "an event to 10,000 subscribers of one gateway, the 99th percentile of them", Yardstick = "500 ms", Ratio = p99 / 500, Spread = (p50 / 500, last / 500), Target = new Target(1, AtLeast: false), Details = details },
                new Figure { Benchmark = "fanout", Measured = "resident memory of a subscriber", Yardstick = "20 KiB", Ratio = afterwards / (20 << 10), Spread = (perReader / (20 << 10), afterwards / (20 << 10)), Target = new Target(1, AtLeast: false), Limit = "Most of it are the web server's live objects for a connection and a request; a wait of ours is used again and makes nothing. What is added by events is what the collector and the pool of buffers keep free." },
            ];
        }
        finally
        {
            foreach (var reader in readers)
            {
                reader?.Dispose();
            }
        }
    }

    private static async Task<TimeSpan> ConnectAsync(GatewayUnderTest gateway, EventReader[] readers)
    {
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Subscribers), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
        {
            readers[i] = new EventReader();
            await readers[i].OpenAsync(gateway.Process.EndPoint, gateway.ApiKey, "?intent=registry.*");
        });
        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task<(double P50, double P99, double Last)> FanOutAsync(GatewayUnderTest gateway, EventReader[] readers)
    {
        var (p50, p99, last) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < Events; round++)
        {
            var times = new ConcurrentBag<long>();
            var left = readers.Length;
            var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            foreach (var reader in readers)
            {
                reader.Arrived = (_, at) =>
                {
                    times.Add(at);
                    if (Interlocked.Decrement(ref left) == 0)
                    {
                        all.SetResult();
                    }
                };
            }
            var sent = Stopwatch.GetTimestamp();
            await SayAsync(gateway);
            await all.Task.WaitAsync(TimeSpan.FromSeconds(60));
            var sorted = times.Select(at => Stopwatch.GetElapsedTime(sent, at).TotalMilliseconds).Order().ToArray();
            p50.Add(sorted[sorted.Length / 2]);
            p99.Add(sorted[(int)(sorted.Length * 0.99)]);
            last.Add(sorted[^1]);
        }
        return (Turns.Median(p50), Turns.Median(p99), Turns.Median(last));
    }

    private static async Task<TimeSpan> ReturnAsync(GatewayUnderTest gateway, EventReader[] readers)
    {
        foreach (var reader in readers)
        {
            reader.Arrived = (_, _) => { };
        }
        var lastSeen = readers[0].LastSeq;
        for (var i = 0; i < Returning; i++)
        {
            readers[i].Dispose();
        }
        var missed = new List<long>();
        for (var i = 0; i < Missed; i++)
        {
            missed.Add((await SayAsync(gateway)).Member("receipt").Integer("log_index")!.Value + 1);
        }
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Returning).Select(async i =>
        {
            var got = new List<long>();
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            readers[i] = new EventReader
            {
                Arrived = (seq, _) =>
                {
                    got.Add(seq);
                    if (got.Count == Missed)
                    {
                        done.TrySetResult();
                    }
                },
            };
            await readers[i].OpenAsync(gateway.Process.EndPoint, gateway.ApiKey, "?intent=registry.*", lastSeen);
            await done.Task.WaitAsync(TimeSpan.FromSeconds(60));
            if (!got.SequenceEqual(missed))
            {
                throw new InvalidOperationException($"A subscriber that came back got {string.Join(',', got)} instead of {string.Join(',', missed)}.");
            }
        }));
        return Stopwatch.GetElapsedTime(began);
    }

    internal static Task<System.Text.Json.JsonElement> SayAsync(GatewayUnderTest gateway, string slug = "joana") =>
        gateway.PostAsync($$$"""{"intent":"registry.person.create","subject":"urn:registry:person/{{{slug}}}","payload":{"name":"Joana","email":"j@example.com","country":"PT","consent":true}}""");
}
