using System.Runtime;
using LogLine.Benchmarks.Reports;
using LogLine.Fuzz.Targets;

namespace LogLine.Fuzz.Campaigns;

/// <summary>What an input costs by itself: processor time of the thread that sends it through the door, the least of several runs.</summary>
internal static class InputCost
{
    /// <summary>How often it is run.</summary>
    public const int Times = 5;

    private const long Room = 64 << 20;

    /// <summary>Nanoseconds.</summary>
    /// <param name="target">Where.</param>
    /// <param name="input">What.</param>
    /// <param name="renew">True to go back to the beginning before each run, so that none is answered from what an earlier one left.</param>
    public static long Least(IFuzzTarget target, byte[] input, bool renew)
    {
        var least = long.MaxValue;
        for (var i = 0; i < Times; i++)
        {
            if (renew)
            {
                target.Renew();
            }
            least = Math.Min(least, Once(target, input));
        }
        return least;
    }

    // Collections of garbage fall where they like, and cost what the rest of the heap makes them cost: none happens here unless the input alone asks for it.
    private static long Once(IFuzzTarget target, byte[] input)
    {
        var quiet = GCSettings.LatencyMode != GCLatencyMode.NoGCRegion && GC.TryStartNoGCRegion(Room);
        var cost = Again(target, input);
        if (quiet && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            try
            {
                GC.EndNoGCRegion();
            }
            catch (InvalidOperationException)
            {
                // What another thread allocates may end it at any time.
            }
        }
        return cost;
    }

    /// <summary>Nanoseconds of one more run, with whatever falls into it: cheap to know, and enough to see that a first measurement was not the input's own.</summary>
    public static long Again(IFuzzTarget target, byte[] input)
    {
        var started = ThreadClock.Nanoseconds;
        try
        {
            target.Enter(input);
        }
        catch (Exception)
        {
            // What it throws has been recorded when it was run first; here it is only measured.
        }
        return ThreadClock.Nanoseconds - started;
    }
}
