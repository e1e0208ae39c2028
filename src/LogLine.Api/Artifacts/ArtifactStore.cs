using System.Collections.Concurrent;
using System.Text.Json;

namespace LogLine.Api.Artifacts;

/// <summary>An artifact that a tenant has.</summary>
/// <param name="Hash">Its name.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="StoredAt">When it was stored, as the disk says.</param>
public sealed record StoredArtifact(ArtifactHash Hash, long Bytes, DateTimeOffset StoredAt)
{
    /// <summary>Writes what the ledger says of it: <c>hash, bytes, principal</c>, and whose doing it was.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="principal">Id of the token.</param>
    /// <param name="span">The span that wanted it, or null.</param>
    /// <param name="runId">The run that did it, or null.</param>
    public void WriteTo(Utf8JsonWriter json, string principal, string? span = null, string? runId = null)
    {
        json.WriteString("hash", Hash.ToString());
        json.WriteNumber("bytes", Bytes);
        json.WriteString("principal", principal);
        if (span is not null)
        {
            json.WriteString("span", span);
        }
        if (runId is not null)
        {
            json.WriteString("run_id", runId);
        }
    }
}

/// <summary>
/// The bytes of artifacts as files: <c>&lt;tenant&gt;/&lt;two characters of the hash&gt;/&lt;hash&gt;</c>. A file is written under another name first
/// (<c>.incoming/</c>), and has its own only when it is whole, has the right hash and is on the disk; so whoever sees a file sees all of it, also a
/// second gateway on the same folder.
/// </summary>
public sealed class ArtifactStore
{
    private const string Incoming = ".incoming"; // no tenant's name begins with a dot
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(24);

    private readonly string _root;
    private readonly ConcurrentDictionary<string, TenantShare> _shares = new();
    private readonly Lock _names = new();

    private ArtifactStore(string root, ArtifactOptions options) => (_root, Options) = (root, options);

    /// <summary>The limits.</summary>
    public ArtifactOptions Options { get; }

    /// <summary>Opens the folder, and makes it (mode 0700) when it is not there. Removes what writers that died more than a day ago have left.</summary>
    public static ArtifactStore Open(string root, ArtifactOptions options, TimeProvider time)
    {
        root = Path.GetFullPath(root);
        MakeFolder(root);
        MakeFolder(Path.Combine(root, Incoming));
        foreach (var left in new DirectoryInfo(Path.Combine(root, Incoming)).EnumerateFiles().Where(file => file.LastWriteTimeUtc < time.GetUtcNow() - Abandoned))
        {
            left.Delete();
        }
        return new ArtifactStore(root, options);
    }

    /// <summary>A writer for a new artifact of the tenant; disposed without <see cref="Publish"/> it leaves nothing.</summary>
    /// <exception cref="ArtifactException">There is no room.</exception>
    public ArtifactWriter Create(string tenant)
    {
        EnsureRoom();
        return new ArtifactWriter(this, ShareOf(tenant), tenant, Path.Combine(_root, Incoming, Guid.NewGuid().ToString("N")));
    }

    /// <summary>The tenant's artifact of that name, or null.</summary>
    public StoredArtifact? Find(string tenant, ArtifactHash hash)
    {
        var file = new FileInfo(FileOf(tenant, hash));
        return file.Exists ? new StoredArtifact(hash, file.Length, file.LastWriteTimeUtc) : null;
    }

    /// <summary>Its bytes, to be read from anywhere in them; null when the tenant has no such artifact. It can be read to the end also when it is removed meanwhile.</summary>
    public FileStream? OpenRead(string tenant, ArtifactHash hash)
    {
        try
        {
            return new FileStream(FileOf(tenant, hash), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 64 << 10, FileOptions.Asynchronous);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The tenant's artifacts by name, at most <paramref name="limit"/>, those after <paramref name="after"/>.</summary>
    public IReadOnlyList<StoredArtifact> List(string tenant, ArtifactHash? after, int limit) =>
        [.. Files(tenant).Where(file => after is null || string.CompareOrdinal(file.Name, after.Hex) > 0).OrderBy(file => file.Name, StringComparer.Ordinal).Take(limit).Select(Stored).OfType<StoredArtifact>()];

    /// <summary>The tenants that have had artifacts.</summary>
    public IReadOnlyList<string> Tenants() => [.. new DirectoryInfo(_root).EnumerateDirectories().Select(folder => folder.Name).Where(name => name != Incoming)];

    /// <summary>What the tenant's artifacts take, in bytes.</summary>
    public long UsedBytes(string tenant) => ShareOf(tenant).Used;

    /// <summary>Removes an artifact; false when the tenant does not have it. Of several that remove it at once, one does, and gives its bytes back.</summary>
    public bool Remove(string tenant, ArtifactHash hash)
    {
        var share = ShareOf(tenant); // counted with the file, if it was not before
        var leaving = new FileInfo(Path.Combine(_root, Incoming, Guid.NewGuid().ToString("N")));
        try
        {
            lock (_names)
            {
                File.Move(FileOf(tenant, hash), leaving.FullName);
            }
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        share.Return(leaving.Length);
        leaving.Delete();
        return true;
    }

    /// <summary>Gives a written file its name. It is on the disk afterwards, name included; true when it was not there before.</summary>
    internal bool Publish(string tenant, ArtifactHash hash, string written)
    {
        var file = FileOf(tenant, hash);
        var folder = Path.GetDirectoryName(file)!;
        foreach (var one in (string[])[Path.Combine(_root, tenant), folder])
        {
            MakeFolder(one);
        }
        bool isNew;
        lock (_names) // of several that bring the same bytes one is the first, and only its bytes are counted
        {
            isNew = !File.Exists(file);
            File.Move(written, file, overwrite: true);
        }
        FolderSync.Flush(folder);
        FolderSync.Flush(Path.Combine(_root, tenant));
        FolderSync.Flush(_root);
        return isNew;
    }

    /// <summary>Refuses when the disk has no more than what is to stay free.</summary>
    internal void EnsureRoom()
    {
        if (new DriveInfo(_root).AvailableFreeSpace <= Options.KeepFreeBytes)
        {
            throw DiskFull(null);
        }
    }

    internal static ArtifactException DiskFull(Exception? inner) => new(ArtifactFailure.DiskFull, "The gateway's disk has no room for artifacts now.", inner);

    /// <summary>ENOSPC and EDQUOT, which the base library passes on as they are.</summary>
    internal static bool IsDiskFull(IOException failure) => failure.HResult is 28 or 122;

    private string FileOf(string tenant, ArtifactHash hash) => Path.Combine(_root, tenant, hash.Hex[..2], hash.Hex);

    private TenantShare ShareOf(string tenant) => _shares.GetOrAdd(tenant, name => new TenantShare(Files(name).Sum(file => file.Length), Options.TenantBytes));

    private IEnumerable<FileInfo> Files(string tenant)
    {
        var folder = new DirectoryInfo(Path.Combine(_root, tenant));
        return folder.Exists ? folder.EnumerateFiles("*", SearchOption.AllDirectories) : [];
    }

    private static StoredArtifact? Stored(FileInfo file) =>
        ArtifactHash.TryParse("blake3:" + file.Name, out var hash) && file.Exists ? new StoredArtifact(hash, file.Length, file.LastWriteTimeUtc) : null;

    private static void MakeFolder(string path)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, owner);
    }
}
