using SQLitePCL;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// One connection with its statements prepared once. Not for two threads at a time, so the engine takes no locks of its own. It speaks to SQLite
/// directly: through ADO.NET every statement would look up each parameter by its name, each time.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly sqlite3 _database;
    private readonly Dictionary<string, SqliteStatement> _statements = [];

    static SqliteSession() => Batteries_V2.Init();

    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public SqliteSession(string path, bool readOnly) : this(path, readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE)
    {
        try
        {
            // Not mapped: each connection would have its own 256 MiB of the file in the process's resident memory as soon as it has looked through them, and what comes behind them is read anyway.
            Script("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192; PRAGMA mmap_size = 0");
            if (!readOnly)
            {
                raw.sqlite3_create_function(_database, "row_digest", -1, raw.SQLITE_UTF8 | raw.SQLITE_DETERMINISTIC, null, SqliteDigest.Compute);
                // Pages that hold five spans of 1 KiB, where the usual 4096 hold two and a gap. WAL and FULL: a commit is on the disk when it answers, and readers never
                // wait for it. Checkpoints come often and are small (4 MiB): a commit that has to wait for one waits for milliseconds.
                Script("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 512; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private SqliteSession(string path, int access)
    {
        var opened = raw.sqlite3_open_v2(path, out _database, access | raw.SQLITE_OPEN_NOMUTEX, null);
        try
        {
            SqliteException.Check(_database, opened);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs several statements without values, once.</summary>
    public void Script(string sql) => SqliteException.Check(_database, raw.sqlite3_exec(_database, sql));

    /// <summary>Runs a statement; the number of rows that it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        var statement = Prepare(sql);
        try
        {
            statement.Bind(values);
            while (statement.Step())
            {
            }
            return raw.sqlite3_changes(_database);
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>The first row, or the type's default.</summary>
    public T? First<T>(string sql, Func<SqliteRow, T> read, params ReadOnlySpan<object?> values)
    {
        var statement = Prepare(sql);
        try
        {
            statement.Bind(values);
            return statement.Step() ? read(statement.Row) : default;
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>All rows; the statement bounds their number.</summary>
    public List<T> All<T>(string sql, Func<SqliteRow, T> read, params ReadOnlySpan<object?> values)
    {
        var statement = Prepare(sql);
        try
        {
            statement.Bind(values);
            var rows = new List<T>();
            while (statement.Step())
            {
                rows.Add(read(statement.Row));
            }
            return rows;
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>All rows, one after the other, as they are asked for: for tables of any length.</summary>
    public IEnumerable<T> Each<T>(string sql, Func<SqliteRow, T> read, params object?[] values)
    {
        var statement = Prepare(sql);
        try
        {
            statement.Bind(values);
            while (statement.Step())
            {
                yield return read(statement.Row);
            }
        }
        finally
        {
            statement.Reset();
        }
    }

    /// <summary>Copies the whole database as it is committed now into a new file, while others read and write it.</summary>
    public void CopyTo(string path)
    {
        using var copy = new SqliteSession(path, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_EXCLUSIVE);
        using (var backup = raw.sqlite3_backup_init(copy._database, "main", _database, "main"))
        {
            // All pages in one step: one snapshot, which no writer makes it begin again.
            var result = raw.sqlite3_backup_step(backup, -1);
            if (result != raw.SQLITE_DONE)
            {
                SqliteException.Check(_database, result);
            }
        }
        copy.Script("PRAGMA journal_mode = DELETE"); // one file, and nothing beside it
    }

    private SqliteStatement Prepare(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            _statements.Add(sql, statement = new SqliteStatement(_database, sql));
        }
        return statement;
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }
        _database.Dispose();
    }
}
