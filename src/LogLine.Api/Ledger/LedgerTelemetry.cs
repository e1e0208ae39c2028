using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LogLine.Api.Ledger;

/// <summary>What the ledger measures and traces (docs/observability.md).</summary>
internal static class LedgerTelemetry
{
    /// <summary>Name of its meter and of its traces.</summary>
    public const string Name = "LogLine.Ledger";

    // OpenTelemetry keeps no more links of a span unless it is told to.
    private const int MaxLinks = 128;

    private static readonly ActivitySource Activities = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<long> BatchSize = Meter.CreateHistogram(
        "logline.ledger.batch.size", "{entry}", "Entries committed in one transaction, under one checkpoint.",
        advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] });

    private static readonly Histogram<double> CommitDuration = Meter.CreateHistogram(
        "logline.ledger.commit.duration", "s", "Time from the begin of a batch's transaction until it is durable.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10] });

    private static readonly Counter<long> Failures = Meter.CreateCounter<long>("logline.ledger.commit.failures", "{batch}", "Batches that were given up: nothing of them was committed.");

    /// <summary>Counts a batch that is durable.</summary>
    public static void Committed(long entries, TimeSpan elapsed)
    {
        if (entries > 0)
        {
            BatchSize.Record(entries);
        }
        CommitDuration.Record(elapsed.TotalSeconds);
    }

    /// <summary>Counts a batch that was given up.</summary>
    public static void GivenUp() => Failures.Add(1);

    /// <summary>
    /// The trace of one batch. It is nobody's child, since it is many requests' work: it links to each of them, and each request's <c>ledger append</c> to it.
    /// </summary>
    public static Activity? StartBatch(IReadOnlyList<LedgerWork> batch)
    {
        if (!Activities.HasListeners())
        {
            return null;
        }
        var links = batch.Where(work => work.Requested != default).Take(MaxLinks).Select(work => new ActivityLink(work.Requested)).ToList();
        var activity = Activities.StartActivity("ledger commit", ActivityKind.Internal, default(ActivityContext), null, links);
        activity?.SetTag("logline.ledger.pieces", batch.Count);
        foreach (var work in batch)
        {
            work.CommittedIn = activity?.Context ?? default;
        }
        return activity;
    }

    /// <summary>The wait for a batch, as the request sees it; <paramref name="enqueue"/> answers null when nothing was taken.</summary>
    public static Task<AppendOutcome>? Append(LedgerWork work, Func<LedgerWork, Task<AppendOutcome>?> enqueue)
    {
        var outside = Activity.Current;
        if (outside is null || Activities.StartActivity("ledger append") is not { } activity)
        {
            return enqueue(work);
        }
        work.Requested = activity.Context;
        var appending = enqueue(work);
        Activity.Current = outside; // the caller goes on where it was
        return appending is null ? Refused(activity) : EndAsync(appending, work, activity);
    }

    private static Task<AppendOutcome>? Refused(Activity activity)
    {
        activity.SetStatus(ActivityStatusCode.Error, "the queue is full").Dispose();
        return null;
    }

    private static async Task<AppendOutcome> EndAsync(Task<AppendOutcome> appending, LedgerWork work, Activity activity)
    {
        using (activity)
        {
            var outcome = await appending;
            if (work.CommittedIn != default)
            {
                activity.AddLink(new ActivityLink(work.CommittedIn));
            }
            activity.SetTag("logline.log_index", outcome.Positions.Count > 0 ? outcome.Positions[0].Index : null);
            activity.SetTag("logline.conflict", outcome.Conflict?.ToString());
            return outcome;
        }
    }

    /// <summary>What is read from one ledger whenever somebody asks; disposed with it.</summary>
    public static Meter Gauges(Func<int> queued, Func<long> size, Func<bool> stopped)
    {
        var meter = new Meter(Name);
        meter.CreateObservableGauge("logline.ledger.queue.length", () => queued(), "{piece}", "Requests and reports that wait for the writer.");
        meter.CreateObservableGauge("logline.ledger.tree.size", () => size(), "{entry}", "Entries in the signed tree, as this gateway knows it.");
        meter.CreateObservableGauge("logline.ledger.stopped", () => stopped() ? 1 : 0, "1", "1 when the ledger has stopped and takes nothing more; the log says why.");
        return meter;
    }
}
