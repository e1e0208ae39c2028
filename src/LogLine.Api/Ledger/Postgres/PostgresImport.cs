using LogLine.Protocol.Verification;
using Npgsql;
using NpgsqlTypes;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>Fills an empty database with the rows of a ledger, with COPY and in one transaction.</summary>
internal sealed class PostgresImport : ILedgerImport
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;
    private readonly IReadOnlyDictionary<string, PostgresTable> _tables;
    private NpgsqlBinaryImporter? _copy;
    private string? _copied;

    private PostgresImport(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<PostgresTable> tables) =>
        (_connection, _transaction, _tables) = (connection, transaction, tables.ToDictionary(table => table.Name));

    /// <summary>Makes the tables and begins.</summary>
    /// <param name="connection">A connection string of Npgsql's.</param>
    /// <exception cref="DataFolderException">The database cannot be used, or holds a ledger.</exception>
    public static async Task<PostgresImport> BeginAsync(string connection)
    {
        await PostgresLedger.MigrateAsync(connection);
        var opened = new NpgsqlConnection(connection);
        try
        {
            await opened.OpenAsync();
            var tables = await PostgresTables.ReadAsync(opened, CancellationToken.None);
            var transaction = await opened.BeginTransactionAsync();
            await using var occupied = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM head) OR EXISTS (SELECT 1 FROM tenants)", opened, transaction);
            return await occupied.ExecuteScalarAsync() is true
                ? throw new DataFolderException("The database of ConnectionStrings__Ledger holds a ledger. Take an empty one: nothing is overwritten.")
                : new PostgresImport(opened, transaction, tables);
        }
        catch (Exception defect)
        {
            await opened.DisposeAsync();
            throw defect is NpgsqlException broken ? new PostgresStoreException(broken) : defect;
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(StoredRow row) => MendedAsync(async () =>
    {
        if (ImportedRow.IsOfARunningGateway(row))
        {
            return;
        }
        if (!_tables.TryGetValue(row.Table.Name, out var table))
        {
            throw new DataFolderException($"This program knows no table '{row.Table.Name}': it is older or newer than the one that wrote the export.");
        }
        if (_copied != table.Name)
        {
            await EndCopyAsync();
            _copy = await _connection.BeginBinaryImportAsync($"COPY {table.Name} ({string.Join(", ", table.Shape.Columns)}) FROM STDIN (FORMAT BINARY)");
            _copied = table.Name;
        }
        await _copy!.StartRowAsync();
        var values = ImportedRow.For(table.Shape, row);
        for (var i = 0; i < values.Length; i++)
        {
            await WriteAsync(values[i], table.Types[i]);
        }
    });

    /// <inheritdoc/>
    public async ValueTask<LedgerHead> ReadHeadAsync()
    {
        await using var reader = await ReadAsync("SELECT origin, size, frontier FROM head");
        return await reader.ReadAsync() ? new LedgerHead(reader.GetString(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)) : throw new DataFolderException("The rows have no head.");
    }

    /// <inheritdoc/>
    public async ValueTask<string?> ReadLastCheckpointAsync()
    {
        await using var reader = await ReadAsync("SELECT note FROM checkpoints ORDER BY tree_size DESC LIMIT 1");
        return await reader.ReadAsync() ? reader.GetString(0) : null;
    }

    /// <inheritdoc/>
    public ValueTask NameAsync(string origin, string? note, ServerKeys keys) => MendedAsync(async () =>
    {
        await EndCopyAsync();
        await using var batch = new NpgsqlBatch(_connection, _transaction);
        if (note is not null)
        {
            batch.BatchCommands.Add(new PostgresStatement("INSERT INTO checkpoints SELECT size, $1 FROM head ON CONFLICT (tree_size) DO UPDATE SET note = $1", null, note).ForBatch());
        }
        batch.BatchCommands.Add(new PostgresStatement("UPDATE head SET origin = $1, webhook_key = $2", null, origin, keys.WebhookKid).ForBatch());
        foreach (var statement in PostgresLedgerStore.Name(keys.Begin()))
        {
            batch.BatchCommands.Add(statement.ForBatch());
        }
        await batch.ExecuteNonQueryAsync();
    });

    /// <inheritdoc/>
    public ValueTask CommitAsync() => MendedAsync(async () =>
    {
        await EndCopyAsync();
        await _transaction.CommitAsync();
        await using var analyse = new NpgsqlCommand("ANALYZE", _connection);
        await analyse.ExecuteNonQueryAsync();
    });

    public async ValueTask DisposeAsync()
    {
        if (_copy is not null)
        {
            await _copy.DisposeAsync();
        }
        await _connection.DisposeAsync(); // what was not committed is rolled back
    }

    private Task WriteAsync(object? value, string type) => value switch
    {
        null => _copy!.WriteNullAsync(),
        long number when type == "integer" => _copy!.WriteAsync(checked((int)number), NpgsqlDbType.Integer),
        long number when type == "boolean" => _copy!.WriteAsync(number != 0, NpgsqlDbType.Boolean),
        long number => _copy!.WriteAsync(number, NpgsqlDbType.Bigint),
        string text => _copy!.WriteAsync(text, NpgsqlDbType.Text),
        byte[] bytes => _copy!.WriteAsync(bytes, NpgsqlDbType.Bytea),
        _ => throw new DataFolderException($"A row holds no {value.GetType().Name}."),
    };

    private async Task<NpgsqlDataReader> ReadAsync(string sql)
    {
        await EndCopyAsync();
        await using var command = new NpgsqlCommand(sql, _connection, _transaction);
        return await command.ExecuteReaderAsync();
    }

    private async Task EndCopyAsync()
    {
        if (_copy is not null)
        {
            await _copy.CompleteAsync();
            await _copy.DisposeAsync();
            (_copy, _copied) = (null, null);
        }
    }

    private static async ValueTask MendedAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }
}
