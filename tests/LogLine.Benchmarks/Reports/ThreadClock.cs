using System.Runtime.InteropServices;

namespace LogLine.Benchmarks.Reports;

/// <summary>Processor time of the calling thread (POSIX clock_gettime): what the work itself takes, however busy the machine is with other things.</summary>
internal static unsafe partial class ThreadClock
{
    private const int ThreadProcessorTime = 3; // CLOCK_THREAD_CPUTIME_ID of Linux

    /// <summary>Nanoseconds since the thread began.</summary>
    public static long Nanoseconds
    {
        get
        {
            TimeSpec time;
            return clock_gettime(ThreadProcessorTime, &time) == 0 ? time.Seconds * 1_000_000_000 + time.Nanoseconds : throw new PlatformNotSupportedException("This system has no clock of threads.");
        }
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, TimeSpec* time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
