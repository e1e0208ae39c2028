namespace LogLine.Cli.Commands;

/// <summary>A file that is there only once it is whole: it is written as a draft beside it, which takes its name, or goes.</summary>
internal sealed class DraftFile : IDisposable
{
    private readonly string _target;
    private readonly bool _isDevice;

    public DraftFile(string target)
    {
        _target = target.TrimEnd('/');
        var full = System.IO.Path.GetFullPath(target);
        _isDevice = full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);
        Path = _isDevice ? System.IO.Path.GetTempFileName() : _target + ".part";
    }

    /// <summary>Where to write it. Of a device it is a file for its owner's eyes in the folder for such: beside it most may make none.</summary>
    public string Path { get; }

    /// <summary>
    /// Gives it its name. A link, a device or a pipe that has it is written into: renamed over, a link would lead nowhere, whoever reads the pipe would wait for ever, and, to root,
    /// <c>--out /dev/null</c> would be a file from then on.
    /// </summary>
    public void Keep()
    {
        using var to = _isDevice || new FileInfo(_target).LinkTarget is not null ? new FileStream(_target, FileMode.Create, FileAccess.Write, FileShare.ReadWrite) : Pipe();
        if (to is null)
        {
            File.Move(Path, _target, overwrite: true);
            return;
        }
        using var from = File.OpenRead(Path);
        from.CopyTo(to);
    }

    /// <summary>The pipe that has the name, once somebody reads it; null when it is none.</summary>
    private FileStream? Pipe()
    {
        FileStream? found = null;
        try
        {
            found = new FileStream(_target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            // Nothing has the name, or a file that nobody may write: its folder decides whether it may be replaced.
        }
        if (found is { CanSeek: false })
        {
            return found;
        }
        found?.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (File.Exists(Path)) // without its folder there is nothing to delete, and that is not what to complain of
        {
            File.Delete(Path);
        }
    }
}
