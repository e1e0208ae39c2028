using System.Text;
using LogLine.Protocol.Spans;
using SQLitePCL;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>A prepared statement. Its parameters are written <c>$1</c>, <c>$2</c> …, in any order and as often as needed.</summary>
internal sealed class SqliteStatement : IDisposable
{
    private const int MostShort = 160;

    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly int[] _places;

    public SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        SqliteException.Check(database, raw.sqlite3_prepare_v2(database, sql, out _statement));
        // SQLite counts parameters as they appear in the text; here they are found by their names, once.
        _places = [.. Enumerable.Range(1, raw.sqlite3_bind_parameter_count(_statement)).Select(number => raw.sqlite3_bind_parameter_index(_statement, "$" + number))];
    }

    /// <summary>The row that the last step arrived at.</summary>
    public SqliteRow Row => new(_statement);

    public void Bind(ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            Check(Bind(_places[i], values[i]));
        }
    }

    private int Bind(int place, object? value) => value switch
    {
        null => raw.sqlite3_bind_null(_statement, place),
        long number => raw.sqlite3_bind_int64(_statement, place, number),
        int number => raw.sqlite3_bind_int64(_statement, place, number),
        string text => BindText(place, text),
        SpanDocument span => raw.sqlite3_bind_blob(_statement, place, span.Utf8),
        byte[] { Length: 0 } => raw.sqlite3_bind_zeroblob(_statement, place, 0), // a blob of nothing, which is not null
        byte[] bytes => raw.sqlite3_bind_blob(_statement, place, bytes),
        _ => throw new ArgumentException($"There is no column for a {value.GetType().Name}.", nameof(value)),
    };

    // SQLite keeps a copy of its own, so that short texts need none here.
    private int BindText(int place, string text)
    {
        Span<byte> utf8 = stackalloc byte[MostShort * 3];
        return text.Length is > 0 and <= MostShort ? raw.sqlite3_bind_text(_statement, place, utf8[..Encoding.UTF8.GetBytes(text, utf8)]) : raw.sqlite3_bind_text(_statement, place, text);
    }

    /// <summary>True when there is a row; false at the end.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(_statement);
        if (result is not (raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            Check(result);
        }
        return result == raw.SQLITE_ROW;
    }

    /// <summary>Ends the execution, which lets go of what it read. Its result only repeats what the last step said.</summary>
    public void Reset() => _ = raw.sqlite3_reset(_statement);

    private void Check(int result) => SqliteException.Check(_database, result);

    public void Dispose() => _statement.Dispose();
}

/// <summary>A row of a result, for as long as its statement stands on it.</summary>
internal readonly struct SqliteRow(sqlite3_stmt statement)
{
    public bool IsDBNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    public long GetInt64(int column) => raw.sqlite3_column_int64(statement, column);

    public int GetInt32(int column) => raw.sqlite3_column_int(statement, column);

    public bool GetBoolean(int column) => GetInt64(column) != 0;

    public string GetString(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();

    /// <summary>A text, without a string where it fits into the room.</summary>
    public ReadOnlySpan<char> GetChars(int column, char[] room)
    {
        var utf8 = raw.sqlite3_column_blob(statement, column);
        return utf8.Length <= room.Length ? room.AsSpan(0, Encoding.UTF8.GetChars(utf8, room)) : GetString(column);
    }

    /// <summary>The value as it is stored: null, <see cref="long"/>, <see cref="string"/> or bytes. A float, which no column has, shows as its digits.</summary>
    public object? GetValue(int column) => raw.sqlite3_column_type(statement, column) switch
    {
        raw.SQLITE_NULL => null,
        raw.SQLITE_INTEGER => GetInt64(column),
        raw.SQLITE_BLOB => GetBytes(column),
        _ => GetString(column),
    };

    /// <summary>The values of the first columns.</summary>
    public object?[] GetValues(int count)
    {
        var values = new object?[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = GetValue(i);
        }
        return values;
    }

    public byte[] GetBytes(int column) => raw.sqlite3_column_blob(statement, column).ToArray();
}

/// <summary>SQLite refused or failed; the message is its own.</summary>
internal sealed class SqliteException(int code, string message) : LedgerStoreException($"SQLite error {code}: {message}")
{
    /// <exception cref="SqliteException">The result is an error.</exception>
    public static void Check(sqlite3 database, int result)
    {
        if (result != raw.SQLITE_OK)
        {
            throw new SqliteException(result, database.IsInvalid ? raw.sqlite3_errstr(result).utf8_to_string() : raw.sqlite3_errmsg(database).utf8_to_string());
        }
    }
}
