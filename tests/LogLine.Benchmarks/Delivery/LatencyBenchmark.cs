using System.Collections.Concurrent;
using System.Diagnostics;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Delivery;

/// <summary>From a commit to a subscriber: 1,000 events a second, 100 subscribers of all of them. The gateway's own metrics say when the commit was; a client sees what is before it and behind it.</summary>
internal static class LatencyBenchmark
{
    private const int Subscribers = 100;
    private const int PerSecond = 1_000;
    private const int Seconds = 5;
    private const int PerRequest = 10;
    private static readonly string[] Measured = ["logline_streams_delay_seconds", "logline_ledger_commit_duration_seconds", "logline_gate_duration_seconds"];

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var arrivals = Enumerable.Range(0, Subscribers).Select(_ => new Arrivals()).ToArray();
        var readers = arrivals.Select(own => new EventReader { Arrived = own.Add }).ToArray();
        // What the generator itself collects meanwhile would be measured too.
        System.Runtime.GCSettings.LatencyMode = System.Runtime.GCLatencyMode.SustainedLowLatency;
        try
        {
            await Task.WhenAll(readers.Select(reader => reader.OpenAsync(gateway.Process.EndPoint, gateway.ApiKey, "?intent=registry.*")));
            await SendAsync(gateway, 2); // warm
            var before = await TimesAsync(gateway);
            var (sent, lateness) = await SendAsync(gateway, Seconds);
            var last = sent.Keys.Max();
            for (var patience = 0; Array.Exists(arrivals, own => own.Last < last) && patience < 600; patience++)
            {
                await Task.Delay(50);
            }
            var during = (await TimesAsync(gateway)).Select((times, i) => times.Since(before[i])).ToArray();
            return Report([.. arrivals.SelectMany(own => own.All)], sent, lateness, during);
        }
        finally
        {
            foreach (var reader in readers)
            {
                reader.Dispose();
            }
        }
    }

    private static async Task<Buckets[]> TimesAsync(GatewayUnderTest gateway)
    {
        var times = new List<Buckets>();
        foreach (var name in Measured)
        {
            times.Add(new Buckets(await gateway.HistogramAsync(name)));
        }
        return [.. times];
    }

    private static Figure[] Report(List<(long Seq, long At)> arrivals, IReadOnlyDictionary<long, (long Sent, long Acked)> sent, TimeSpan lateness, Buckets[] during)
    {
        var known = arrivals.Where(arrival => sent.ContainsKey(arrival.Seq)).ToList();
        var fromSending = known.Select(arrival => Stopwatch.GetElapsedTime(sent[arrival.Seq].Sent, arrival.At).TotalMilliseconds).Order().ToArray();
        var fromAck = known.Select(arrival => Math.Max(0, Stopwatch.GetElapsedTime(sent[arrival.Seq].Acked, arrival.At).TotalMilliseconds)).Order().ToArray();
        if (known.Count != (long)sent.Count * Subscribers)
        {
            throw new InvalidOperationException($"{known.Count:N0} of {(long)sent.Count * Subscribers:N0} events came.");
        }
        var toAck = sent.Values.Select(one => Stopwatch.GetElapsedTime(one.Sent, one.Acked).TotalMilliseconds).Order().ToArray();
        double P99(double[] sorted) => sorted[(int)(sorted.Length * 0.99)];
        var (delay, commit, gate) = (during[0], during[1], during[2]);
        if (delay.Count < known.Count)
        {
            throw new InvalidOperationException($"The gateway has measured {delay.Count:N0} of {known.Count:N0} arrivals.");
        }
        return
        [
            new Figure
            {
                Benchmark = "latency",
                Measured = "from the commit of an event until the connection of each of 100 subscribers has it, 1,000 events/s, 99th percentile (`logline_streams_delay_seconds`)",
                Yardstick = "50 ms",
                Ratio = delay.Quantile(0.99) * 1000 / 50,
                Spread = (delay.Quantile(0.5) * 1000 / 50, delay.Quantile(0.999) * 1000 / 50),
                Target = new Target(1, AtLeast: false),
                Details =
                [
                    $"half within {delay.Quantile(0.5) * 1000:0.#} ms, 99 % within {delay.Quantile(0.99) * 1000:0.#} ms, 99.9 % within {delay.Quantile(0.999) * 1000:0.#} ms (upper bounds of the metric's buckets); {delay.Count:N0} measured",
                    $"99 % of the commits within {commit.Quantile(0.99) * 1000:0.#} ms, of the verdicts within {gate.Quantile(0.99) * 1000:0.#} ms",
                ],
                Limit = "From the connection's buffer to the reader's code is not in it; it is in the next figure.",
            },
            new Figure
            {
                Benchmark = "latency",
                Measured = "the same from before the request that brings the event, until the subscriber has read it: gate, commit and both clients are in it",
                Yardstick = "50 ms",
                Ratio = P99(fromSending) / 50,
                Spread = (fromSending[fromSending.Length / 2] / 50, fromSending[^1] / 50),
                Target = new Target(1, AtLeast: false),
                Details =
                [
                    $"from sending: median {fromSending[fromSending.Length / 2]:0.0} ms, 99 % {P99(fromSending):0.0} ms, longest {fromSending[^1]:0.0} ms",
                    $"from sending to the Ack: median {toAck[toAck.Length / 2]:0.0} ms, 99 % {P99(toAck):0.0} ms; from the Ack's arrival at its sender (the commit is before it) to the subscriber: 99 % {P99(fromAck):0.0} ms",
                    $"{known.Count:N0} arrivals of {sent.Count:N0} events, in requests of {PerRequest}; the sender was at most {lateness.TotalMilliseconds:0} ms behind its clock; senders and subscribers are one process on the same cores as the gateway",
                ],
                Limit = "The bound is for the way from the commit. Here the request's way to the gateway, the gate and the commit come before it, and the reader's own work behind it: a bound that is met here is met all the more there.",
            },
        ];
    }

    /// <summary>Sends at an even pace, whatever the answers do; when each was sent and acknowledged, by seq.</summary>
    private static async Task<(IReadOnlyDictionary<long, (long Sent, long Acked)> Sent, TimeSpan Lateness)> SendAsync(GatewayUnderTest gateway, int seconds)
    {
        var sent = new ConcurrentDictionary<long, (long, long)>();
        var requests = new List<Task>();
        var body = "[" + string.Join(',', Enumerable.Range(0, PerRequest).Select(i => $$$"""{"intent":"registry.person.create","subject":"urn:registry:person/p{{{i}}}","payload":{"name":"Joana","email":"j@example.com","country":"PT","consent":true}}""")) + "]";
        var (began, late) = (Stopwatch.GetTimestamp(), TimeSpan.Zero);
        for (var i = 0; i < PerSecond / PerRequest * seconds; i++)
        {
            var due = TimeSpan.FromSeconds((double)i * PerRequest / PerSecond);
            while (Stopwatch.GetElapsedTime(began) is var now && now < due)
            {
                await Task.Delay(due - now < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : due - now);
            }
            late = TimeSpan.FromTicks(Math.Max(late.Ticks, (Stopwatch.GetElapsedTime(began) - due).Ticks));
            requests.Add(Task.Run(async () =>
            {
                var at = Stopwatch.GetTimestamp();
                var acks = await gateway.PostAsync(body);
                var acked = Stopwatch.GetTimestamp();
                foreach (var ack in acks.EnumerateArray())
                {
                    sent[ack.Member("receipt").Integer("log_index")!.Value + 1] = (at, acked);
                }
            }));
        }
        await Task.WhenAll(requests);
        return (sent, late);
    }

    /// <summary>A histogram: upper bounds in seconds, and how many values each bucket has, those before it included.</summary>
    private sealed record Buckets(IReadOnlyList<(double Bound, long Count)> All)
    {
        public long Count => All[^1].Count;

        public Buckets Since(Buckets before) => new([.. All.Select((bucket, i) => (bucket.Bound, bucket.Count - before.All[i].Count))]);

        /// <summary>The upper bound of the bucket that the quantile is in.</summary>
        public double Quantile(double part) => All.First(bucket => bucket.Count >= part * Count).Bound;
    }

    /// <summary>What came to one subscriber; it makes no garbage while it is measured.</summary>
    private sealed class Arrivals
    {
        private readonly (long Seq, long At)[] _all = new (long, long)[PerSecond * (Seconds + 4)];
        private int _count;

        public IEnumerable<(long Seq, long At)> All => _all.Take(Volatile.Read(ref _count));

        public long Last => Volatile.Read(ref _count) is > 0 and var count ? _all[count - 1].Seq : 0;

        public void Add(long seq, long at)
        {
            _all[_count] = (seq, at);
            Volatile.Write(ref _count, _count + 1);
        }
    }
}
