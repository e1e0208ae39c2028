namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// Pieces as statements. What most pieces have (nonce, keys, rows, idempotency key) is one statement for all of them, over arrays; effects are one
/// each, in the order of the log.
/// </summary>
internal static class PostgresPieces
{
    /// <summary>
    /// True when the pieces can be written together: none of them changes keys or tokens, of which a later one may ask, and no idempotency key stands
    /// there twice.
    /// </summary>
    public static bool AreIndependent(IReadOnlyList<LedgerPiece> pieces) =>
        !pieces.SelectMany(piece => piece.Rows).SelectMany(row => row.Effects).Any(effect =>
            effect is LedgerEffect.KeyRegistered or LedgerEffect.KeyRetired or LedgerEffect.KeyRevoked or LedgerEffect.TokenRevoked)
        && pieces.Where(piece => piece.Request?.Key is not null).Select(piece => (piece.Request!.Tenant, piece.Request.Key!.Key)).GroupBy(key => key).All(same => same.Count() == 1);

    /// <summary>The statements that write the pieces from index <paramref name="first"/> on.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="first">Where the first of them stands.</param>
    /// <param name="now">An idempotency key that has expired by then is bound anew.</param>
    /// <param name="hoping">A nonce or name that is there already fails its statement, which is cheaper than to pass it over as long as there is none.</param>
    public static List<PostgresStatement> Of(IReadOnlyList<LedgerPiece> pieces, long first, DateTimeOffset now, bool hoping)
    {
        var passing = hoping ? "" : " ON CONFLICT DO NOTHING";
        var statements = new List<PostgresStatement>();
        Nonces(pieces, passing, statements);
        Trust(pieces, statements);
        Rows(pieces, first, passing, statements);
        var index = first;
        foreach (var piece in pieces)
        {
            var unseen = (piece.Request?.Seen ?? long.MaxValue, index);
            foreach (var row in piece.Rows)
            {
                foreach (var effect in row.Effects)
                {
                    statements.AddRange(PostgresEffects.Of(effect, index, unseen));
                }
                index++;
            }
        }
        Keys(pieces, first, now, statements);
        return statements;
    }

    private static void Nonces(IReadOnlyList<LedgerPiece> pieces, string passing, List<PostgresStatement> statements)
    {
        var nonces = pieces.Where(piece => piece.Request?.Nonce is not null).Select(piece => (piece.Request!.Tenant, piece.Request.Nonce!.Value.Nonce, piece.Request.Nonce.Value.Until)).ToList();
        if (nonces.Count > 0)
        {
            statements.Add(new PostgresStatement(
                "INSERT INTO nonces SELECT unnest($1), unnest($2), unnest($3)" + passing, AppendConflict.Nonce,
                nonces.Select(nonce => nonce.Tenant).ToArray(), nonces.Select(nonce => nonce.Nonce).ToArray(), nonces.Select(nonce => nonce.Until.ToUnixTimeMilliseconds()).ToArray())
            {
                Expected = nonces.Count,
            });
        }
    }

    /// <summary>The keys that were trusted are active, and the tokens that let in are not revoked: what another gateway has withdrawn counts at once.</summary>
    private static void Trust(IReadOnlyList<LedgerPiece> pieces, List<PostgresStatement> statements)
    {
        var kids = new HashSet<(string Tenant, string Kid)>();
        var tokens = new HashSet<string>();
        foreach (var piece in pieces)
        {
            // What a piece registers itself, its later spans may use; what it withdraws, the gate has not let them use.
            var own = piece.Rows.SelectMany(row => row.Effects).OfType<LedgerEffect.KeyRegistered>().Select(registered => registered.Key.Kid).ToHashSet();
            foreach (var row in piece.Rows.Where(row => row.IsSubmitted))
            {
                kids.UnionWith(row.TrustedKids.Where(kid => !own.Contains(kid)).Select(kid => (row.Entry.Tenant, kid)));
                tokens.Add(row.Entry.Principal);
            }
        }
        if (kids.Count > 0)
        {
            statements.Add(new PostgresStatement(
                "SELECT 1 FROM keys JOIN unnest($1, $2) AS trusted(tenant, kid) USING (tenant, kid) WHERE status = 0", AppendConflict.Signer,
                kids.Select(key => key.Tenant).ToArray(), kids.Select(key => key.Kid).ToArray()) { Expected = kids.Count });
        }
        if (tokens.Count > 0)
        {
            statements.Add(new PostgresStatement("SELECT 1 FROM tokens WHERE token_id = ANY($1) AND revoked IS NULL", AppendConflict.Principal, tokens.ToArray()) { Expected = tokens.Count });
        }
    }

    private static void Rows(IReadOnlyList<LedgerPiece> pieces, long first, string passing, List<PostgresStatement> statements)
    {
        var rows = pieces.SelectMany(piece => piece.Rows).ToList();
        if (rows.Count > 0)
        {
            statements.Add(new PostgresStatement(
                "INSERT INTO entries SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9), unnest($10)" + passing, AppendConflict.This,
                Enumerable.Range(0, rows.Count).Select(i => first + i).ToArray(),
                rows.Select(row => row.EntryBytes).ToArray(), rows.Select(row => row.Span.Utf8.ToArray()).ToArray(), rows.Select(row => row.Entry.Tenant).ToArray(),
                rows.Select(row => row.Entry.This).ToArray(), rows.Select(row => row.Span.Intent!).ToArray(), rows.Select(row => row.Span.Subject!).ToArray(),
                rows.Select(row => row.RunId).ToArray(), rows.Select(row => row.Fingerprint).ToArray(), rows.Select(row => row.Answer).ToArray())
            {
                Expected = rows.Count,
            });
        }
    }

    /// <summary>Binds idempotency keys; one that has expired is bound anew.</summary>
    private static void Keys(IReadOnlyList<LedgerPiece> pieces, long first, DateTimeOffset now, List<PostgresStatement> statements)
    {
        var keys = new List<(string Tenant, string Key, DateTimeOffset Expires, BoundKey Bound)>();
        foreach (var piece in pieces)
        {
            if (piece.KeyAt(first) is { } bound)
            {
                keys.Add((piece.Request!.Tenant, piece.Request.Key!.Key, piece.Request.Key.ExpiresAt, bound));
            }
            first += piece.Rows.Count;
        }
        if (keys.Count > 0)
        {
            statements.Add(new PostgresStatement(
                """
                INSERT INTO idempotency SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)
                ON CONFLICT (tenant, key) DO UPDATE SET fingerprint = excluded.fingerprint, expires = excluded.expires, first = excluded.first, items = excluded.items
                WHERE idempotency.expires <= $7
                """,
                AppendConflict.Key, keys.Select(key => key.Tenant).ToArray(), keys.Select(key => key.Key).ToArray(), keys.Select(key => key.Bound.Fingerprint).ToArray(),
                keys.Select(key => key.Expires.ToUnixTimeMilliseconds()).ToArray(), keys.Select(key => key.Bound.First).ToArray(), keys.Select(key => key.Bound.Items).ToArray(), now)
            {
                Expected = keys.Count,
            });
        }
    }
}
