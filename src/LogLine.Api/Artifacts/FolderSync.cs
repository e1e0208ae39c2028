using System.Runtime.InteropServices;
using System.Text;

namespace LogLine.Api.Artifacts;

/// <summary>
/// fsync of a folder: a file's new name is durable only when its folder is (man 2 fsync). The base library opens no folders, so this is the
/// system's own call.
/// </summary>
internal static class FolderSync
{
    private const int ReadOnly = 0;

    /// <summary>Brings the names in a folder to the disk; nothing where the system has no such thing.</summary>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var handle = Open(Encoding.UTF8.GetBytes(folder + "\0"), ReadOnly);
        try
        {
            if (handle < 0 || Fsync(handle) != 0)
            {
                throw new IOException($"{folder} could not be brought to the disk (errno {Marshal.GetLastPInvokeError()}).");
            }
        }
        finally
        {
            _ = handle < 0 ? 0 : Close(handle);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Fsync(int handle);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int handle);
}
