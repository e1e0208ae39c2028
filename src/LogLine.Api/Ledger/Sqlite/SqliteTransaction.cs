namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// The writer's transaction: statement by statement, since an embedded engine answers each at once. It hopes for no conflict, since the gate has looked; when there is one, the transaction
/// begins anew with a savepoint around every piece, each of which makes the engine keep a copy of every page that the piece changes.
/// </summary>
public sealed partial class SqliteLedgerStore
{
    /// <inheritdoc/>
    public async ValueTask<ILedgerTransaction> BeginAsync(DateTimeOffset now)
    {
        await _turn.WaitAsync();
        try
        {
            _writer.Execute("BEGIN IMMEDIATE");
            return new Transaction(this, _writer.First("SELECT size FROM head", row => row.GetInt64(0)), now);
        }
        catch
        {
            _turn.Release();
            throw;
        }
    }

    /// <summary>Runs a statement or several beside the log, in a transaction of their own.</summary>
    /// <param name="write">The statements.</param>
    /// <param name="durable">False for what a power failure may take back: it is seen by all at once and outlives the process, but is on the disk for certain only with the next batch.</param>
    private async ValueTask<T> WriteAsync<T>(Func<T> write, bool durable = true)
    {
        await _turn.WaitAsync();
        try
        {
            return durable ? Write(write) : WithoutSync(() => Write(write));
        }
        finally
        {
            _turn.Release();
        }
    }

    private T Write<T>(Func<T> write)
    {
        _writer.Execute("BEGIN IMMEDIATE");
        try
        {
            var result = write();
            _writer.Execute("COMMIT");
            return result;
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    private T WithoutSync<T>(Func<T> write)
    {
        _writer.Script("PRAGMA synchronous = NORMAL"); // compiled each time: it takes effect while it is
        try
        {
            return write();
        }
        finally
        {
            _writer.Script("PRAGMA synchronous = FULL");
        }
    }

    private void Rollback()
    {
        try
        {
            _writer.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // The engine has rolled back by itself (full disk, I/O error): there is nothing left to undo.
        }
    }

    private sealed class Transaction(SqliteLedgerStore store, long size, DateTimeOffset now) : ILedgerTransaction
    {
        private readonly SqliteSession _writer = store._writer;
        private readonly List<LedgerPiece> _written = [];
        private readonly HashSet<(string Tenant, string Kid)> _active = [];
        private readonly HashSet<string> _inForce = [];
        private long _next = size;
        private bool _ended;

        public long Size { get; } = size;

        public string? SignedBy => null;

        public ValueTask<IReadOnlyList<AppendConflict?>> WriteAsync(IReadOnlyList<LedgerPiece> pieces)
        {
            var conflicts = new AppendConflict?[pieces.Count];
            if (!TryWriteAll(pieces))
            {
                _writer.Execute("ROLLBACK");
                _writer.Execute("BEGIN IMMEDIATE");
                Forget();
                for (var i = 0; i < pieces.Count; i++)
                {
                    conflicts[i] = WriteOne(pieces[i]);
                }
            }
            return new(conflicts);
        }

        private bool TryWriteAll(IReadOnlyList<LedgerPiece> pieces)
        {
            foreach (var piece in pieces)
            {
                if (Write(piece) is not null)
                {
                    return false;
                }
                Count(piece);
            }
            return true;
        }

        private AppendConflict? WriteOne(LedgerPiece piece)
        {
            _writer.Execute("SAVEPOINT piece");
            var conflict = Write(piece);
            if (conflict is null)
            {
                Count(piece);
            }
            else
            {
                _writer.Execute("ROLLBACK TO piece");
                Doubt();
            }
            _writer.Execute("RELEASE piece");
            return conflict;
        }

        private void Count(LedgerPiece piece)
        {
            _next += piece.Rows.Count;
            _written.Add(piece);
        }

        private void Forget()
        {
            _next = Size;
            _written.Clear();
            Doubt();
        }

        /// <summary>Which keys and tokens are in force is asked again.</summary>
        private void Doubt()
        {
            _active.Clear();
            _inForce.Clear();
        }

        private AppendConflict? Write(LedgerPiece piece)
        {
            var request = piece.Request;
            if (request?.Nonce is { } nonce && !store.ConsumeNonce(request.Tenant, nonce.Nonce, nonce.Until))
            {
                return AppendConflict.Nonce;
            }
            var index = _next;
            string? principal = null;
            foreach (var row in piece.Rows)
            {
                if (!AreActive(row.Entry.Tenant, row.TrustedKids))
                {
                    return AppendConflict.Signer;
                }
                if (row.IsSubmitted && row.Entry.Principal != principal && !IsInForce(principal = row.Entry.Principal))
                {
                    return AppendConflict.Principal;
                }
                if ((Insert(row, index) ?? Apply(row.Effects, index, request?.Seen ?? long.MaxValue)) is { } conflict)
                {
                    return conflict;
                }
                index++;
            }
            return piece.KeyAt(_next) is { } bound && !Bind(request!, bound) ? AppendConflict.Key : null;
        }

        /// <summary>True when all of these keys may sign at this point of the log. Each is asked for once, until a row changes keys.</summary>
        private bool AreActive(string tenant, IReadOnlyList<string> kids)
        {
            foreach (var kid in kids)
            {
                if (!_active.Contains((tenant, kid)))
                {
                    if (!_writer.First("SELECT 1 FROM keys WHERE tenant = $1 AND kid = $2 AND status = $3", row => true, tenant, kid, (int)KeyStatus.Active))
                    {
                        return false;
                    }
                    _active.Add((tenant, kid));
                }
            }
            return true;
        }

        /// <summary>
        /// True when the token that let in is not revoked at this point of the log. A request has one, and a piece asks before it changes anything; each is asked for once, until a row
        /// revokes one.
        /// </summary>
        private bool IsInForce(string token)
        {
            if (!_inForce.Contains(token))
            {
                if (!_writer.First("SELECT 1 FROM tokens WHERE token_id = $1 AND revoked IS NULL", row => true, token))
                {
                    return false;
                }
                _inForce.Add(token);
            }
            return true;
        }

        private AppendConflict? Insert(LedgerRow row, long index)
        {
            store._names.Add(row.Entry.This);
            return _writer.Execute(
                "INSERT OR IGNORE INTO entries VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
                index, row.EntryBytes, row.Span, row.Entry.Tenant, row.Entry.This, row.Span.Intent, row.Span.Subject, row.RunId, row.Fingerprint, row.Answer) == 1
                ? null
                : AppendConflict.This;
        }

        private AppendConflict? Apply(IReadOnlyList<LedgerEffect> effects, long index, long seen)
        {
            foreach (var effect in effects)
            {
                if (effect is LedgerEffect.KeyRegistered or LedgerEffect.KeyRetired or LedgerEffect.KeyRevoked or LedgerEffect.TokenRevoked)
                {
                    Doubt();
                }
                if (store.Apply(effect, index, seen) is { } conflict)
                {
                    return conflict;
                }
            }
            return null;
        }

        /// <summary>Binds an idempotency key; one that has expired is bound anew.</summary>
        private bool Bind(AppendRequest request, BoundKey bound) => _writer.Execute(
            """
            INSERT INTO idempotency VALUES($1,$2,$3,$4,$5,$6) ON CONFLICT DO UPDATE SET fingerprint = $3, expires = $4, first = $5, items = $6
            WHERE expires <= $7
            """,
            request.Tenant, request.Key!.Key, bound.Fingerprint, Milliseconds(request.Key.ExpiresAt), bound.First, bound.Items, Milliseconds(now)) == 1;

        public ValueTask CommitAsync(TreeGrowth? growth)
        {
            if (growth is not null)
            {
                foreach (var (id, hashes) in growth.Tiles)
                {
                    _writer.Execute("INSERT INTO tiles VALUES($1,$2,$3)", id.Level, id.Index, hashes);
                }
                _writer.Execute("INSERT INTO checkpoints VALUES($1,$2)", growth.Size, growth.Note);
                _writer.Execute("UPDATE head SET size = $1, frontier = $2 WHERE id = 1", growth.Size, growth.Frontier);
            }
            // Each batch forgets more than it brings, so that nothing piles up and no batch has to wait for a large one.
            store.ForgetSome(2 * (_written.Count + 1));
            _writer.Execute("COMMIT");
            _ended = true;
            store.RemoveTraces();
            return default;
        }

        public ValueTask DisposeAsync()
        {
            if (!_ended)
            {
                store.Rollback();
            }
            try
            {
                store.Refresh(_written, now); // also when the commit failed: it may have been persisted all the same
            }
            catch (SqliteException)
            {
                store.RefreshAll();
            }
            finally
            {
                store._turn.Release();
            }
            return default;
        }
    }
}
