using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>Webhooks, what waits for them, and tickets, for all gateways on the database.</summary>
public sealed partial class PostgresLedgerStore
{
    private const string WebhookColumns = "webhook_id, tenant, env, url, events, description, created, generation, overlap_until, active, cursor, failing_since, version";
    private const string DeliveryColumns = "seq, event, subject, state, attempts, first_at, next_at, last_at, status, error";

    // The first of its subject that waits: nothing overtakes it.
    private const string FirstOfSubject = "NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.webhook_id = d.webhook_id AND e.subject = d.subject AND e.state = 0 AND e.seq < d.seq)";

    /// <inheritdoc/>
    public ValueTask<WebhookRow?> FindWebhookAsync(string tenant, string webhookId) =>
        FirstAsync($"SELECT {WebhookColumns} FROM webhooks WHERE tenant = $1 AND webhook_id = $2", Webhook, tenant, webhookId);

    /// <inheritdoc/>
    public ValueTask<List<WebhookRow>> WebhooksAsync(string tenant) =>
        AllAsync($"SELECT {WebhookColumns} FROM webhooks WHERE tenant = $1 ORDER BY webhook_id LIMIT 10000", Webhook, tenant);

    /// <inheritdoc/>
    public async ValueTask<List<WebhookRow>> LeaseWebhooksAsync(string owner, DateTimeOffset until, DateTimeOffset now)
    {
        var life = (long)(until - now).TotalMilliseconds;
        await ExecuteAsync($"INSERT INTO couriers VALUES($1, {DatabaseNow} + $2) ON CONFLICT (owner) DO UPDATE SET until = excluded.until", owner, life);
        await ExecuteAsync($"DELETE FROM couriers WHERE until < {DatabaseNow}");
        // Each sender has as many as the others, or one more: what is beyond its share it keeps no longer, and another one finds it free.
        return await LeaseAsync(
            $"""
            WITH share AS (SELECT ((SELECT count(*) FROM webhooks WHERE active) + n - 1) / n AS most FROM (SELECT greatest(count(*), 1) AS n FROM couriers) AS senders),
            own AS (SELECT webhook_id FROM webhooks WHERE active AND lease_owner = $1 ORDER BY webhook_id LIMIT (SELECT most FROM share)),
            free AS (
              SELECT webhook_id FROM webhooks WHERE active AND lease_owner IS DISTINCT FROM $1 AND (lease_owner IS NULL OR lease_until < {DatabaseNow})
              ORDER BY webhook_id LIMIT greatest(0, (SELECT most FROM share) - (SELECT count(*) FROM own)) FOR UPDATE SKIP LOCKED)
            UPDATE webhooks SET lease_owner = $1, lease_until = {DatabaseNow} + $2
            WHERE active AND webhook_id IN (SELECT webhook_id FROM own UNION ALL SELECT webhook_id FROM free) AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until < {DatabaseNow})
            RETURNING {WebhookColumns}
            """,
            Webhook, owner, life);
    }

    /// <inheritdoc/>
    public async ValueTask ReleaseWebhooksAsync(string owner, IReadOnlyCollection<string> webhookIds) => await ExecuteAsync(
        "UPDATE webhooks SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1 AND webhook_id = ANY($2)", owner, webhookIds.ToArray());

    /// <inheritdoc/>
    public async ValueTask LeaveWebhooksAsync(string ownerPrefix)
    {
        await ExecuteAsync("DELETE FROM couriers WHERE starts_with(owner, $1)", ownerPrefix);
        await ExecuteAsync("UPDATE webhooks SET lease_owner = NULL, lease_until = NULL WHERE starts_with(lease_owner, $1)", ownerPrefix);
    }

    /// <inheritdoc/>
    public ValueTask<List<DeliveryRow>> DueDeliveriesAsync(string webhookId, DateTimeOffset now, int limit) => AllAsync(
        $"SELECT {DeliveryColumns} FROM deliveries d WHERE webhook_id = $1 AND state = 0 AND next_at <= $2 AND {FirstOfSubject} ORDER BY next_at LIMIT $3", Delivery, webhookId, now, limit);

    /// <inheritdoc/>
    public ValueTask<(int Waiting, DateTimeOffset? NextAt)> WaitingAsync(string webhookId) => FirstAsync(
        $"SELECT count(*), min(next_at) FILTER (WHERE {FirstOfSubject}) FROM deliveries d WHERE webhook_id = $1 AND state = 0",
        row => ((int)row.GetInt64(0), Time(row, 1)), webhookId);

    /// <inheritdoc/>
    public async ValueTask<HashSet<string>> WaitingSubjectsAsync(string webhookId, IReadOnlyCollection<string> subjects) => [.. await AllAsync(
        "SELECT DISTINCT subject FROM deliveries WHERE webhook_id = $1 AND state = 0 AND subject = ANY($2)", row => row.GetString(0), webhookId, subjects.ToArray())];

    /// <inheritdoc/>
    public async ValueTask<bool> SettleAsync(DeliveryRound round)
    {
        var id = round.Webhook.WebhookId;
        try
        {
            await using var connection = await _readers.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var hold = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands =
                {
                    new PostgresStatement(
                        "UPDATE webhooks SET cursor = $2, failing_since = $3 WHERE webhook_id = $1 AND version = $4 AND lease_owner = $5", null,
                        id, round.Cursor, round.FailingSince, round.Webhook.Version, round.Owner).ForBatch(),
                },
            };
            if (await hold.ExecuteNonQueryAsync() == 0)
            {
                return false;
            }
            await using var batch = new NpgsqlBatch(connection, transaction);
            foreach (var statement in Statements(round))
            {
                batch.BatchCommands.Add(statement.ForBatch());
            }
            await batch.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
            return true;
        }
        catch (NpgsqlException defect)
        {
            throw new PostgresStoreException(defect);
        }
    }

    private static IEnumerable<PostgresStatement> Statements(DeliveryRound round)
    {
        var (id, rows) = (round.Webhook.WebhookId, round.Deliveries);
        if (rows.Count > 0)
        {
            yield return new PostgresStatement(
                $"""
                INSERT INTO deliveries SELECT $1, due.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS due(seq) WHERE {DeliveryRules.HasContent("due.seq")}
                ON CONFLICT (webhook_id, seq) DO UPDATE SET event = excluded.event, subject = excluded.subject, state = excluded.state, attempts = excluded.attempts,
                first_at = excluded.first_at, next_at = excluded.next_at, last_at = excluded.last_at, status = excluded.status, error = excluded.error
                """,
                null, id, rows.Select(row => row.Seq).ToArray(), rows.Select(row => row.Event).ToArray(), rows.Select(row => row.Subject).ToArray(), rows.Select(row => (long)row.State).ToArray(),
                rows.Select(row => (long)row.Attempts).ToArray(), rows.Select(row => row.FirstAt?.ToUnixTimeMilliseconds()).ToArray(), rows.Select(row => row.NextAt.ToUnixTimeMilliseconds()).ToArray(),
                rows.Select(row => row.LastAt?.ToUnixTimeMilliseconds()).ToArray(), rows.Select(row => (long?)row.Status).ToArray(), rows.Select(row => row.Error).ToArray());
        }
        if (round.AllDue)
        {
            yield return new PostgresStatement("UPDATE deliveries SET next_at = 0 WHERE webhook_id = $1 AND state = 0", null, id);
        }
        foreach (var state in (DeliveryState[])[DeliveryState.Delivered, DeliveryState.Dead])
        {
            yield return new PostgresStatement(
                """
                DELETE FROM deliveries WHERE webhook_id = $1 AND state = $2
                AND seq <= (SELECT seq FROM deliveries WHERE webhook_id = $1 AND state = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)
                """, null, id, (long)state, (long)round.Kept);
        }
    }

    /// <inheritdoc/>
    public ValueTask<List<DeliveryRow>> DeliveriesAsync(string webhookId, DeliveryState? state, long before, int limit) => AllAsync(
        $"SELECT {DeliveryColumns} FROM deliveries WHERE webhook_id = $1 AND ($2::bigint IS NULL OR state = $2) AND seq < $3 ORDER BY seq DESC LIMIT $4", Delivery,
        webhookId, (long?)state, before, limit);

    /// <inheritdoc/>
    public async ValueTask InsertTicketAsync(TicketRow ticket, DateTimeOffset now)
    {
        await ExecuteAsync("DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires < $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)", now);
        await ExecuteAsync(
            "INSERT INTO tickets VALUES($1,$2,$3,$4,$5,$6,$7,NULL)", ticket.Hash, ticket.Tenant, ticket.TokenHash, ticket.Filter, ticket.Origin, ticket.FirstUseUntil, ticket.ExpiresAt);
    }

    /// <inheritdoc/>
    public ValueTask<TicketRow?> TakeTicketAsync(byte[] hash, IReadOnlyList<string> origins, string connection, DateTimeOffset now) => FirstAsync(
        """
        UPDATE tickets SET connection = $2 WHERE hash = $1 AND expires > $3 AND (connection IS NOT NULL OR first_use_until > $3) AND origin = ANY($4)
        RETURNING hash, tenant, token_hash, filter, origin, first_use_until, expires, connection
        """,
        row => new TicketRow(
            Bytes(row, 0), row.GetString(1), Bytes(row, 2), row.GetString(3), row.GetString(4), Time(row, 5)!.Value, Time(row, 6)!.Value, Text(row, 7)), hash, connection, now, origins.ToArray());

    /// <inheritdoc/>
    public ValueTask<string?> TicketConnectionAsync(byte[] hash) => FirstAsync("SELECT connection FROM tickets WHERE hash = $1", row => Text(row, 0), hash);

    private static WebhookRow Webhook(NpgsqlDataReader row) => new()
    {
        WebhookId = row.GetString(0),
        Tenant = row.GetString(1),
        Env = row.GetString(2),
        Url = row.GetString(3),
        Events = row.GetString(4).Split(' '),
        Description = Text(row, 5),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
        Generation = row.GetInt32(7),
        OverlapUntil = Time(row, 8),
        IsActive = row.GetBoolean(9),
        Cursor = row.GetInt64(10),
        FailingSince = Time(row, 11),
        Version = row.GetInt64(12),
    };

    private static DeliveryRow Delivery(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), (DeliveryState)row.GetInt32(3), row.GetInt32(4), Time(row, 5), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)), Time(row, 7),
        row.IsDBNull(8) ? null : row.GetInt32(8), Text(row, 9));
}
