using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// Which keys a shared ledger is signed by. The head names them, so that whoever has it locked to write a batch knows that they are his; their history lies beside it, and both change in one
/// transaction, with the head locked: no batch is signed by keys of before after one that is signed by keys of then.
/// </summary>
public sealed partial class PostgresLedgerStore
{
    // As KeyHistory says it.
    private const string SignedBy = "log_key || ' ' || span_key";

    /// <inheritdoc/>
    public ValueTask<string?> ReadKeyHistoryAsync() => FirstAsync("SELECT history FROM key_history", row => row.GetString(0));

    /// <summary>Kid of the webhook key of the ledger, from which the secrets of its webhooks are derived; null when the database holds no ledger.</summary>
    internal ValueTask<string?> ReadWebhookKidAsync() => FirstAsync("SELECT webhook_key FROM head", row => row.GetString(0));

    /// <summary>Begins the log in an empty database. When another gateway was faster, nothing is changed.</summary>
    internal async ValueTask CreateAsync(string origin, KeyHistory history, string webhookKid) => await ExecuteAsync(
        "WITH made AS (INSERT INTO head VALUES(1, $1, $2, $3, 0, '', $4) ON CONFLICT DO NOTHING RETURNING id) INSERT INTO key_history SELECT id, $5 FROM made",
        origin, history.Kids("log"), history.Kids("span"), webhookKid, history.ToString());

    /// <summary>Changes the history of the keys while nobody writes, and tells all gateways.</summary>
    /// <param name="change">Gets the log's name, how many entries there are, and the history, and changes that.</param>
    internal async ValueTask ReplaceKeysAsync(Action<string, long, KeyHistory> change)
    {
        try
        {
            await using var connection = await _writers.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            KeyHistory history;
            await using (var read = new NpgsqlCommand("SELECT h.origin, h.size, k.history FROM head h, key_history k FOR UPDATE OF h", connection, transaction))
            await using (var row = await read.ExecuteReaderAsync())
            {
                if (!await row.ReadAsync())
                {
                    throw new DataFolderException("The database holds no ledger: there is no key to replace.");
                }
                history = KeyHistory.Parse(row.GetString(2));
                change(row.GetString(0), row.GetInt64(1), history);
            }
            await using var batch = new NpgsqlBatch(connection, transaction);
            foreach (var statement in Name(history).Append(new PostgresStatement("SELECT pg_notify($1, '')", null, Channel)))
            {
                batch.BatchCommands.Add(statement.ForBatch());
            }
            await batch.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }

    /// <summary>The statements by which head and history name the keys.</summary>
    internal static IEnumerable<PostgresStatement> Name(KeyHistory history) =>
    [
        new("UPDATE head SET log_key = $1, span_key = $2", null, history.Kids("log"), history.Kids("span")),
        new("INSERT INTO key_history VALUES(1, $1) ON CONFLICT (id) DO UPDATE SET history = excluded.history", null, history.ToString()),
    ];
}
