namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// Webhooks and stream tickets are kept by the embedded store alone: a gateway on PostgreSQL has no routes for them (docs/stores.md), so that nothing of this
/// is ever asked.
/// </summary>
public sealed partial class PostgresLedgerStore
{
    private static NotSupportedException Embedded => new("Webhooks and stream tickets are kept by the embedded store alone (docs/stores.md).");

    /// <inheritdoc/>
    public ValueTask<WebhookRow?> FindWebhookAsync(string tenant, string webhookId) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<List<WebhookRow>> WebhooksAsync(string tenant) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<List<WebhookRow>> LeaseWebhooksAsync(string owner, DateTimeOffset until, DateTimeOffset now) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask ReleaseWebhooksAsync(string ownerPrefix) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<List<DeliveryRow>> DueDeliveriesAsync(string webhookId, DateTimeOffset now, int limit) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<(int Waiting, DateTimeOffset? NextAt)> WaitingAsync(string webhookId) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<HashSet<string>> WaitingSubjectsAsync(string webhookId, IReadOnlyCollection<string> subjects) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<bool> SettleAsync(DeliveryRound round) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask<List<DeliveryRow>> DeliveriesAsync(string webhookId, DeliveryState? state, long before, int limit) => throw Embedded;

    /// <inheritdoc/>
    public ValueTask InsertTicketAsync(TicketRow ticket, DateTimeOffset now) => throw Embedded;

    /// <summary>None: what a stream is opened with is no ticket of this gateway.</summary>
    public ValueTask<TicketRow?> TakeTicketAsync(byte[] hash, IReadOnlyList<string> origins, string connection, DateTimeOffset now) => new((TicketRow?)null);

    /// <inheritdoc/>
    public ValueTask<string?> TicketConnectionAsync(byte[] hash) => throw Embedded;
}
