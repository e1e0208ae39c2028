using System.Diagnostics;
using System.Diagnostics.Metrics;
using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>What is measured and traced of runs and of the adapters' calls (docs/observability.md). A run goes on with the trace of the request that started it.</summary>
internal static class RunTelemetry
{
    /// <summary>Name of its meter and of its traces.</summary>
    public const string Name = "LogLine.Runs";

    private static readonly ActivitySource Activities = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Moves = Meter.CreateCounter<long>("logline.run.states", "{run}", "States that runs have reached, by provider.");

    private static readonly Histogram<double> Start = Meter.CreateHistogram(
        "logline.run.start.duration", "s", "Time from a run's admission until it was running, by provider.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] });

    private static readonly Histogram<double> Calls = Meter.CreateHistogram(
        "logline.adapter.call.duration", "s", "Calls to container engines, by provider, operation and outcome; waiting for a container's end and following its output aside.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });

    private static readonly Histogram<double> Primitives = Meter.CreateHistogram(
        "logline.primitive.duration", "s", "Time that an adapter was at work on a primitive, by provider and intent: its calls to the engine and what it waits for there. Gate, ledger and what the run reports meanwhile are not in it.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] });

    private static readonly Histogram<double> Looks = Meter.CreateHistogram(
        "logline.guard.look.duration", "s", "Time that the lifecycle guard waited for an engine to say where a container stands, by provider and by who judged: the gate, or the worker right before the act.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 10] });

    /// <summary>Counts a state that a run has reached.</summary>
    public static void Moved(RunRow run, RunState state, DateTimeOffset now)
    {
        var provider = new KeyValuePair<string, object?>("provider", run.Provider);
        Moves.Add(1, new KeyValuePair<string, object?>("state", RunStates.Name(state)), provider);
        if (state == RunState.Running && run.State != RunState.Running)
        {
            Start.Record((now - run.CreatedAt).TotalSeconds, provider);
        }
    }

    /// <summary>An adapter has carried out a primitive.</summary>
    public static void Carried(RunRow run, TimeSpan atWork) =>
        Primitives.Record(atWork.TotalSeconds, new KeyValuePair<string, object?>("provider", run.Provider), new KeyValuePair<string, object?>("intent", run.Intent));

    /// <summary>Measures a look of the lifecycle guard at the engine's truth.</summary>
    /// <param name="provider">Name of the engine.</param>
    /// <param name="by">Who judges: <c>gate</c> or <c>worker</c>.</param>
    /// <param name="look">Asks the engine.</param>
    public static async Task<Workload?> GuardAsync(string provider, string by, Func<Task<Workload?>> look)
    {
        var since = Stopwatch.GetTimestamp();
        try
        {
            return await look();
        }
        finally
        {
            Looks.Record(Stopwatch.GetElapsedTime(since).TotalSeconds, new KeyValuePair<string, object?>("provider", provider), new KeyValuePair<string, object?>("by", by));
        }
    }

    /// <summary>For the whole life of a job: what it logs has the trace id of the request. It is shown nowhere else, since it can last for months.</summary>
    public static Activity Follow(RunRow run)
    {
        var activity = new Activity("run");
        if (RunDetail.TraceOf(run.Detail) is var requested && requested != default)
        {
            activity.SetParentId(requested.TraceId, requested.SpanId, requested.TraceFlags);
        }
        return activity.Start();
    }

    /// <summary>From the lease until the run is running or has ended: the part of it that somebody waits for, in the trace of the request.</summary>
    public static Activity? StartWork(RunRow run)
    {
        var activity = Activities.StartActivity("run " + run.Intent, ActivityKind.Consumer, RunDetail.TraceOf(run.Detail));
        activity?.SetTag("logline.run_id", run.RunId).SetTag("logline.provider", run.Provider);
        return activity;
    }

    /// <summary>Measures one call of an adapter.</summary>
    /// <param name="provider">Name of the provider.</param>
    /// <param name="operation">What is done, one of a few words that stand in the code.</param>
    /// <param name="call">Does it.</param>
    public static async Task<T> MeasureAsync<T>(string provider, string operation, Func<Task<T>> call)
    {
        // Only as a part of a trace: what looks at engines now and then is nobody's.
        using var activity = Activity.Current is { Source.Name.Length: > 0 } ? Activities.StartActivity($"{provider}: {operation}", ActivityKind.Client) : null;
        var since = Stopwatch.GetTimestamp();
        var outcome = "ok";
        try
        {
            return await call();
        }
        catch (Exception failure)
        {
            outcome = failure switch { AdapterException refused => refused.Failure.ToString(), OperationCanceledException => "Cancelled", _ => "Defect" };
            activity?.SetStatus(ActivityStatusCode.Error, outcome); // what an engine says can hold what it was told
            throw;
        }
        finally
        {
            Calls.Record(
                Stopwatch.GetElapsedTime(since).TotalSeconds, new KeyValuePair<string, object?>("provider", provider), new KeyValuePair<string, object?>("operation", operation), new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
