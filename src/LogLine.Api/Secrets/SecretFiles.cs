using LogLine.Protocol.Crypto;

namespace LogLine.Api.Secrets;

/// <summary>
/// Secrets that a container reads from a file. They lie in memory (a tmpfs of the host) in a folder per run that nobody else can enter, are
/// mounted read-only, and go when the run has ended.
/// </summary>
public sealed class SecretFiles(string root)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    // Whatever user the container has must read it; on the host the folder keeps everybody else out.
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Where a worker puts them unless told otherwise: memory, apart from what other workers of this machine have there.</summary>
    public static SecretFiles InMemory(string runnerKid) => new(Path.Combine("/dev/shm", "logline-secrets-" + runnerKid));

    /// <summary>Writes a secret for a run.</summary>
    /// <returns>The file's path on the host.</returns>
    public string Write(string runId, int number, SecretBytes secret)
    {
        var folder = Folder(runId);
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(root, OwnerOnly);
            Directory.CreateDirectory(folder, OwnerOnly);
        }
        var path = Path.Combine(folder, number.ToString(System.Globalization.CultureInfo.InvariantCulture));
        // A job that was taken over writes it again: the container that reads it is not made yet.
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly & ~UnixFileMode.UserExecute;
        }
        using (var stream = new FileStream(path, options))
        {
            stream.Write(secret.Reveal());
        }
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, Readable);
        }
        return path;
    }

    /// <summary>Removes what a run had.</summary>
    public void Remove(string runId)
    {
        if (Directory.Exists(Folder(runId)))
        {
            Directory.Delete(Folder(runId), recursive: true);
        }
    }

    /// <summary>The runs that have files here.</summary>
    public IReadOnlyList<string> Runs() => Directory.Exists(root) ? [.. Directory.EnumerateDirectories(root).Select(folder => Path.GetFileName(folder))] : [];

    private string Folder(string runId) => Path.Combine(root, runId);
}
