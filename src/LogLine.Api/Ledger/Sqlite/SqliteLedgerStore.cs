using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// The embedded store: one SQLite file in WAL mode with <c>synchronous=FULL</c>. One connection writes, for one at a time; readers have connections
/// of their own and see committed state only.
/// </summary>
public sealed partial class SqliteLedgerStore : ILedgerStore
{
    private const int IdleReaders = 8;

    /// <summary>Bytes up to which a start looks through the whole file; it takes a second for a GiB, and 'logline ledger verify' does it for any.</summary>
    private const long CheckedAtStart = 64 << 20;

    private readonly string _path;
    private readonly SqliteSession _writer;
    private readonly SemaphoreSlim _turn = new(1);
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
                session.Execute("INSERT INTO head VALUES(1, $1, 0, x'', 0)", newOrigin);
                session.Execute($"PRAGMA user_version = {SqliteSchema.Version}");
                session.Execute("COMMIT");
            }
            else if (version == 0)
            {
                throw new DataFolderException($"{path} is not a LogLine ledger, or its creation was interrupted before anything was in it. Remove it to start anew.");
            }
            else if (version < SqliteSchema.Version)
            {
                throw new DataFolderException($"{path} has format {version}, from before the first release; this program knows format {SqliteSchema.Version}. Begin on another folder.");
            }
            else if (version > SqliteSchema.Version)
            {
                throw new DataFolderException($"{path} has format {version}; this program knows formats up to {SqliteSchema.Version}. Start the newer version that made it.");
            }
            else if (new FileInfo(path).Length <= CheckedAtStart && session.First("PRAGMA quick_check(1)", row => row.GetString(0)) is { } finding && finding != "ok")
            {
                throw new DataFolderException($"{path} is damaged: {finding}. Restore a backup; nothing was changed.");
            }
            if (SqliteTables.Difference(session) is { } differs)
            {
                throw new DataFolderException($"{path} is damaged: its tables are not defined as this program defines them ({differs}). Restore a backup; nothing was changed.");
            }
            var store = new SqliteLedgerStore(path, session);
            store.BeginFilling();
            return store;
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

    /// <inheritdoc/>
    public bool IsShared => false;

    /// <inheritdoc/>
    public ValueTask<LedgerHead> ReadHeadAsync() =>
        ReadAsync(session => session.First("SELECT origin, size, frontier, minimum FROM head", row => new LedgerHead(row.GetString(0), row.GetInt64(1), row.GetBytes(2), Minimum: row.GetInt64(3)))!);

    /// <inheritdoc/>
    public ValueTask<string?> ReadKeyHistoryAsync() => new((string?)null);

    /// <inheritdoc/>
    public ValueTask<string?> ReadCheckpointOverAsync(long index) =>
        ReadAsync(session => session.First("SELECT note FROM checkpoints WHERE tree_size > $1 ORDER BY tree_size LIMIT 1", row => row.GetString(0), index));

    /// <inheritdoc/>
    public ValueTask<string?> ReadCheckpointAsync(long treeSize) =>
        ReadAsync(session => session.First("SELECT note FROM checkpoints WHERE tree_size = $1", row => row.GetString(0), treeSize));

    /// <inheritdoc/>
    public ValueTask<string?> SettledCheckpointAsync(long treeSize) => ReadCheckpointAsync(treeSize);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Touched>> ReadTouchedAsync(long after, long treeSize) => new([]);

    /// <inheritdoc/>
    public Task WatchAsync(Action moved, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public byte[]? ReadTile(TileId id) =>
        Read(session => session.First("SELECT hashes FROM tiles WHERE level = $1 AND idx = $2", row => row.GetBytes(0), id.Level, id.Index));

    /// <inheritdoc/>
    public ValueTask<List<StoredSpan>> ReadEntriesAsync(long from, int limit) =>
        ReadAsync(session => session.All($"SELECT {StoredColumns} FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2", StoredSpan, from, limit));

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredRow> RowsAsync(long after, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var rows = new SqliteRows(new SqliteSession(_path, readOnly: true));
        foreach (var row in rows.Read(after))
        {
            cancel.ThrowIfCancellationRequested();
            yield return row;
        }
        await Task.CompletedTask; // an embedded store answers at once
    }

    /// <inheritdoc/>
    public ValueTask<List<byte[]>> ReadEntryBytesAsync(long from, int count) =>
        ReadAsync(session => session.All("SELECT entry FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx", row => row.GetBytes(0), from, from + count));

    // An embedded store answers before it returns: the task is complete.
    private ValueTask<T> ReadAsync<T>(Func<SqliteSession, T> read) => new(Read(read));

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
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _filling;
        _closing.Dispose();
        while (_readers.TryTake(out var session))
        {
            session.Dispose();
        }
        _writer.Dispose();
        _turn.Dispose();
    }
}
