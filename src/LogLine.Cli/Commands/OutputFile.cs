namespace LogLine.Cli.Commands;

/// <summary>Files that a command writes where it is told to.</summary>
internal static class OutputFile
{
    /// <summary>Writes the bytes and a line end.</summary>
    public static CommandFailure? Write(string path, ReadOnlySpan<byte> content) => WriteBytes(path, [.. content, (byte)'\n']);

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
