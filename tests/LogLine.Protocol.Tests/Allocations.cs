namespace LogLine.Protocol.Tests;

/// <summary>How much something allocates. What the runtime allocates now and then for itself, as when it compiles anew or empties its pools, is in one of several runs and not in all.</summary>
internal static class Allocations
{
    /// <summary>Bytes, the least of several runs, the first of which has filled the pools.</summary>
    public static long Of(Action action)
    {
        action();
        return Enumerable.Range(0, 5).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
    }
}
