namespace LogLine.Cli.Commands;

/// <summary>Files that a command writes where it is told to.</summary>
internal static class OutputFile
{
    /// <summary>Writes the bytes and a line end.</summary>
    public static CommandFailure? Write(string path, ReadOnlySpan<byte> content) => WriteBytes(path, [.. content, (byte)'\n']);

    /// <summary>
    /// Gives a file that is whole its name. A link or a device that has it is written into: renamed over, a link would lead nowhere, and, to root, <c>--out /dev/null</c> would be a file from then on.
    /// </summary>
    public static void Name(string part, string path)
    {
        var full = Path.GetFullPath(path);
        var isDevice = full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);
        if (!File.Exists(path) || !(isDevice || new FileInfo(path).LinkTarget is not null))
        {
            File.Move(part, path, overwrite: true);
            return;
        }
        using var from = File.OpenRead(part);
        using var to = new FileStream(path, FileMode.Create, FileAccess.Write);
        from.CopyTo(to);
    }

    /// <summary>Writes the bytes alone.</summary>
    public static CommandFailure? WriteBytes(string path, byte[] content)
    {
        try
        {
            File.WriteAllBytes(path, content);
            return null;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return CommandFailure.File(path, defect);
        }
    }
}
