using LogLine.Protocol.Verification;
using SQLitePCL;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// The SQL function <c>row_digest(table, column, …)</c>, which the column <c>digest</c> of each table is generated with (<see cref="RowDigest"/>). It is needed to write
/// only: other programs read the file as it is.
/// </summary>
internal static class SqliteDigest
{
    private const int Room = 1024;

    public static void Compute(sqlite3_context context, object _, sqlite3_value[] values)
    {
        var digest = new RowDigestWriter(raw.sqlite3_value_blob(values[0]), stackalloc byte[Room]);
        foreach (var value in values.AsSpan(1))
        {
            switch (raw.sqlite3_value_type(value))
            {
                case raw.SQLITE_NULL:
                    digest.Null();
                    break;
                case raw.SQLITE_INTEGER:
                    digest.Integer(raw.sqlite3_value_int64(value));
                    break;
                case raw.SQLITE_BLOB:
                    digest.Bytes(raw.sqlite3_value_blob(value));
                    break;
                default:
                    digest.Text(raw.sqlite3_value_blob(value));
                    break;
            }
        }
        raw.sqlite3_result_int64(context, digest.End());
    }
}
