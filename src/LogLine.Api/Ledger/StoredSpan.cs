using LogLine.Protocol.Spans;

namespace LogLine.Api.Ledger;

/// <summary>A row of the log as it is read back. <paramref name="Span"/> is empty when its content was erased, and so is <paramref name="Entry"/> when it was pruned.</summary>
public sealed record StoredSpan(long Index, byte[] Entry, byte[] Span, byte[]? Fingerprint, byte[]? Answer, string? RunId)
{
    /// <summary>What it takes, in bytes; pages are measured by it.</summary>
    public long Bytes => Entry.Length + Span.Length + (Answer?.Length ?? 0);

    /// <summary>True when nothing but its place, its name and its fingerprint is kept.</summary>
    public bool IsPruned => Entry.Length == 0;

    /// <summary>The entry, read.</summary>
    /// <exception cref="InvalidOperationException">It is none.</exception>
    public LedgerEntry ReadEntry() => LedgerEntry.TryRead(Entry, out var entry) ? entry : throw new InvalidOperationException($"The entry {Index} is damaged.");
}

/// <summary>Which spans are wanted: always one tenant's.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Subject">Exactly this subject, or any.</param>
/// <param name="RunId">Exactly this run, or any.</param>
/// <param name="Intent">Exactly this intent, or any.</param>
/// <param name="IntentPrefix">Intents that begin with this, or any.</param>
public sealed record SpanFilter(string Tenant, string? Subject = null, string? RunId = null, string? Intent = null, string? IntentPrefix = null)
{
    /// <summary>A filter from what a client sends: <paramref name="intent"/> ends in <c>*</c> to mean a prefix; empty means any.</summary>
    public static SpanFilter Of(string tenant, string? subject, string? runId, string? intent)
    {
        static string? Some(string? text) => string.IsNullOrEmpty(text) ? null : text;
        var prefix = intent is not null && intent.EndsWith('*');
        return new SpanFilter(tenant, Some(subject), Some(runId), prefix ? null : Some(intent), prefix ? Some(intent![..^1]) : null);
    }
}
