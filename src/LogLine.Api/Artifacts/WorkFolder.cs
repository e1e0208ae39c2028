namespace LogLine.Api.Artifacts;

/// <summary>
/// A folder for one piece of work, which nobody but this user can enter and which goes with it. Beside it lies a lock, held for as long as the work lasts: what a killed process
/// left is known by a lock that nobody holds any more, and removed by the next start.
/// </summary>
public sealed class WorkFolder : IDisposable
{
    private const string Prefix = "logline-work-";
    private const string LockSuffix = ".lock";
    private const int MostTries = 16;

    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private WorkFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Memory that files can lie in, where the machine has such a place; else the folder for temporary files.</summary>
    public static string Memory => Directory.Exists("/dev/shm") ? "/dev/shm" : Disk;

    /// <summary>The folder for temporary files.</summary>
    public static string Disk => System.IO.Path.GetTempPath();

    /// <summary>Makes one, empty.</summary>
    /// <param name="root">Where: <see cref="Memory"/> or <see cref="Disk"/>.</param>
    public static WorkFolder Create(string root)
    {
        for (var tries = 1; ; tries++)
        {
            var path = System.IO.Path.Combine(root, Prefix + Guid.NewGuid().ToString("N"));
            try
            {
                var held = new FileStream(path + LockSuffix, Private(FileMode.CreateNew, FileShare.None));
                // A sweep that came between making and locking it takes it for a left one: then another name is as good.
                if (File.Exists(path + LockSuffix))
                {
                    Make(path);
                    return new WorkFolder(path, held);
                }
                held.Dispose();
            }
            catch (IOException) when (tries < MostTries)
            {
                // The sweep holds it, or held it and has removed it by now.
            }
        }
    }

    /// <summary>Writes a file into it that nobody else can read.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        using var file = Open(name, FileShare.None);
        file.Write(content);
        return file.Name;
    }

    /// <summary>A new file in it that nobody else can read, to be written and read here.</summary>
    public FileStream Open(string name, FileShare share) => new(System.IO.Path.Combine(Path, name), Private(FileMode.CreateNew, share));

    /// <summary>Removes what processes left that are not there any more.</summary>
    public static void Sweep(string root)
    {
        foreach (var held in Directory.EnumerateFiles(root, Prefix + "*" + LockSuffix))
        {
            try
            {
                using var left = new FileStream(held, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                Remove(held[..^LockSuffix.Length]);
                File.Delete(held);
            }
            catch (Exception inUse) when (inUse is IOException or UnauthorizedAccessException)
            {
                // Somebody works with it, or it is another user's.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Remove(Path);
        File.Delete(Path + LockSuffix);
        _lock.Dispose();
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static void Make(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerFile | UnixFileMode.UserExecute);
        }
    }

    private static FileStreamOptions Private(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerFile;
        }
        return options;
    }
}
