namespace LogLine.Api.Ledger;

/// <summary>
/// The folder that holds everything the gateway keeps: <c>ledger.db</c>, <c>keys/</c>, <c>bootstrap.json</c>. One process at a time.
/// </summary>
public sealed class DataFolder : IDisposable
{
    /// <summary>Name of the database.</summary>
    public const string DatabaseName = "ledger.db";

    /// <summary>Name of the folder with the keys.</summary>
    public const string KeysName = "keys";

    /// <summary>Name of the folder with the artifacts, unless the operator names another place.</summary>
    public const string ArtifactsName = "artifacts";

    /// <summary>Name of the file with the last published checkpoint.</summary>
    public const string PublishedName = "published";

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream @lock) => (Path, _lock) = (path, @lock);

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>The database.</summary>
    public string Database => System.IO.Path.Combine(Path, DatabaseName);

    /// <summary>Where the keys lie.</summary>
    public string Keys => System.IO.Path.Combine(Path, KeysName);

    /// <summary>The last published checkpoint (<see cref="PublishedCheckpoint"/>).</summary>
    public string Published => System.IO.Path.Combine(Path, PublishedName);

    /// <summary>What a worker could not say yet of commands that have ended.</summary>
    public string Unsaid => System.IO.Path.Combine(Path, "unsaid");

    /// <summary>What a newcomer needs to begin: address, tenant, token, public key.</summary>
    public string BootstrapFile => System.IO.Path.Combine(Path, "bootstrap.json");

    /// <summary>Makes the folder when it is not there (mode 0700) and takes it for this process.</summary>
    /// <exception cref="DataFolderException">Another process has it, or it cannot be written.</exception>
    public static DataFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            foreach (var folder in (ReadOnlySpan<string>)[path, System.IO.Path.Combine(path, KeysName)])
            {
                if (!Directory.Exists(folder))
                {
                    _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(folder) : Directory.CreateDirectory(folder, owner);
                }
            }
            return new DataFolder(path, new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException defect)
        {
            throw new DataFolderException($"The data folder {path} cannot be written: {defect.Message}. Choose another with --data DIR or LOGLINE_DATA, or mend its permissions.", defect);
        }
        catch (IOException defect)
        {
            throw new DataFolderException($"The data folder {path} cannot be taken: {defect.Message.TrimEnd('.')}. Is another gateway running on it? Choose another with --data DIR or LOGLINE_DATA.", defect);
        }
    }

    /// <summary>Lets another process have the folder.</summary>
    public void Dispose() => _lock.Dispose();
}

/// <summary>The data folder cannot be used; the message says why and what to do.</summary>
public sealed class DataFolderException(string message, Exception? inner = null) : Exception(message, inner);
