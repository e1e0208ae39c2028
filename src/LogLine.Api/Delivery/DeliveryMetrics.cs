using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LogLine.Api.Delivery;

/// <summary>What delivery measures: streams and webhooks (docs/observability.md).</summary>
internal static class DeliveryMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string Name = "LogLine.Delivery";

    private static readonly Meter Meter = new(Name);
    private static readonly ConcurrentDictionary<object, Func<(long Behind, long Waiting)>> Couriers = new();

    private static readonly UpDownCounter<long> Open = Meter.CreateUpDownCounter<long>("logline.streams.open", "{connection}", "Streams that are open, by transport.");
    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("logline.streams.ended", "{connection}", "Streams that have ended, by transport and reason: moved, nolongerallowed, or lost (broken, or cut off because the reader was too slow).");

    private static readonly Histogram<double> Delays = Meter.CreateHistogram(
        "logline.streams.delay", "s", "From the commit of a span until it was handed to the connection of a stream that was open by then, by span and stream.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    private static readonly Histogram<double> Attempts = Meter.CreateHistogram(
        "logline.webhook.attempt.duration", "s", "Attempts to deliver to a webhook, by outcome: delivered, refused (an answer that is not 2xx) or unreachable.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });

    private static readonly Counter<long> Dead = Meter.CreateCounter<long>("logline.webhook.dead", "{delivery}", "Deliveries that were given up; they can be replayed.");

    static DeliveryMetrics()
    {
        Meter.CreateObservableGauge("logline.webhook.lag", () => Couriers.Values.Select(courier => courier().Behind).DefaultIfEmpty().Max(), "{entry}", "Entries that the webhook which is furthest behind has not looked at yet.");
        Meter.CreateObservableGauge("logline.webhook.waiting", () => Couriers.Values.Sum(courier => courier().Waiting), "{delivery}", "Deliveries that failed and are tried again later.");
    }

    /// <summary>Counts a stream for as long as it is open.</summary>
    public static async Task<T> StreamAsync<T>(string transport, Task<T> stream) where T : struct, Enum
    {
        var tag = new KeyValuePair<string, object?>("transport", transport);
        Open.Add(1, tag);
        try
        {
            var end = await stream;
            Ended.Add(1, tag, new KeyValuePair<string, object?>("reason", end.ToString().ToLowerInvariant()));
            return end;
        }
        finally
        {
            Open.Add(-1, tag);
        }
    }

    /// <summary>Records that a stream has a span.</summary>
    public static void Delivered(TimeSpan sinceCommit) => Delays.Record(sinceCommit.TotalSeconds);

    /// <summary>Records an attempt of a webhook.</summary>
    public static void Attempted(int? status, bool succeeded, TimeSpan elapsed) =>
        Attempts.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("outcome", succeeded ? "delivered" : status is null ? "unreachable" : "refused"));

    /// <summary>Counts deliveries that were given up.</summary>
    public static void GaveUp(int deliveries) => Dead.Add(deliveries);

    /// <summary>Asks a courier how far it is, until it is disposed.</summary>
    public static IDisposable Follow(Func<(long Behind, long Waiting)> courier)
    {
        var key = new object();
        Couriers[key] = courier;
        return new Following(key);
    }

    private sealed class Following(object key) : IDisposable
    {
        public void Dispose() => Couriers.TryRemove(key, out _);
    }
}
