using LogLine.Api.Ledger.Sqlite;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>A ledger in a data folder as it lies there, looked at beside its gateway or without one. Nothing is changed.</summary>
public sealed class StoredLedger : IDisposable
{
    private readonly SqliteSession _session;

    private StoredLedger(string database, SqliteSession session, LedgerTrust trust) => (Database, _session, Trust) = (database, session, trust);

    /// <summary>The file.</summary>
    public string Database { get; }

    /// <summary>By which keys the log is signed, from the folder's list; the origin is the database's own word.</summary>
    public LedgerTrust Trust { get; }

    /// <summary>Opens the ledger of a folder.</summary>
    /// <param name="folder">The data folder, or a backup of one.</param>
    /// <param name="logKey">The log key that has to have signed the last checkpoint, 32 bytes; null when the folder's own list is believed.</param>
    /// <exception cref="DataFolderException">There is no ledger, or it cannot be read at all.</exception>
    public static StoredLedger Open(string folder, byte[]? logKey = null)
    {
        var database = ((string[])[DataFolder.DatabaseName, LedgerCopies.BackupName]).Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (database is null)
        {
            throw new DataFolderException($"{folder} holds no {DataFolder.DatabaseName}. Name the folder that the gateway was started with (--data DIR, LOGLINE_DATA).");
        }
        SqliteSession? session = null;
        try
        {
            session = new SqliteSession(database, readOnly: true);
            if (SqliteTables.Difference(session) is { } differs)
            {
                throw new DataFolderException($"{database} defines its tables otherwise than this program: {differs}. It is damaged, or another version's: restore a backup, or use the version that made it.");
            }
            var origin = session.First("SELECT origin FROM head", row => row.GetString(0)) ?? throw new DataFolderException($"{database} has no head: it is no ledger.");
            return new StoredLedger(database, session, TrustOf(Path.Combine(folder, DataFolder.KeysName), origin, logKey));
        }
        catch (SqliteException defect)
        {
            session?.Dispose();
            throw new DataFolderException($"{database} cannot be read: {defect.Message}", defect);
        }
        catch (DataFolderException)
        {
            session?.Dispose();
            throw;
        }
    }

    private static LedgerTrust TrustOf(string keys, string origin, byte[]? logKey)
    {
        var trust = KeyHistory.Open(keys).Trust(origin);
        return trust.Keys.Count > 0 ? trust with { Pinned = logKey } : throw new DataFolderException($"{keys} holds no history.json, which says by which keys the ledger is signed.");
    }

    /// <summary>Entries that there are now.</summary>
    public long Size => _session.First("SELECT size FROM head", row => row.GetInt64(0));

    /// <summary>All rows, in the order in which <see cref="LedgerAudit"/> takes them.</summary>
    /// <param name="after">The first entry.</param>
    public IEnumerable<StoredRow> Read(long after = 0) => new SqliteRows(_session).Read(after);

    /// <summary>What the engine finds wrong with the file itself, page by page: what holds no row is seen by nobody else. Null when nothing is.</summary>
    public string? Damage() => _session.First("PRAGMA integrity_check(1)", row => row.GetString(0)) is { } finding && finding != "ok" ? finding : null;

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();
}
