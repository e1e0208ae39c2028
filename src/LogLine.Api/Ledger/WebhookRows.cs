namespace LogLine.Api.Ledger;

/// <summary>A webhook. Its secret is nowhere in the store: it is derived from the gateway's webhook key, the id and the generation.</summary>
public sealed record WebhookRow
{
    /// <summary><c>wh_…</c></summary>
    public required string WebhookId { get; init; }

    /// <summary>Tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Environment of the request that made it.</summary>
    public required string Env { get; init; }

    /// <summary>Where events are posted.</summary>
    public required string Url { get; init; }

    /// <summary>Intents and patterns of them.</summary>
    public required IReadOnlyList<string> Events { get; init; }

    /// <summary>What it is for, for people, or null.</summary>
    public string? Description { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Which secret is in force, from 1.</summary>
    public int Generation { get; init; } = 1;

    /// <summary>Until when the secret before signs too, or null.</summary>
    public DateTimeOffset? OverlapUntil { get; init; }

    /// <summary>False when it took nothing for too long.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Index of the first entry that was not looked at for it.</summary>
    public long Cursor { get; init; }

    /// <summary>Since when every attempt failed, or null.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>Rises with every change by a span, so that who delivers knows that what it read is old.</summary>
    public long Version { get; init; }
}

/// <summary>Where a delivery stands.</summary>
public enum DeliveryState
{
    /// <summary>It failed, or stands behind one of the same subject that did, and will be tried.</summary>
    Waiting,
    /// <summary>The receiver took it.</summary>
    Delivered,
    /// <summary>It was given up, and can be replayed.</summary>
    Dead,
}

/// <summary>One event for one webhook.</summary>
/// <param name="Seq">The event's position in the log + 1.</param>
/// <param name="Event">Its intent.</param>
/// <param name="Subject">Its subject: events of one subject are delivered in order.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="FirstAt">When it was tried first, or null.</param>
/// <param name="NextAt">When it is due, while it waits.</param>
/// <param name="LastAt">When it was tried last, or null.</param>
/// <param name="Status">HTTP status of the last answer, or null.</param>
/// <param name="Error">Why the last attempt failed, or null.</param>
public sealed record DeliveryRow(
    long Seq, string Event, string Subject, DeliveryState State, int Attempts, DateTimeOffset? FirstAt, DateTimeOffset NextAt, DateTimeOffset? LastAt, int? Status, string? Error);

/// <summary>What holds of every delivery, in the SQL of both engines.</summary>
internal static class DeliveryRules
{
    /// <summary>There is none of an entry whose content is gone, whoever had read it before: its event and subject would come back with it.</summary>
    public static string HasContent(string seq) => $"NOT EXISTS (SELECT 1 FROM entries WHERE idx = {seq} - 1 AND span IS NULL)";
}

/// <summary>What came of a round of deliveries: written as a whole, or not at all when the webhook is not the sender's any more.</summary>
/// <param name="Webhook">The webhook as the sender knew it.</param>
/// <param name="Owner">Who has the lease.</param>
/// <param name="Cursor">How far the log was looked at.</param>
/// <param name="FailingSince">Since when every attempt failed, or null.</param>
/// <param name="Deliveries">Each as it stands now.</param>
/// <param name="AllDue">True when the receiver is back: whatever waits is due.</param>
/// <param name="Kept">How many delivered, and how many dead ones, are kept.</param>
public sealed record DeliveryRound(WebhookRow Webhook, string Owner, long Cursor, DateTimeOffset? FailingSince, IReadOnlyList<DeliveryRow> Deliveries, bool AllDue, int Kept);

/// <summary>A ticket for a browser's stream, without the ticket: <paramref name="Hash"/> is its BLAKE3.</summary>
/// <param name="Hash">What it is found by.</param>
/// <param name="Tenant">Tenant.</param>
/// <param name="TokenHash">The token that it came from, and dies with.</param>
/// <param name="Filter">What may be seen, as a JSON object with subject, run_id and intent.</param>
/// <param name="Origin">The page that may use it.</param>
/// <param name="FirstUseUntil">When it must have been used.</param>
/// <param name="ExpiresAt">When it opens nothing any more.</param>
/// <param name="Connection">The connection that has it; null before the first.</param>
public sealed record TicketRow(
    byte[] Hash, string Tenant, byte[] TokenHash, string Filter, string Origin, DateTimeOffset FirstUseUntil, DateTimeOffset ExpiresAt, string? Connection = null);
