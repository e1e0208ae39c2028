using LogLine.Cli.Output;

namespace LogLine.Cli.Settings;

/// <summary>
/// <c>LOGLINE_HOME</c>, else <c>~/.logline</c>: folder 0700, files 0600, every file replaced whole so that a reader never sees half of one.
/// <code>
/// config.json                      profiles
/// keys/&lt;profile&gt;.pem               the private key, PKCS #8
/// state/&lt;profile&gt;.json             what was applied last
/// receipts/&lt;profile&gt;/&lt;uuid&gt;.json   the Acks
/// </code>
/// </summary>
internal sealed class HomeFolder(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Path => path;

    public string ConfigFile => System.IO.Path.Combine(path, "config.json");

    public string KeyFile(string profile) => System.IO.Path.Combine(path, "keys", profile + ".pem");

    public string StateFile(string profile) => System.IO.Path.Combine(path, "state", profile + ".json");

    public string ReceiptFolder(string profile) => System.IO.Path.Combine(path, "receipts", profile);

    public static HomeFolder Of(Shell shell)
    {
        if (shell.Variable("LOGLINE_HOME") is { Length: > 0 } named)
        {
            return new HomeFolder(System.IO.Path.GetFullPath(named));
        }
        return new HomeFolder(System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".logline"));
    }

    /// <summary>Writes a file whole: beside its place first, then into it.</summary>
    /// <param name="overwrite">False leaves a file that is there already as it is, and throws.</param>
    /// <exception cref="IOException">The file is there and must stay, or the disk says no.</exception>
    public static void Write(string file, ReadOnlySpan<byte> content, bool overwrite = true)
    {
        Create(System.IO.Path.GetDirectoryName(file)!);
        var beside = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(beside, Private(FileMode.CreateNew)))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, file, overwrite);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>True when nobody but the owner can read or write the file; always on Windows, where modes say nothing.</summary>
    public static bool IsPrivate(string file) => OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & ~OwnerOnly & ~UnixFileMode.UserExecute) == 0;

    // One level at a time: the framework gives the mode to the last one only.
    private static void Create(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }
        if (System.IO.Path.GetDirectoryName(folder) is { } parent)
        {
            Create(parent);
        }
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }
        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }

    private static FileStreamOptions Private(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }
        return options;
    }
}
