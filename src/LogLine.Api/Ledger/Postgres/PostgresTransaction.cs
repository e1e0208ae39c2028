using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// The writer's transaction, in three round trips however large the batch: begin and lock the head; everything that the pieces change, in one pipeline, hoping
/// for no conflict, since the gate has looked; tiles, checkpoint, head, and the commit. A conflict is rare: then each half of the pieces is written, and so on.
/// </summary>
public sealed partial class PostgresLedgerStore
{
    /// <inheritdoc/>
    public async ValueTask<ILedgerTransaction> BeginAsync(DateTimeOffset now)
    {
        try
        {
            if (_writer is not { FullState: System.Data.ConnectionState.Open })
            {
                await DropWriterAsync();
                _writer = await _writers.OpenConnectionAsync();
            }
            await using var batch = Batch(_writer, ["BEGIN", $"SELECT size, {SignedBy} FROM head FOR UPDATE"]);
            await using var reader = await batch.ExecuteReaderAsync();
            if (!await reader.ReadAsync())
            {
                throw new DataFolderException("The database holds no ledger.");
            }
            return new Transaction(this, _writer, reader.GetInt64(0), reader.GetString(1), now);
        }
        catch (NpgsqlException defect)
        {
            await DropWriterAsync();
            throw new PostgresStoreException(defect);
        }
    }

    private async ValueTask DropWriterAsync()
    {
        if (_writer is { } broken)
        {
            _writer = null;
            await broken.DisposeAsync();
            _writers.Clear(); // never the same connection again: what it was doing may not have ended
        }
    }

    /// <summary>Before they are written: a request that is judged again because they were there already asks for them.</summary>
    private void Remember(IReadOnlyList<LedgerPiece> pieces)
    {
        foreach (var piece in pieces)
        {
            if (piece.Request?.Nonce is { } consumed)
            {
                _latest.Add(consumed.Nonce);
            }
            foreach (var row in piece.Rows)
            {
                _latest.Add(row.Entry.This);
            }
        }
    }

    private static NpgsqlBatch Batch(NpgsqlConnection connection, IEnumerable<string> statements)
    {
        var batch = new NpgsqlBatch(connection);
        foreach (var statement in statements)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        }
        return batch;
    }

    private sealed class Transaction(PostgresLedgerStore store, NpgsqlConnection connection, long size, string signedBy, DateTimeOffset now) : ILedgerTransaction
    {
        private long _next = size;
        private bool _ended;

        public long Size { get; } = size;

        public string? SignedBy => signedBy;

        public async ValueTask<IReadOnlyList<AppendConflict?>> WriteAsync(IReadOnlyList<LedgerPiece> pieces)
        {
            try
            {
                store.Remember(pieces);
                var conflicts = new AppendConflict?[pieces.Count];
                await WriteAsync(pieces.ToArray(), conflicts);
                return conflicts;
            }
            catch (NpgsqlException defect)
            {
                throw new PostgresStoreException(defect);
            }
        }

        /// <summary>All of the pieces at once; when that fails each half of them, until those that come too late stand alone.</summary>
        private async Task WriteAsync(ArraySegment<LedgerPiece> pieces, ArraySegment<AppendConflict?> conflicts)
        {
            if (pieces.Count == 1)
            {
                conflicts[0] = await TryWriteAsync(pieces, hoping: false);
            }
            else if (pieces.Count > 1 && !(PostgresPieces.AreIndependent(pieces) && await HopeAsync(pieces)))
            {
                var half = pieces.Count / 2;
                await WriteAsync(pieces[..half], conflicts[..half]);
                await WriteAsync(pieces[half..], conflicts[half..]);
            }
        }

        /// <summary>Writes the pieces; false, and none is written, when one of them has a conflict.</summary>
        private async Task<bool> HopeAsync(IReadOnlyList<LedgerPiece> pieces)
        {
            try
            {
                return await TryWriteAsync(pieces, hoping: true) is null;
            }
            catch (PostgresException defect) when (defect.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                await UndoAsync();
                return false;
            }
        }

        /// <summary>Writes all of the pieces or none; the first conflict in the order of the statements, or null.</summary>
        private async Task<AppendConflict?> TryWriteAsync(IReadOnlyList<LedgerPiece> pieces, bool hoping)
        {
            var statements = PostgresPieces.Of(pieces, _next, now, hoping);
            await using var batch = Batch(connection, ["SAVEPOINT pieces"]);
            foreach (var statement in statements)
            {
                batch.BatchCommands.Add(statement.ForBatch());
            }
            await using (var reader = await batch.ExecuteReaderAsync())
            {
                // Rows that were found are only counted; the counts stand at the commands once all is read.
                do
                {
                    while (await reader.ReadAsync())
                    {
                    }
                }
                while (await reader.NextResultAsync());
            }
            for (var i = 0; i < statements.Count; i++)
            {
                if (statements[i].Conflict is { } conflict && (int)batch.BatchCommands[i + 1].Rows != statements[i].Expected)
                {
                    await UndoAsync();
                    return conflict;
                }
            }
            _next += pieces.Sum(piece => piece.Rows.Count);
            return null;
        }

        private async Task UndoAsync()
        {
            await using var undo = Batch(connection, ["ROLLBACK TO pieces", "RELEASE pieces"]);
            await undo.ExecuteNonQueryAsync();
        }

        public async ValueTask CommitAsync(TreeGrowth? growth)
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var statement in growth is null ? [] : Statements(growth))
            {
                batch.BatchCommands.Add(statement.ForBatch());
            }
            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
            try
            {
                await batch.ExecuteNonQueryAsync();
                _ended = true;
            }
            catch (NpgsqlException defect)
            {
                throw new PostgresStoreException(defect);
            }
        }

        private static IEnumerable<PostgresStatement> Statements(TreeGrowth growth)
        {
            foreach (var (id, hashes) in growth.Tiles)
            {
                yield return new PostgresStatement("INSERT INTO tiles VALUES($1,$2,$3)", null, (long)id.Level, id.Index, hashes);
            }
            yield return new PostgresStatement("INSERT INTO checkpoints VALUES($1,$2,$3)", null, growth.Size, growth.Note, TouchedText.Write(growth.Touched));
            yield return new PostgresStatement("UPDATE head SET size = $1, frontier = $2", null, growth.Size, growth.Frontier);
            yield return new PostgresStatement("SELECT pg_notify($1, $2)", null, Channel, growth.Size.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        public async ValueTask DisposeAsync()
        {
            if (_ended)
            {
                return;
            }
            try
            {
                await using var rollback = Batch(connection, ["ROLLBACK"]);
                await rollback.ExecuteNonQueryAsync();
            }
            catch (Exception defect) when (defect is NpgsqlException or InvalidOperationException)
            {
                // The connection is broken; the server rolls back when it notices.
                await store.DropWriterAsync();
            }
        }
    }
}
