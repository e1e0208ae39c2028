namespace LogLine.Api.Ledger;

/// <summary>What delivery keeps beside the log: how far each webhook is, what waits for it, and the tickets of streams. Part of <see cref="ILedgerStore"/>.</summary>
public interface IDeliveryStore
{
    /// <summary>A tenant's webhook, or null.</summary>
    ValueTask<WebhookRow?> FindWebhookAsync(string tenant, string webhookId);

    /// <summary>A tenant's webhooks, by id.</summary>
    ValueTask<List<WebhookRow>> WebhooksAsync(string tenant);

    /// <summary>
    /// Gives active webhooks that nobody holds at <paramref name="now"/> to a sender and renews those that it has, up to its share among the senders that there are; all that it may hold
    /// from here on. What it had beyond that, it releases when it has stopped delivering to it.
    /// </summary>
    ValueTask<List<WebhookRow>> LeaseWebhooksAsync(string owner, DateTimeOffset until, DateTimeOffset now);

    /// <summary>Gives webhooks back, so that another sender may have them at once.</summary>
    ValueTask ReleaseWebhooksAsync(string owner, IReadOnlyCollection<string> webhookIds);

    /// <summary>Takes all webhooks from senders whose names begin so: they are gone.</summary>
    ValueTask LeaveWebhooksAsync(string ownerPrefix);

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
