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
        Path = _isDevice ? System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"logline-{Guid.NewGuid():N}.part") : _target + ".part";
    }

    /// <summary>Where to write it. Beside a device there is no place for a file, and most may not make one there.</summary>
    public string Path { get; }

    /// <summary>
    /// Gives it its name. A link or a device that has it is written into: renamed over, a link would lead nowhere, and, to root, <c>--out /dev/null</c> would be a file from then on.
    /// </summary>
    public void Keep()
    {
        if (!_isDevice && new FileInfo(_target).LinkTarget is null)
        {
            File.Move(Path, _target, overwrite: true);
            return;
        }
        using var from = File.OpenRead(Path);
        using var to = new FileStream(_target, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        from.CopyTo(to);
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
