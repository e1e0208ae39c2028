using System.Collections.Concurrent;
using System.Text.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Ledger;

/// <summary>
/// The embedded store: one SQLite file in WAL mode with <c>synchronous=FULL</c>. One connection writes, and only <see cref="LedgerWriter"/>
/// uses it; readers have connections of their own and see committed state only.
/// </summary>
public sealed partial class SqliteLedgerStore : IDisposable
{
    private const int IdleReaders = 8;
    private readonly string _path;
    private readonly SqliteSession _writer;
    private readonly ConcurrentBag<SqliteSession> _readers = [];

    private SqliteLedgerStore(string path, SqliteSession writer) => (_path, _writer) = (path, writer);

    /// <summary>Opens the file, or makes it, with <paramref name="newOrigin"/>, when it is not there.</summary>
    /// <exception cref="DataFolderException">It is not a ledger, is damaged, or was made by a newer version.</exception>
    public static SqliteLedgerStore Open(string path, string newOrigin)
    {
        var isNew = !File.Exists(path);
        SqliteSession? session = null;
        try
        {
            session = new SqliteSession(path, readOnly: false);
            var version = session.First("PRAGMA user_version", row => row.GetInt32(0));
            if (isNew)
            {
                session.Execute("BEGIN IMMEDIATE");
                session.Script(SqliteSchema.Tables);
                session.Execute("INSERT INTO head VALUES(1, $1, 0, x'')", newOrigin);
                session.Execute($"PRAGMA user_version = {SqliteSchema.Version}");
                session.Execute("COMMIT");
            }
            else if (version == 0)
            {
                throw new DataFolderException($"{path} is not a LogLine ledger, or its creation was interrupted before anything was in it. Remove it to start anew.");
            }
            else if (version > SqliteSchema.Version)
            {
                throw new DataFolderException($"{path} has format {version}; this program knows formats up to {SqliteSchema.Version}. Start the newer version that made it.");
            }
            else if (session.First("PRAGMA quick_check(1)", row => row.GetString(0)) is { } finding && finding != "ok")
            {
                throw new DataFolderException($"{path} is damaged: {finding}. Restore a backup; nothing was changed.");
            }
            return new SqliteLedgerStore(path, session);
        }
        catch (SqliteException defect)
        {
            session?.Dispose();
            throw new DataFolderException($"{path} cannot be opened: {defect.Message}. Restore a backup, or check the folder's permissions and space.", defect);
        }
        catch (DataFolderException)
        {
            session?.Dispose();
            throw;
        }
    }

    /// <summary>The log's origin, and size and frontier of the last commit.</summary>
    public (string Origin, long Size, byte[] Frontier) ReadHead() =>
        Read(session => session.First("SELECT origin, size, frontier FROM head", row => (row.GetString(0), row.GetInt64(1), row.GetBytes(2))));

    /// <summary>The checkpoint that the batch with this entry ended in, or null; the receipt of the entry is about that tree.</summary>
    public string? ReadCheckpointOver(long index) =>
        Read(session => session.First("SELECT note FROM checkpoints WHERE tree_size > $1 ORDER BY tree_size LIMIT 1", row => row.GetString(0), index));

    /// <summary>The signed checkpoint of a tree size, or null.</summary>
    public string? ReadCheckpoint(long treeSize) => Read(session => session.First("SELECT note FROM checkpoints WHERE tree_size = $1", row => row.GetString(0), treeSize));

    /// <summary>The hashes of a full tile, or null.</summary>
    public byte[]? ReadTile(TileId id) =>
        Read(session => session.First("SELECT hashes FROM tiles WHERE level = $1 AND idx = $2", row => row.GetBytes(0), id.Level, id.Index));

    /// <summary>Entries from <paramref name="from"/> on, in order.</summary>
    public List<StoredSpan> ReadEntries(long from, int limit) =>
        Read(session => session.All($"SELECT {StoredColumns} FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2", StoredSpan, from, limit));

    /// <summary>What the log commits to, without the spans: entries from <paramref name="from"/> on, in order.</summary>
    public List<byte[]> ReadEntryBytes(long from, int count) =>
        Read(session => session.All("SELECT entry FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx", row => row.GetBytes(0), from, from + count));

    /// <summary>Begins a transaction of the one writer.</summary>
    internal void Begin() => _writer.Execute("BEGIN IMMEDIATE");

    /// <summary>Ends it; when this returns, all of it is on the disk.</summary>
    internal void Commit() => _writer.Execute("COMMIT");

    /// <summary>Gives it up.</summary>
    internal void Rollback()
    {
        try
        {
            _writer.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // The engine has rolled back by itself (full disk, I/O error): there is nothing left to undo.
        }
    }

    /// <summary>Runs <paramref name="write"/> so that it happens as a whole or not at all within the transaction.</summary>
    internal AppendConflict? Guarded(Func<AppendConflict?> write)
    {
        _writer.Execute("SAVEPOINT item");
        var conflict = write();
        if (conflict is not null)
        {
            _writer.Execute("ROLLBACK TO item");
        }
        _writer.Execute("RELEASE item");
        return conflict;
    }

    /// <summary>Writes one row of the log; a name that is taken is a conflict.</summary>
    internal AppendConflict? InsertEntry(long index, byte[] entry, ServerSpan span, byte[]? fingerprint, byte[]? answer)
    {
        var changed = _writer.Execute(
            "INSERT OR IGNORE INTO entries VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
            index, entry, span.Span.Utf8.ToArray(), span.Entry.Tenant, span.Entry.This, span.Span.Intent, span.Span.Subject, span.RunId, fingerprint, answer);
        return changed == 1 ? null : AppendConflict.This;
    }

    /// <summary>Consumes a nonce.</summary>
    internal AppendConflict? InsertNonce(string tenant, string nonce, DateTimeOffset until) =>
        _writer.Execute("INSERT OR IGNORE INTO nonces VALUES($1,$2,$3)", tenant, nonce, until.ToUnixTimeMilliseconds()) == 1 ? null : AppendConflict.Nonce;

    /// <summary>Binds an idempotency key; one that has expired is bound anew.</summary>
    internal AppendConflict? InsertKey(string tenant, KeyBinding key, long first, string? items, DateTimeOffset now) =>
        _writer.Execute(
            """
            INSERT INTO idempotency VALUES($1,$2,$3,$4,$5,$6) ON CONFLICT DO UPDATE SET fingerprint = $3, expires = $4, first = $5, items = $6
            WHERE expires <= $7
            """,
            tenant, key.Key, key.Fingerprint, key.ExpiresAt.ToUnixTimeMilliseconds(), first, items, now.ToUnixTimeMilliseconds()) == 1 ? null : AppendConflict.Key;

    /// <summary>Stores what a batch adds to the tree.</summary>
    internal void InsertTree(long size, byte[] frontier, IReadOnlyList<(TileId Id, byte[] Hashes)> tiles, string checkpoint)
    {
        foreach (var (id, hashes) in tiles)
        {
            _writer.Execute("INSERT INTO tiles VALUES($1,$2,$3)", id.Level, id.Index, hashes);
        }
        _writer.Execute("INSERT INTO checkpoints VALUES($1,$2)", size, checkpoint);
        _writer.Execute("UPDATE head SET size = $1, frontier = $2 WHERE id = 1", size, frontier);
    }

    /// <summary>Forgets nonces and keys whose time is over, a bounded number at a time.</summary>
    internal void Forget(DateTimeOffset noncesUntil, DateTimeOffset now)
    {
        _writer.Execute(
            "DELETE FROM nonces WHERE (tenant, nonce) IN (SELECT tenant, nonce FROM nonces WHERE until < $1 LIMIT 5000)", noncesUntil.ToUnixTimeMilliseconds());
        _writer.Execute(
            "DELETE FROM idempotency WHERE (tenant, key) IN (SELECT tenant, key FROM idempotency WHERE expires < $1 LIMIT 5000)", now.ToUnixTimeMilliseconds());
    }

    private T Read<T>(Func<SqliteSession, T> read)
    {
        if (!_readers.TryTake(out var session))
        {
            session = new SqliteSession(_path, readOnly: true);
        }
        var healthy = false;
        try
        {
            var result = read(session);
            healthy = true;
            return result;
        }
        finally
        {
            if (healthy && _readers.Count < IdleReaders)
            {
                _readers.Add(session);
            }
            else
            {
                session.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_readers.TryTake(out var session))
        {
            session.Dispose();
        }
        _writer.Dispose();
    }
}

/// <summary>A row of the log as it is read back. <paramref name="Span"/> is empty when its content was erased.</summary>
public sealed record StoredSpan(long Index, byte[] Entry, byte[] Span, byte[]? Fingerprint, byte[]? Answer, string? RunId)
{
    /// <summary>The entry, read.</summary>
    /// <exception cref="InvalidOperationException">It is none.</exception>
    public LedgerEntry ReadEntry()
    {
        using var json = JsonDocument.Parse(Entry);
        return LedgerEntry.TryParse(json.RootElement, out var entry) ? entry : throw new InvalidOperationException($"The entry {Index} is damaged.");
    }
}

/// <summary>The data folder cannot be used; the message says why and what to do.</summary>
public sealed class DataFolderException(string message, Exception? inner = null) : Exception(message, inner);
