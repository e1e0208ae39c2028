namespace LogLine.Api.Ledger;

/// <summary>What delivery keeps beside the log: how far each webhook is, what waits for it, and the tickets of streams. Part of <see cref="ILedgerStore"/>.</summary>
public interface IDeliveryStore
{
    /// <summary>A tenant's webhook, or null.</summary>
    ValueTask<WebhookRow?> FindWebhookAsync(string tenant, string webhookId);

    /// <summary>A tenant's webhooks, by id.</summary>
    ValueTask<List<WebhookRow>> WebhooksAsync(string tenant);

    /// <summary>Gives all active webhooks that nobody else holds at <paramref name="now"/> to a sender, or renews them; all that it holds then.</summary>
    ValueTask<List<WebhookRow>> LeaseWebhooksAsync(string owner, DateTimeOffset until, DateTimeOffset now);

    /// <summary>Takes webhooks from senders whose names begin so.</summary>
    ValueTask ReleaseWebhooksAsync(string ownerPrefix);

    /// <summary>Deliveries of a webhook that are due and are the first of their subject, the longest due first.</summary>
    ValueTask<List<DeliveryRow>> DueDeliveriesAsync(string webhookId, DateTimeOffset now, int limit);

    /// <summary>How many deliveries of a webhook wait, and when the first of a subject is due next.</summary>
    ValueTask<(int Waiting, DateTimeOffset? NextAt)> WaitingAsync(string webhookId);

    /// <summary>Those of the subjects for which a delivery waits.</summary>
    ValueTask<HashSet<string>> WaitingSubjectsAsync(string webhookId, IReadOnlyCollection<string> subjects);

    /// <summary>Writes what came of a round; false, and nothing is written, when the webhook was changed or is held by another.</summary>
    ValueTask<bool> SettleAsync(DeliveryRound round);

    /// <summary>Deliveries of a webhook, newest first.</summary>
    ValueTask<List<DeliveryRow>> DeliveriesAsync(string webhookId, DeliveryState? state, long before, int limit);

    /// <summary>Keeps a new ticket, and forgets those that have expired.</summary>
    ValueTask InsertTicketAsync(TicketRow ticket, DateTimeOffset now);

    /// <summary>Gives a ticket that is alive and bound to one of the origins to a connection, from whichever had it; null when there is none.</summary>
    ValueTask<TicketRow?> TakeTicketAsync(byte[] hash, IReadOnlyList<string> origins, string connection, DateTimeOffset now);

    /// <summary>The connection that has the ticket, or null.</summary>
    ValueTask<string?> TicketConnectionAsync(byte[] hash);
}
