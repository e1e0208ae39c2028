using LogLine.Protocol.Merkle;
using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// The store that several gateways share: one PostgreSQL database. Readers take connections from a pool; the one writer of this gateway has a connection
/// of its own, and the row <c>head</c>, locked from the begin of a batch to its end, lets one gateway at a time extend the log.
/// </summary>
public sealed partial class PostgresLedgerStore : ILedgerStore
{
    private const int Attempts = 2;
    private const int BatchBytes = 128 << 10; // sixty spans of 1 KiB leave in one piece, and wake the server once

    // Every statement finds its rows by an index. Tables that grow by thousands of rows a second are never what the planner's statistics say.
    private const string ByIndex = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";
    private readonly NpgsqlDataSource _readers;
    private readonly NpgsqlDataSource _writers;
    private readonly TimeProvider _time;
    private NpgsqlConnection? _writer;

    private PostgresLedgerStore(NpgsqlDataSource readers, NpgsqlDataSource writers, TimeProvider time)
    {
        (_readers, _writers, _time) = (readers, writers, time);
        _spans = Lookup("t." + StoredColumns.Replace(", ", ", t.", StringComparison.Ordinal), "entries", "this", row => StoredSpan(row, 2));
        _keys = Lookup("t.fingerprint, t.first, t.items, t.expires", "idempotency", "key", row => new KeyUntil(new BoundKey(Bytes(row, 2), row.GetInt64(3), Text(row, 4)), Time(row, 5)!.Value));
        _nonces = Lookup("t.nonce", "nonces", "nonce", row => true);
    }

    /// <inheritdoc/>
    public bool IsShared => true;

    /// <summary>Names the database and makes sure that it can be reached and keeps what it says it keeps.</summary>
    /// <param name="connection">A connection string of Npgsql's.</param>
    /// <param name="time">For pauses.</param>
    /// <exception cref="DataFolderException">It cannot be reached, or it does not write what it commits to the disk.</exception>
    public static async Task<PostgresLedgerStore> ConnectAsync(string connection, TimeProvider time)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection) { MaxAutoPrepare = 200, AutoPrepareMinUsages = 2, ApplicationName = "logline", IncludeErrorDetail = false };
        settings.Options = $"{settings.Options} {ByIndex}".Trim();
        settings.NoResetOnClose = true; // whoever reads sets nothing that outlives its transaction
        var readers = NpgsqlDataSource.Create(settings);
        settings.NoResetOnClose = false;
        // One that writes, one that listens. A gateway that stops in the middle of a batch (a paused machine) is made to let go of the head.
        settings.MaxPoolSize = 2;
        settings.WriteBufferSize = BatchBytes;
        settings.Options = $"{settings.Options} -c idle_in_transaction_session_timeout=5000".Trim();
        var store = new PostgresLedgerStore(readers, NpgsqlDataSource.Create(settings), time);
        try
        {
            foreach (var setting in (string[])["fsync", "synchronous_commit"])
            {
                if (await store.FirstAsync($"SHOW {setting}", row => row.GetString(0)) == "off")
                {
                    throw new DataFolderException($"The database runs with {setting} = off: what it commits can be lost, so no answer of the gateway would be true. Set it to on.");
                }
            }
            return store;
        }
        catch (Exception defect)
        {
            await store.DisposeAsync();
            throw defect is PostgresStoreException ? new DataFolderException($"The database of ConnectionStrings:Ledger cannot be used. {defect.Message}", defect) : defect;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LedgerHead> ReadHeadAsync() =>
        await FirstAsync($"SELECT origin, size, frontier, {SignedBy}, minimum FROM head", row => new LedgerHead(row.GetString(0), row.GetInt64(1), Bytes(row, 2), row.GetString(3), row.GetInt64(4)))
        ?? throw new DataFolderException("The database holds no ledger.");

    /// <inheritdoc/>
    public ValueTask<string?> ReadCheckpointOverAsync(long index) =>
        FirstAsync("SELECT note FROM checkpoints WHERE tree_size > $1 ORDER BY tree_size LIMIT 1", row => row.GetString(0), index);

    /// <inheritdoc/>
    public ValueTask<string?> ReadCheckpointAsync(long treeSize) =>
        FirstAsync("SELECT note FROM checkpoints WHERE tree_size = $1", row => row.GetString(0), treeSize);

    /// <inheritdoc/>
    public async ValueTask<string?> SettledCheckpointAsync(long treeSize)
    {
        // A transaction of ours whose connection broke may still be under way in the server: it holds the head, so having the head means that it has ended.
        await using var transaction = await BeginAsync(_time.GetUtcNow());
        return await ReadCheckpointAsync(treeSize);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<Touched>> ReadTouchedAsync(long after, long treeSize) =>
        [.. (await AllAsync("SELECT touched FROM checkpoints WHERE tree_size > $1 AND tree_size <= $2 AND touched IS NOT NULL ORDER BY tree_size",
            row => row.GetString(0), after, treeSize)).SelectMany(TouchedText.Read)];

    /// <inheritdoc/>
    public byte[]? ReadTile(TileId id)
    {
        using var command = _readers.CreateCommand("SELECT hashes FROM tiles WHERE level = $1 AND idx = $2");
        Bind(command, [(long)id.Level, id.Index]);
        try
        {
            return (byte[]?)command.ExecuteScalar();
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }

    /// <inheritdoc/>
    public ValueTask<List<StoredSpan>> ReadEntriesAsync(long from, int limit) =>
        AllAsync($"SELECT {StoredColumns} FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2", StoredSpan, from, limit);

    /// <inheritdoc/>
    public ValueTask<List<byte[]>> ReadEntryBytesAsync(long from, int count) =>
        AllAsync("SELECT entry FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2", row => Bytes(row, 0), from, count);

    private async ValueTask<T?> FirstAsync<T>(string sql, Func<NpgsqlDataReader, T> read, params PostgresParameter[] parameters)
    {
        var rows = await AllAsync(sql, read, parameters);
        return rows.Count == 0 ? default : rows[0];
    }

    private async ValueTask<List<T>> AllAsync<T>(string sql, Func<NpgsqlDataReader, T> read, params PostgresParameter[] parameters)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var command = _readers.CreateCommand(sql);
                Bind(command, parameters);
                await using var reader = await command.ExecuteReaderAsync();
                var rows = new List<T>();
                while (await reader.ReadAsync())
                {
                    rows.Add(read(reader));
                }
                return rows;
            }
            catch (NpgsqlException defect) when (defect is not PostgresException { IsTransient: false } && attempt < Attempts)
            {
                // A connection of the pool from before a restart of the server: a read can be done again.
            }
            catch (NpgsqlException defect)
            {
                throw new PostgresStoreException(defect);
            }
        }
    }

    private static void Bind(NpgsqlCommand command, ReadOnlySpan<PostgresParameter> parameters)
    {
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter.ForCommand());
        }
    }

    /// <summary>Runs one statement in a transaction of its own; the number of rows that it changed.</summary>
    private async ValueTask<int> ExecuteAsync(string sql, params PostgresParameter[] parameters)
    {
        try
        {
            await using var command = _readers.CreateCommand(sql);
            Bind(command, parameters);
            return await command.ExecuteNonQueryAsync();
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_writer is not null)
        {
            await _writer.DisposeAsync();
        }
        await _writers.DisposeAsync();
        await _readers.DisposeAsync();
    }
}
