using System.Collections.Concurrent;
using System.Diagnostics;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Delivery;

/// <summary>Webhook deliveries a second to a receiver on the same machine, signed, in order per subject.</summary>
internal static class WebhookBenchmark
{
    private const int Deliveries = 20_000;
    private const int Subjects = 100;
    private const int Rounds = 3;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        await using var gateway = await GatewayUnderTest.StartAsync(new Dictionary<string, string?> { ["LogLine__Webhooks__AllowPrivateAddresses"] = "true", ["LogLine__Webhooks__AllowHttp"] = "true" });
        var receiver = new Receiver();
        var builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.MapPost("/", receiver.TakeAsync);
        await app.StartAsync();
        for (var from = 0; from < Deliveries; from += Subjects)
        {
            var spans = Enumerable.Range(0, Subjects).Select(i => $$$"""{"intent":"registry.person.create","subject":"urn:registry:person/p{{{i}}}","payload":{"name":"Joana","email":"j@example.com","country":"PT","consent":true}}""");
            await gateway.PostAsync("[" + string.Join(',', spans) + "]");
        }
        var webhook = (await gateway.PostToAsync("/v1/webhooks", $$"""{"url":"{{app.Urls.First()}}/","events":["registry.*"]}""")).Text("id");
        var rates = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            var all = receiver.Expect(Deliveries);
            var began = Stopwatch.GetTimestamp();
            await gateway.PostToAsync($"/v1/webhooks/{webhook}/replay", """{"after":0}""");
            await all.WaitAsync(TimeSpan.FromMinutes(2));
            if (round > 0)
            {
                rates.Add(Deliveries / Stopwatch.GetElapsedTime(began).TotalSeconds); // the first one warms up
            }
        }
        await app.StopAsync();
        var rate = Turns.Median(rates);
        return
        [
            new Figure
            {
                Benchmark = "webhooks",
                Measured = "webhook deliveries/s to a receiver on the same cores, signed twice (v1, v1a), in order per subject",
                Yardstick = "2,000 deliveries/s",
                Ratio = rate / 2000,
                Spread = (rates.Min() / 2000, rates.Max() / 2000),
                Target = new Target(1, AtLeast: true),
                Details = [$"{rate:N0} deliveries/s of one webhook over {Subjects} subjects, {Deliveries:N0} a round; out of order: {receiver.OutOfOrder}; twice: {receiver.Twice}"],
                Limit = "Rounds of 64 events, of which up to 16 subjects go side by side; what came of a round is committed before the next begins.",
            },
        ];
    }

    /// <summary>Counts, and holds every subject to its order.</summary>
    private sealed class Receiver
    {
        private ConcurrentDictionary<string, long> _last = new();
        private TaskCompletionSource _all = new();
        private int _left;

        public int OutOfOrder;
        public int Twice;

        public Task Expect(int count)
        {
            (_left, _last, _all) = (count, new ConcurrentDictionary<string, long>(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            return _all.Task;
        }

        public async Task TakeAsync(HttpContext http)
        {
            using var body = await System.Text.Json.JsonDocument.ParseAsync(http.Request.Body);
            var seq = long.Parse(http.Request.Headers["X-LogLine-Seq"]!, System.Globalization.CultureInfo.InvariantCulture);
            _last.AddOrUpdate(body.RootElement.Member("span").Text("subject")!, seq, (_, before) =>
            {
                if (seq <= before)
                {
                    Interlocked.Increment(ref seq == before ? ref Twice : ref OutOfOrder);
                }
                return seq;
            });
            http.Response.StatusCode = 204;
            if (Interlocked.Decrement(ref _left) == 0)
            {
                _all.TrySetResult();
            }
        }
    }
}
