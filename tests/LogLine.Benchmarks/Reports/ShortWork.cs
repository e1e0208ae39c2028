namespace LogLine.Benchmarks.Reports;

/// <summary>Work of microseconds on one thread, measured by the thread's own processor time in slices that are long enough for the clock.</summary>
internal static class ShortWork
{
    /// <summary>Slices per side; the machine's pauses fall into some of them, and the median leaves those out.</summary>
    public const int Rounds = 41;

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(20);

    /// <summary>Compares two pieces of work, in nanoseconds for one.</summary>
    public static async Task<Turns> CompareAsync(Action measured, Action yardstick)
    {
        var (ours, theirs) = (Calibrate(measured), Calibrate(yardstick));
        return await Turns.TakeAsync(Rounds, () => Nanoseconds(measured, ours), () => Nanoseconds(yardstick, theirs));
    }

    /// <summary>Compares a piece of work with one that another process measures.</summary>
    /// <param name="measured">The work.</param>
    /// <param name="yardstick">Nanoseconds of one piece of the other side's, from a slice of its own.</param>
    public static async Task<Turns> CompareAsync(Action measured, Func<double> yardstick)
    {
        var ours = Calibrate(measured);
        return await Turns.TakeAsync(Rounds, () => Nanoseconds(measured, ours), yardstick);
    }

    /// <summary>Bytes that one piece of work allocates on this thread.</summary>
    public static long Allocated(Action work)
    {
        const int Times = 200;
        work();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Times; i++)
        {
            work();
        }
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Times;
    }

    // Warms up for three seconds, until the tiered compiler has had its turns, and finds how often the work fits into a slice.
    private static int Calibrate(Action work)
    {
        var started = ThreadClock.Nanoseconds;
        var times = 0;
        while (ThreadClock.Nanoseconds - started < 3_000_000_000)
        {
            work();
            times++;
        }
        return Math.Max(1, (int)(times * Slice.TotalSeconds / 3));
    }

    /// <summary>Processor time of one piece of work, the mean of <paramref name="times"/>.</summary>
    public static double Nanoseconds(Action work, int times)
    {
        var started = ThreadClock.Nanoseconds;
        for (var i = 0; i < times; i++)
        {
            work();
        }
        return (double)(ThreadClock.Nanoseconds - started) / times;
    }
}
