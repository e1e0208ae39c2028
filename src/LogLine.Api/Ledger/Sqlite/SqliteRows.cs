using LogLine.Protocol.Merkle;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// Every row of a ledger, in the order in which a verification takes them (<see cref="LedgerAudit"/>). The log is read in pieces, each a short transaction of its own,
/// so that a gateway beside it can go on and its write-ahead log does not grow; what is left of it, the other tables and the head are one snapshot.
/// </summary>
internal sealed class SqliteRows : IDisposable
{
    private const int Piece = 4096;

    private static readonly string[] OfTheLog = ["entries", "tiles", "checkpoints", "head"];

    private readonly SqliteSession _session;
    private readonly Dictionary<string, RowTable> _tables;

    public SqliteRows(SqliteSession session)
    {
        _session = session;
        _tables = SqliteTables.Read(session).ToDictionary(table => table.Name);
    }

    /// <summary>The entries from <paramref name="after"/> on, with the tiles and checkpoints that they complete, then all other rows.</summary>
    public IEnumerable<StoredRow> Read(long after)
    {
        var next = after;
        while (true)
        {
            _session.Script("BEGIN");
            try
            {
                var size = _session.First("SELECT size FROM head", row => row.GetInt64(0));
                var isLast = size - next <= Piece;
                // What lies beyond the head is shown as well: it should not be there.
                var end = isLast ? long.MaxValue : next + Piece;
                foreach (var row in Log(next, end).Concat(isLast ? Rest() : []))
                {
                    yield return row;
                }
                if (isLast)
                {
                    yield break;
                }
                next = end;
            }
            finally
            {
                _session.Script("COMMIT");
            }
        }
    }

    private IEnumerable<StoredRow> Log(long from, long end)
    {
        for (var level = 0; level < 8; level++)
        {
            var shift = TileId.Height * (level + 1);
            foreach (var row in Select("tiles", "level = $1 AND idx >= $2 AND idx < $3", level, from >> Math.Min(shift, 62), end >> Math.Min(shift, 62)))
            {
                yield return row;
            }
        }
        foreach (var row in Select("checkpoints", "tree_size > $1 AND tree_size <= $2", from, end))
        {
            yield return row;
        }
        foreach (var row in Select("entries", "idx >= $1 AND idx < $2", from, end))
        {
            yield return row;
        }
    }

    private IEnumerable<StoredRow> Rest() =>
        _tables.Keys.Except(OfTheLog).Order(StringComparer.Ordinal).Append("head").SelectMany(table => Select(table, "1"));

    private IEnumerable<StoredRow> Select(string name, string where, params object?[] values)
    {
        var table = _tables[name];
        var count = table.Columns.Count;
        var hasDigest = RowDigest.IsNeeded(name);
        var columns = string.Join(", ", hasDigest ? table.Columns.Append(SqliteTables.Digest) : table.Columns);
        var key = string.Join(", ", table.Key.Select(place => table.Columns[place]));
        return _session.Each(
            $"SELECT {columns} FROM {name} WHERE {where} ORDER BY {key}",
            row => new StoredRow(table, row.GetValues(count), hasDigest ? row.GetValue(count) as long? : null),
            values);
    }

    public void Dispose() => _session.Dispose();
}
