namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// Which names of spans and which nonces are surely new. A span that is sent for the first time, which is nearly every one, costs no read for that; the transaction
/// holds it against the tables all the same.
/// </summary>
public sealed partial class SqliteLedgerStore
{
    private const int NamesBytes = 8 << 20; // four million names at 16 bits each
    private const int Chunk = 5000;
    private const int NameRoom = 256;

    /// <summary>The minutes of the table one after the other, and in each the nonce: there are about twenty.</summary>
    private const string FindNonce = """
        WITH RECURSIVE minutes(minute) AS (
          SELECT min(minute) FROM nonces UNION ALL
          SELECT (SELECT min(n.minute) FROM nonces n WHERE n.minute > minutes.minute) FROM minutes WHERE minutes.minute IS NOT NULL)
        SELECT 1 FROM minutes JOIN nonces n ON n.minute = minutes.minute AND n.tenant = $1 AND n.nonce = $2 LIMIT 1
        """;

    private readonly NameFilter _names = new(NamesBytes);
    private readonly RecentNonces _nonces = new();
    private readonly CancellationTokenSource _closing = new();
    private volatile bool _filled;
    private Task _filling = Task.CompletedTask;

    /// <inheritdoc/>
    public bool MayHaveWritten(string name) => true;

    private bool IsSurelyNew(string name) => _filled && !_names.MayHold(name);

    private bool IsSurelyFresh(string nonce) => _filled && !_nonces.MayHold(nonce);

    /// <summary>Consumes a nonce; false when it was before.</summary>
    private bool ConsumeNonce(string tenant, string nonce, DateTimeOffset until)
    {
        if (!IsSurelyFresh(nonce) && _writer.First(FindNonce, row => true, tenant, nonce))
        {
            return false;
        }
        _nonces.Add(nonce, Minute(until));
        _writer.Execute("INSERT INTO nonces VALUES($1,$2,$3)", Minute(until), tenant, nonce);
        return true;
    }

    /// <summary>Reads what an earlier process left, beside everything else; until that is done, the tables are asked. In a session of its own, which takes the pages that it read with it.</summary>
    private void BeginFilling() => _filling = Task.Run(() =>
    {
        try
        {
            using var session = new SqliteSession(_path, readOnly: true);
            ForEach(session, "SELECT minute, tenant, nonce FROM nonces WHERE (minute, tenant, nonce) > ($1, $2, $3) ORDER BY minute, tenant, nonce LIMIT $4", (nonce, minute) => _nonces.Add(nonce, minute));
            ForEach(session, "SELECT 0, tenant, this FROM entries WHERE $1 = 0 AND (tenant, this) > ($2, $3) ORDER BY tenant, this LIMIT $4", (name, _) => _names.Add(name));
            _filled = !_closing.IsCancellationRequested;
        }
        catch (SqliteException)
        {
            // The tables are asked: slower, and as right.
        }
    });

    private delegate void AddName(ReadOnlySpan<char> name, long minute);

    /// <summary>Goes through a table in chunks, so that the write-ahead log is not held for long, and makes no string of what it only hashes.</summary>
    private void ForEach(SqliteSession session, string sql, AddName add)
    {
        var (last, room) = ((Minute: 0L, Tenant: "", Name: ""), new char[NameRoom]);
        for (var rows = Chunk; rows == Chunk && !_closing.IsCancellationRequested;)
        {
            rows = 0;
            foreach (var row in session.Each(sql, row => row, last.Minute, last.Tenant, last.Name, Chunk))
            {
                add(row.GetChars(2, room), row.GetInt64(0));
                if (++rows == Chunk)
                {
                    last = (row.GetInt64(0), row.GetString(1), row.GetString(2));
                }
            }
        }
    }

    private static long Minute(DateTimeOffset time) => time.ToUnixTimeSeconds() / 60;
}
