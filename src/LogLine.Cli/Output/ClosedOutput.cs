using System.Runtime.InteropServices;

namespace LogLine.Cli.Output;

/// <summary>
/// Notices that nobody reads standard output any more (<c>logline spans tail | head</c>), as SIGPIPE would tell a C program, also while there is nothing to write: the runtime ignores the signal, and its
/// console drops what a closed pipe does not take.
/// </summary>
internal static partial class ClosedOutput
{
    private const int StandardOutput = 1;
    private const short Closed = 0x08 | 0x10; // POLLERR: of a pipe without readers; POLLHUP: of a socket that is shut down

    private static readonly Lazy<CancellationToken> Token = new(Watch);

    /// <summary>Is cancelled once the reader has gone. Never on Windows, where a write says so.</summary>
    public static CancellationToken OfProcess => Token.Value;

    private static CancellationToken Watch()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
        {
            return default;
        }
        var gone = new CancellationTokenSource();
        new Thread(() => Wait(gone)) { IsBackground = true, Name = "reader of the output" }.Start();
        return gone.Token;
    }

    // Asked for no event: errors are told all the same, and nothing else wakes it. A file and /dev/null have none.
    private static void Wait(CancellationTokenSource gone)
    {
        const int Interrupted = 4;
        var output = new PollDescriptor { File = StandardOutput };
        int found;
        do
        {
            found = Poll(ref output, 1, -1);
        }
        while (found < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        if (found > 0 && (output.Found & Closed) != 0)
        {
            _ = gone.CancelAsync(); // what ends goes on elsewhere than on this thread
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int File;
        public short Wanted;
        public short Found;
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int milliseconds);
}
