using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>Fills a new file with the rows of a ledger. Until it is complete it has another name, so that nobody opens half of one.</summary>
internal sealed class SqliteImport : ILedgerImport
{
    private const int RowsPerTransaction = 20_000;

    private readonly string _path;
    private readonly string _draft;
    private readonly SqliteSession _session;
    private readonly Dictionary<string, (RowTable Table, string Insert)> _tables;
    private int _written;

    /// <param name="path">The file that there is to be.</param>
    /// <exception cref="DataFolderException">It is there already.</exception>
    public SqliteImport(string path)
    {
        if (File.Exists(path))
        {
            throw new DataFolderException($"{path} exists. Move it away first: nothing is overwritten.");
        }
        (_path, _draft) = (path, path + ".importing");
        Remove();
        _session = new SqliteSession(_draft, readOnly: false);
        _session.Script("PRAGMA synchronous = OFF"); // a crash leaves a file that is thrown away
        _session.Script(SqliteSchema.Tables);
        _session.Script("BEGIN");
        _tables = SqliteTables.Read(_session).ToDictionary(
            table => table.Name, table => (table, $"INSERT INTO {table.Name} VALUES({string.Join(',', Enumerable.Range(1, table.Columns.Count).Select(place => "$" + place))})"));
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(StoredRow row)
    {
        if (ImportedRow.IsOfARunningGateway(row))
        {
            return default;
        }
        if (!_tables.TryGetValue(row.Table.Name, out var table))
        {
            throw new DataFolderException($"This program knows no table '{row.Table.Name}': it is older or newer than the one that wrote the export.");
        }
        _session.Execute(table.Insert, ImportedRow.For(table.Table, row));
        if (++_written % RowsPerTransaction == 0)
        {
            _session.Script("COMMIT; BEGIN");
        }
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<LedgerHead> ReadHeadAsync() => new(SqliteNaming.Head(_session));

    /// <inheritdoc/>
    public ValueTask<string?> ReadLastCheckpointAsync() => new(SqliteNaming.LastCheckpoint(_session));

    /// <inheritdoc/>
    public ValueTask NameAsync(string origin, string? note, ServerKeys keys)
    {
        SqliteNaming.Name(_session, origin, note);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask CommitAsync()
    {
        _session.Execute($"PRAGMA user_version = {SqliteSchema.Version}");
        _session.Script("COMMIT; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
        _session.Dispose();
        File.Move(_draft, _path);
        return default;
    }

    public ValueTask DisposeAsync()
    {
        _session.Dispose();
        Remove();
        return default;
    }

    private void Remove()
    {
        foreach (var file in (string[])[_draft, _draft + "-wal", _draft + "-shm", _draft + "-journal"])
        {
            File.Delete(file);
        }
    }
}

/// <summary>Head and last checkpoint of a file that no gateway has open.</summary>
internal static class SqliteNaming
{
    public static LedgerHead Head(SqliteSession session) =>
        session.First("SELECT origin, size, frontier FROM head", row => new LedgerHead(row.GetString(0), row.GetInt64(1), row.GetBytes(2))) ?? throw new DataFolderException("There is no head: it is no ledger.");

    public static string? LastCheckpoint(SqliteSession session) => session.First("SELECT note FROM checkpoints ORDER BY tree_size DESC LIMIT 1", row => row.GetString(0));

    /// <summary>Gives the log another name; the note is the checkpoint over all that it holds.</summary>
    public static void Name(SqliteSession session, string origin, string? note)
    {
        if (note is not null)
        {
            session.Execute("INSERT OR REPLACE INTO checkpoints SELECT size, $1 FROM head", note);
        }
        session.Execute("UPDATE head SET origin = $1", origin);
    }
}
