using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>
/// Backup, restore and import of a ledger. A log that goes on in two places has forked, and a copy cannot know whether the original does. So what is restored gets a new
/// name and key, unless a published checkpoint shows that it holds everything that anybody has seen (contract, section 9).
/// </summary>
public static class LedgerCopies
{
    /// <summary>Name of the database in a backup. Not the gateway's: one that is started on a backup finds keys without a database, and refuses.</summary>
    public const string BackupName = "ledger.backup";

    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Copies database, keys and artifacts as they are committed now, while the gateway runs.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="target">A folder that does not exist yet. It holds the keys: guard it as the data folder.</param>
    /// <exception cref="DataFolderException">It cannot be read or written, or the target exists.</exception>
    public static void Backup(string folder, string target) => Mended(() =>
    {
        if (Path.Exists(target))
        {
            throw new DataFolderException($"{target} exists already. A backup gets a folder of its own.");
        }
        var draft = target.TrimEnd('/') + ".partial";
        Remove(draft);
        MakeFolder(draft);
        using (var session = new SqliteSession(Require(Path.Combine(folder, DataFolder.DatabaseName)), readOnly: true))
        {
            session.CopyTo(Path.Combine(draft, BackupName));
        }
        CopyFolder(Path.Combine(folder, DataFolder.KeysName), Path.Combine(draft, DataFolder.KeysName));
        CopyFolder(Path.Combine(folder, DataFolder.ArtifactsName), Path.Combine(draft, DataFolder.ArtifactsName));
        Directory.Move(draft, target);
    });

    /// <summary>Makes a data folder of a backup.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="folder">The data folder: without a database. When it still has the file with the last published checkpoint, that is the one that counts.</param>
    /// <param name="published">Otherwise: the newest checkpoint that anybody has seen, or null when nobody can say.</param>
    /// <returns>What the log is called now, and its keys.</returns>
    /// <exception cref="DataFolderException">It cannot be read or written, or the folder has a database.</exception>
    public static LedgerTrust Restore(string backup, string folder, string? published) => Mended(() =>
    {
        var database = Vacant(folder);
        using var source = StoredLedger.Open(backup);
        var draft = database + ".restoring";
        File.Delete(draft);
        File.Copy(source.Database, draft);
        var keys = Path.Combine(folder, DataFolder.KeysName);
        CopyFolder(Path.Combine(backup, DataFolder.KeysName), keys);
        CopyFolder(Path.Combine(backup, DataFolder.ArtifactsName), Path.Combine(folder, DataFolder.ArtifactsName));
        published ??= PublishedCheckpoint.Read(Path.Combine(folder, DataFolder.PublishedName));
        var trust = source.Trust;
        using (var session = new SqliteSession(draft, readOnly: false))
        {
            if (published is null || Lost(session, trust, published))
            {
                var (renamed, origin, note) = Rename(keys, trust, SqliteNaming.Head(session));
                using var opened = renamed;
                SqliteNaming.Name(session, origin, note);
                trust = renamed.Trust(origin);
            }
            Publish(folder, SqliteNaming.LastCheckpoint(session));
            session.Script("PRAGMA journal_mode = DELETE");
        }
        File.Move(draft, database);
        return trust;
    });

    /// <summary>Makes a ledger of the rows of another.</summary>
    /// <param name="folder">The data folder. With the log's own keys in it the log goes on under its name; otherwise it gets new ones.</param>
    /// <param name="connection">The empty PostgreSQL database that it goes into; null: into the folder, which has no database yet.</param>
    /// <param name="trust">What is known of the log until now.</param>
    /// <param name="rows">All its rows. What they throw ends the import, and nothing is left of it.</param>
    /// <returns>What the log is called now.</returns>
    /// <exception cref="DataFolderException">The place cannot be written, is not empty, or the folder has another log's keys.</exception>
    public static async Task<LedgerTrust> ImportAsync(string folder, string? connection, LedgerTrust trust, IAsyncEnumerable<StoredRow> rows)
    {
        try
        {
            MakeFolder(folder);
            await using ILedgerImport import = connection is null ? new SqliteImport(Path.Combine(folder, DataFolder.DatabaseName)) : await PostgresImport.BeginAsync(connection);
            await foreach (var row in rows)
            {
                await import.WriteAsync(row);
            }
            var head = await import.ReadHeadAsync();
            var (keys, origin, note) = KeysOf(Path.Combine(folder, DataFolder.KeysName), trust, head);
            using var opened = keys;
            await import.NameAsync(origin, note, keys);
            Publish(folder, await import.ReadLastCheckpointAsync());
            await import.CommitAsync();
            return keys.Trust(origin);
        }
        catch (Exception defect) when (defect is LedgerStoreException or IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"{folder}: {defect.Message}", defect);
        }
    }

    /// <summary>The log's own keys, when they are there; otherwise new ones, and the checkpoint that they sign.</summary>
    private static (ServerKeys Keys, string Origin, string? Note) KeysOf(string folder, LedgerTrust trust, LedgerHead head)
    {
        if (!File.Exists(Path.Combine(folder, "log.key")))
        {
            return Rename(folder, trust, head);
        }
        var own = ServerKeys.Open(folder, create: false);
        if (own.Records.Count > 0 && trust.Keys.Any(key => key.Use == "log" && key.Until is null && own.Log.PublicKey.SequenceEqual(key.PublicKey)))
        {
            return (own, head.Origin, null);
        }
        own.Dispose();
        throw new DataFolderException($"{folder} holds the keys of another log than {trust.Origin}. Take an empty folder, or one with this log's keys.");
    }

    /// <summary>True when a checkpoint has been published that this database does not lead to.</summary>
    private static bool Lost(SqliteSession session, LedgerTrust trust, string published)
    {
        if (!SignedNote.TryParse(published, out var body, out _) || !Checkpoint.TryParse(body, out var checkpoint)
            || !SignedNote.TryVerifyAny(published, trust.Origin, [.. trust.Keys.Where(key => key.Use == "log" && key.From < checkpoint.Size).Select(key => key.PublicKey)], out _))
        {
            throw new DataFolderException($"The published checkpoint is not one of the log {trust.Origin} under its key.");
        }
        var note = session.First("SELECT note FROM checkpoints WHERE tree_size = $1", row => row.GetString(0), checkpoint.Size);
        return checkpoint.Size > SqliteNaming.Head(session).Size || note is null || !SignedNote.TryParse(note, out var own, out _) || own != body;
    }

    /// <summary>Gives the log a new name and key from its present size on, and signs that size with it; an empty one has nothing to sign.</summary>
    private static (ServerKeys Keys, string Origin, string? Note) Rename(string keysFolder, LedgerTrust before, LedgerHead head)
    {
        MakeFolder(keysFolder);
        var (keys, origin) = ServerKeys.Rename(keysFolder, before, head.Size);
        if (head.Size == 0)
        {
            return (keys, origin, null);
        }
        var root = CompactRange.FromHashes(head.Size, [.. head.Frontier.Chunk(MerkleHash.Size)]).Root();
        return (keys, origin, keys.Sign(new Checkpoint(origin, head.Size, root)));
    }

    /// <summary>From now on nothing before the present head may be gone back to.</summary>
    private static void Publish(string folder, string? note)
    {
        var path = Path.Combine(folder, DataFolder.PublishedName);
        File.Delete(path);
        if (note is not null)
        {
            File.WriteAllText(path, note);
        }
    }

    private static string Vacant(string folder)
    {
        var database = Path.Combine(folder, DataFolder.DatabaseName);
        if (File.Exists(database))
        {
            throw new DataFolderException($"{database} exists. Move it away first: nothing is overwritten.");
        }
        MakeFolder(folder);
        return database;
    }

    /// <summary>Copies a folder as it is, with nobody else's right to it; what is being written (its folder begins with a dot) is left out.</summary>
    private static void CopyFolder(string from, string to)
    {
        if (!Directory.Exists(from))
        {
            return;
        }
        MakeFolder(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
        foreach (var folder in Directory.EnumerateDirectories(from).Select(Path.GetFileName).Where(name => !name!.StartsWith('.')))
        {
            CopyFolder(Path.Combine(from, folder!), Path.Combine(to, folder!));
        }
    }

    private static void MakeFolder(string path) => _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, OwnerAlone);

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Require(string path) => File.Exists(path) ? path : throw new DataFolderException($"{path} is not there.");

    private static void Mended(Action act) => Mended(() =>
    {
        act();
        return true;
    });

    private static T Mended<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception defect) when (defect is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException(defect.Message, defect);
        }
    }
}
