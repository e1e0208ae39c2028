using System.Runtime.CompilerServices;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Verification;
using Npgsql;
using System.Data;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>Every row of the ledger, in the order in which a verification takes them.</summary>
public sealed partial class PostgresLedgerStore
{
    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredRow> RowsAsync(long after, [EnumeratorCancellation] CancellationToken cancel)
    {
        NpgsqlConnection connection;
        try
        {
            connection = await _readers.OpenConnectionAsync(cancel);
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
        await using var opened = connection;
        var tables = await PostgresTables.ReadAsync(connection, cancel);
        var rows = new PostgresRows(connection, tables.ToDictionary(table => table.Name));
        await using var all = rows.ReadAsync(after, cancel).GetAsyncEnumerator(cancel);
        while (true)
        {
            try
            {
                if (!await all.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (NpgsqlException defect)
            {
                throw new PostgresStoreException(defect);
            }
            yield return all.Current;
        }
    }
}

/// <summary>
/// Reads the log in pieces, each a short snapshot of its own, so that nothing that is written meanwhile has to be kept for it; what is left of the log when its end is near,
/// the other tables and the head are one snapshot.
/// </summary>
internal sealed class PostgresRows(NpgsqlConnection connection, IReadOnlyDictionary<string, PostgresTable> tables)
{
    private const int Piece = 4096;
    private const int TileLevels = 8;

    private static readonly string[] OfTheLog = ["entries", "tiles", "checkpoints", "head"];

    public async IAsyncEnumerable<StoredRow> ReadAsync(long after, [EnumeratorCancellation] CancellationToken cancel)
    {
        for (var (next, isLast) = (after, false); !isLast; next += Piece)
        {
            await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel);
            isLast = await SizeAsync(cancel) - next <= Piece;
            // What lies beyond the head is shown as well: it should not be there.
            var parts = Log(next, isLast ? long.MaxValue : next + Piece).Concat(isLast ? Rest() : []);
            foreach (var (table, where) in parts)
            {
                await foreach (var row in SelectAsync(tables[table], where, cancel))
                {
                    yield return row;
                }
            }
            await snapshot.CommitAsync(cancel);
        }
    }

    private static IEnumerable<(string Table, string Where)> Log(long from, long end)
    {
        for (var level = 0; level < TileLevels; level++)
        {
            var shift = Math.Min(TileId.Height * (level + 1), 62);
            yield return ("tiles", $"level = {level} AND idx >= {from >> shift} AND idx < {end >> shift}");
        }
        yield return ("checkpoints", $"tree_size > {from} AND tree_size <= {end}");
        yield return ("entries", $"idx >= {from} AND idx < {end}");
    }

    private IEnumerable<(string Table, string Where)> Rest() => tables.Keys.Except(OfTheLog).Order(StringComparer.Ordinal).Append("head").Select(table => (table, "true"));

    private async Task<long> SizeAsync(CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT size FROM head", connection);
        return await command.ExecuteScalarAsync(cancel) as long? ?? throw new DataFolderException("The database holds no ledger.");
    }

    private async IAsyncEnumerable<StoredRow> SelectAsync(PostgresTable table, string where, [EnumeratorCancellation] CancellationToken cancel)
    {
        var count = table.Shape.Columns.Count;
        await using var command = new NpgsqlCommand($"SELECT {string.Join(", ", table.HasDigest ? table.Shape.Columns.Append("digest") : table.Shape.Columns)} FROM {table.Name} WHERE {where} ORDER BY {table.Order}", connection);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancel);
        while (await reader.ReadAsync(cancel))
        {
            var values = new object?[count];
            for (var i = 0; i < count; i++)
            {
                values[i] = Value(reader.GetValue(i));
            }
            yield return new StoredRow(table.Shape, values, table.HasDigest && !await reader.IsDBNullAsync(count, cancel) ? reader.GetInt64(count) : null);
        }
    }

    private static object? Value(object value) => value switch
    {
        DBNull => null,
        int number => (long)number,
        bool truth => truth ? 1L : 0L,
        _ => value,
    };
}

/// <summary>A table as the database itself describes it.</summary>
/// <param name="Shape">Its columns and key, without <c>digest</c>.</param>
/// <param name="Types">The type of each column.</param>
/// <param name="HasDigest">Whether its rows carry digests.</param>
internal sealed record PostgresTable(RowTable Shape, IReadOnlyList<string> Types, bool HasDigest)
{
    public string Name => Shape.Name;

    /// <summary>By the bytes of the key, whatever the database's collation is.</summary>
    public string Order => string.Join(", ", Shape.Key.Select(place => Shape.Columns[place] + (Types[place] == "text" ? " COLLATE \"C\"" : "")));
}

/// <summary>Asks the database for its tables: one that is added is exported, verified and imported without a word about it elsewhere.</summary>
internal static class PostgresTables
{
    private const string Columns = """
        SELECT c.table_name, c.column_name, c.data_type, coalesce(array_position(k.conkey, a.attnum), 0)
        FROM information_schema.columns c
        JOIN pg_attribute a ON a.attrelid = format('%I.%I', c.table_schema, c.table_name)::regclass AND a.attname = c.column_name
        JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
        WHERE c.table_schema = current_schema() AND c.table_name <> '__EFMigrationsHistory' ORDER BY c.table_name, c.ordinal_position
        """;

    public static async Task<IReadOnlyList<PostgresTable>> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Columns, connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var columns = new List<(string Table, string Name, string Type, int Key)>();
        while (await reader.ReadAsync(cancel))
        {
            columns.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt32(3)));
        }
        return [.. columns.GroupBy(column => column.Table).Select(table => Of(table.Key, [.. table]))];
    }

    private static PostgresTable Of(string name, List<(string Table, string Name, string Type, int Key)> all)
    {
        var columns = all.Where(column => column.Name != "digest").ToList();
        var key = columns.Select((column, place) => (column.Key, place)).Where(column => column.Key > 0).OrderBy(column => column.Key).Select(column => column.place);
        return new PostgresTable(new RowTable(name, [.. columns.Select(column => column.Name)], [.. key]), [.. columns.Select(column => column.Type)], all.Count > columns.Count);
    }
}
