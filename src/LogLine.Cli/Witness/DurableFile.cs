using System.Runtime.InteropServices;

namespace LogLine.Cli.Witness;

/// <summary>
/// A small file that is replaced as a whole and is on the disk when the call returns: content flushed, renamed over the old one, and the folder flushed too, since
/// without that a power cut can bring the old file back.
/// </summary>
internal static partial class DurableFile
{
    private const int ReadOnlyFolder = 0x10000; // O_RDONLY | O_DIRECTORY, the same on every Linux that .NET runs on but arm
    private const int ReadOnlyFolderOnArm = 0x4000;

    /// <exception cref="IOException">The disk says no; the old file is still there.</exception>
    public static void Replace(string file, ReadOnlySpan<byte> content)
    {
        var beside = file + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        using (var stream = new FileStream(beside, options))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }
        File.Move(beside, file, overwrite: true);
        if (OperatingSystem.IsLinux())
        {
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
        }
    }

    private static void FlushFolder(string folder)
    {
        var isArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;
        var handle = Open(folder, isArm ? ReadOnlyFolderOnArm : ReadOnlyFolder);
        if (handle < 0 || Flush(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeErrorMessage();
            _ = handle < 0 ? 0 : Close(handle);
            throw new IOException($"{folder} cannot be flushed to the disk: {error}");
        }
        _ = Close(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
