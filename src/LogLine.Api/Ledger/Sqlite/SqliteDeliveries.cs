namespace LogLine.Api.Ledger.Sqlite;

/// <summary>Webhooks, what waits for them, and tickets.</summary>
public sealed partial class SqliteLedgerStore
{
    private const string WebhookColumns = "webhook_id, tenant, env, url, events, description, created, generation, overlap_until, active, cursor, failing_since, version";
    private const string DeliveryColumns = "seq, event, subject, state, attempts, first_at, next_at, last_at, status, error";

    // The first of its subject that waits: nothing overtakes it.
    private const string FirstOfSubject = "NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.webhook_id = d.webhook_id AND e.subject = d.subject AND e.state = 0 AND e.seq < d.seq)";

    /// <inheritdoc/>
    public ValueTask<WebhookRow?> FindWebhookAsync(string tenant, string webhookId) =>
        ReadAsync(session => session.First($"SELECT {WebhookColumns} FROM webhooks WHERE tenant = $1 AND webhook_id = $2", Webhook, tenant, webhookId));

    /// <inheritdoc/>
    public ValueTask<List<WebhookRow>> WebhooksAsync(string tenant) =>
        ReadAsync(session => session.All($"SELECT {WebhookColumns} FROM webhooks WHERE tenant = $1 ORDER BY webhook_id LIMIT 10000", Webhook, tenant));

    /// <inheritdoc/>
    public ValueTask<List<WebhookRow>> LeaseWebhooksAsync(string owner, DateTimeOffset until, DateTimeOffset now) => WriteAsync(() =>
    {
        _writer.Execute(
            "UPDATE webhooks SET lease_owner = $1, lease_until = $2 WHERE active = 1 AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until < $3)", owner, Milliseconds(until), Milliseconds(now));
        return _writer.All($"SELECT {WebhookColumns} FROM webhooks WHERE active = 1 AND lease_owner = $1", Webhook, owner);
    });

    /// <inheritdoc/>
    public async ValueTask ReleaseWebhooksAsync(string owner, IReadOnlyCollection<string> webhookIds) => await WriteAsync(() => webhookIds.Sum(id => _writer.Execute(
        "UPDATE webhooks SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1 AND webhook_id = $2", owner, id)));

    /// <inheritdoc/>
    public async ValueTask LeaveWebhooksAsync(string ownerPrefix) => await WriteAsync(() => _writer.Execute(
        "UPDATE webhooks SET lease_owner = NULL, lease_until = NULL WHERE substr(lease_owner, 1, $2) = $1", ownerPrefix, ownerPrefix.Length));

    /// <inheritdoc/>
    public ValueTask<List<DeliveryRow>> DueDeliveriesAsync(string webhookId, DateTimeOffset now, int limit) => ReadAsync(session => session.All(
        $"SELECT {DeliveryColumns} FROM deliveries d WHERE webhook_id = $1 AND state = 0 AND next_at <= $2 AND {FirstOfSubject} ORDER BY next_at LIMIT $3", Delivery, webhookId, Milliseconds(now), limit));

    /// <inheritdoc/>
    public ValueTask<(int Waiting, DateTimeOffset? NextAt)> WaitingAsync(string webhookId) => ReadAsync(session => session.First(
        $"SELECT count(*), min(CASE WHEN {FirstOfSubject} THEN next_at END) FROM deliveries d WHERE webhook_id = $1 AND state = 0",
        row => (row.GetInt32(0), Time(row, 1)), webhookId));

    /// <inheritdoc/>
    public ValueTask<HashSet<string>> WaitingSubjectsAsync(string webhookId, IReadOnlyCollection<string> subjects) => ReadAsync(session => subjects
        .Where(subject => session.First("SELECT 1 FROM deliveries WHERE webhook_id = $1 AND subject = $2 AND state = 0 LIMIT 1", row => true, webhookId, subject))
        .ToHashSet());

    /// <inheritdoc/>
    public ValueTask<bool> SettleAsync(DeliveryRound round) => WriteAsync(() =>
    {
        var id = round.Webhook.WebhookId;
        if (_writer.Execute(
            "UPDATE webhooks SET cursor = $2, failing_since = $3 WHERE webhook_id = $1 AND version = $4 AND lease_owner = $5",
            id, round.Cursor, Milliseconds(round.FailingSince), round.Webhook.Version, round.Owner) == 0)
        {
            return false;
        }
        foreach (var row in round.Deliveries)
        {
            _writer.Execute(
                $"INSERT OR REPLACE INTO deliveries SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11 WHERE {DeliveryRules.HasContent("$2")}",
                id, row.Seq, row.Event, row.Subject, (int)row.State, row.Attempts, Milliseconds(row.FirstAt), Milliseconds(row.NextAt), Milliseconds(row.LastAt), row.Status, row.Error);
        }
        if (round.AllDue)
        {
            _writer.Execute("UPDATE deliveries SET next_at = 0 WHERE webhook_id = $1 AND state = 0", id);
        }
        foreach (var state in (ReadOnlySpan<DeliveryState>)[DeliveryState.Delivered, DeliveryState.Dead])
        {
            _writer.Execute(
                """
                DELETE FROM deliveries WHERE webhook_id = $1 AND state = $2
                AND seq <= (SELECT seq FROM deliveries WHERE webhook_id = $1 AND state = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)
                """, id, (int)state, round.Kept);
        }
        return true;
    });

    /// <inheritdoc/>
    public ValueTask<List<DeliveryRow>> DeliveriesAsync(string webhookId, DeliveryState? state, long before, int limit) => ReadAsync(session => session.All(
        $"SELECT {DeliveryColumns} FROM deliveries WHERE webhook_id = $1 AND ($2 IS NULL OR state = $2) AND seq < $3 ORDER BY seq DESC LIMIT $4", Delivery, webhookId, (int?)state, before, limit));

    /// <inheritdoc/>
    public async ValueTask InsertTicketAsync(TicketRow ticket, DateTimeOffset now) => await WriteAsync(() =>
        _writer.Execute("DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires < $1 LIMIT 1000)", Milliseconds(now))
        + _writer.Execute(
            "INSERT INTO tickets VALUES($1,$2,$3,$4,$5,$6,$7,NULL)", ticket.Hash, ticket.Tenant, ticket.TokenHash, ticket.Filter, ticket.Origin, Milliseconds(ticket.FirstUseUntil),
            Milliseconds(ticket.ExpiresAt)));

    /// <inheritdoc/>
    public ValueTask<TicketRow?> TakeTicketAsync(byte[] hash, IReadOnlyList<string> origins, string connection, DateTimeOffset now) => WriteAsync(() => _writer.Execute(
        "UPDATE tickets SET connection = $2 WHERE hash = $1 AND expires > $3 AND (connection IS NOT NULL OR first_use_until > $3) AND origin IN ($4, $5)",
        hash, connection, Milliseconds(now), origins[0], origins[^1]) == 0
        ? null
        : _writer.First("SELECT hash, tenant, token_hash, filter, origin, first_use_until, expires, connection FROM tickets WHERE hash = $1", row => new TicketRow(
            row.GetBytes(0), row.GetString(1), row.GetBytes(2), row.GetString(3), row.GetString(4), Time(row, 5)!.Value, Time(row, 6)!.Value, Text(row, 7)), hash));

    /// <inheritdoc/>
    public ValueTask<string?> TicketConnectionAsync(byte[] hash) => ReadAsync(session => session.First("SELECT connection FROM tickets WHERE hash = $1", row => Text(row, 0), hash));

    private AppendConflict? Apply(LedgerEffect.WebhookChange change, long index)
    {
        var id = change.WebhookId;
        var changed = change switch
        {
            LedgerEffect.WebhookCreated { Webhook: var row } => _writer.Execute(
                "INSERT OR IGNORE INTO webhooks VALUES($1,$2,$3,$4,$5,$6,$7,$8,NULL,1,$9,NULL,0,NULL,NULL)",
                id, row.Tenant, row.Env, row.Url, string.Join(' ', row.Events), row.Description, Milliseconds(row.CreatedAt), row.Generation, index + 1),
            LedgerEffect.WebhookDeleted => Forget(id),
            LedgerEffect.WebhookRotated rotated => _writer.Execute(
                "UPDATE webhooks SET generation = generation + 1, overlap_until = $2, version = version + 1 WHERE webhook_id = $1 AND generation = $3",
                id, Milliseconds(rotated.OverlapUntil), rotated.From),
            LedgerEffect.WebhookReplayed replayed => Replay(replayed),
            LedgerEffect.WebhookDisabled => _writer.Execute("UPDATE webhooks SET active = 0, version = version + 1 WHERE webhook_id = $1 AND active = 1", id),
            _ => throw new InvalidOperationException($"The store does not know the effect {change.GetType().Name}."),
        };
        return changed == 0 ? AppendConflict.Webhook : null;
    }

    private int Forget(string webhookId)
    {
        _writer.Execute("DELETE FROM deliveries WHERE webhook_id = $1", webhookId);
        return _writer.Execute("DELETE FROM webhooks WHERE webhook_id = $1", webhookId);
    }

    private int Replay(LedgerEffect.WebhookReplayed replay)
    {
        if (replay.Again is { } row)
        {
            _writer.Execute($"INSERT OR REPLACE INTO deliveries SELECT $1,$2,$3,$4,0,0,NULL,0,NULL,NULL,NULL WHERE {DeliveryRules.HasContent("$2")}", replay.WebhookId, row.Seq, row.Event, row.Subject);
        }
        else if (replay.After is null)
        {
            _writer.Execute("UPDATE deliveries SET state = 0, attempts = 0, first_at = NULL, next_at = 0 WHERE webhook_id = $1 AND state = 2", replay.WebhookId);
        }
        else
        {
            // What waits is delivered from the log again, and in its order.
            _writer.Execute("DELETE FROM deliveries WHERE webhook_id = $1 AND state = 0 AND seq > $2", replay.WebhookId, replay.After);
        }
        return _writer.Execute(
            "UPDATE webhooks SET active = 1, failing_since = NULL, version = version + 1, cursor = min(cursor, coalesce($2, cursor)) WHERE webhook_id = $1", replay.WebhookId, replay.After);
    }

    private static WebhookRow Webhook(SqliteRow row) => new()
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
        IsActive = row.GetInt32(9) == 1,
        Cursor = row.GetInt64(10),
        FailingSince = Time(row, 11),
        Version = row.GetInt64(12),
    };

    private static DeliveryRow Delivery(SqliteRow row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), (DeliveryState)row.GetInt32(3), row.GetInt32(4), Time(row, 5), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)), Time(row, 7),
        row.IsDBNull(8) ? null : row.GetInt32(8), Text(row, 9));
}
