using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>
/// One entry of the log with its span, taken apart and held against itself (docs/ledger-format.md, E1 to E4). What depends on the entries before it, the
/// key above all, is <see cref="LedgerState"/>'s; so many entries can be read at once.
/// </summary>
internal sealed class AuditedEntry
{
    private AuditedEntry(StoredRow row, EntryColumns columns)
    {
        Index = row.Values[columns.Index] as long? ?? -1;
        Tenant = row.Values[columns.Tenant] as string ?? "";
        This = row.Values[columns.This] as string ?? "";
        RunId = row.Values[columns.RunId] as string;
        Fault = Read(row, columns);
    }

    /// <summary>Its place in the log.</summary>
    public long Index { get; }

    /// <summary>What is wrong with it by itself, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>The leaf hash; empty when the entry was pruned.</summary>
    public byte[] Leaf { get; private set; } = [];

    /// <summary>True when neither entry nor span is kept any more: the place, the name and the run are the row's word, the leaf hash is the tile's (K1).</summary>
    public bool IsPruned { get; private set; }

    public string Tenant { get; }

    public string This { get; }

    /// <summary>The entry; null when it was pruned.</summary>
    public LedgerEntry Entry { get; private set; } = null!;

    /// <summary>The span; null when its content was erased, or the entry pruned.</summary>
    public AuditedSpan? Span { get; private set; }

    /// <summary>When the gateway took it, in milliseconds since 1970; 0 when the entry does not say.</summary>
    public long ReceivedAt => Timestamps.TryParse(Entry.ReceivedAt, out var at) ? at.ToUnixTimeMilliseconds() : 0;

    /// <summary>What the store's row says; the log does not.</summary>
    public string? RunId { get; }

    /// <summary>The key that has to have signed the span; set by <see cref="LedgerState"/>, null when the span is not signed.</summary>
    public byte[]? Key { get; set; }

    /// <summary>True for what a worker reports of its run; set by <see cref="LedgerState"/>.</summary>
    public bool IsReport => Kind == SignatureKind.Event;

    /// <summary>What it has to be signed as.</summary>
    public SignatureKind Kind { get; set; } = SignatureKind.Span;

    public static AuditedEntry Of(StoredRow row, EntryColumns columns) => new(row, columns);

    /// <summary>What is wrong with the span's signature, or null.</summary>
    public string? SignatureFault() => Key is null || Span!.IsSignedBy(Key, Kind)
        ? null
        : $"the span's signature does not verify under the key '{Span.Kid}' (kind '{Kind.ToString().ToLowerInvariant()}')";

    private string? Read(StoredRow row, EntryColumns columns)
    {
        if (row.Values[columns.Entry] is not byte[] entry)
        {
            return "the entry is missing";
        }
        if (entry.Length == 0)
        {
            IsPruned = true;
            return row.Values[columns.Span] is null && row.Values[columns.Intent] is "" && row.Values[columns.Subject] is "" ? null : "the entry is missing";
        }
        Leaf = MerkleHash.Leaf(entry);
        if (entry.Length > EntryBundle.MaxEntryBytes)
        {
            return $"the entry has {entry.Length} bytes, more than {EntryBundle.MaxEntryBytes} (E2)";
        }
        if (!LedgerEntry.TryRead(entry, out var parsed))
        {
            return "it is not a canonical ledger entry (E1)";
        }
        Entry = parsed;
        if (row.Values[columns.Tenant] as string != parsed.Tenant || row.Values[columns.This] as string != parsed.This)
        {
            return "tenant or name of the row are not those of the entry";
        }
        var (intent, subject) = (row.Values[columns.Intent] as string, row.Values[columns.Subject] as string);
        if (row.Values[columns.Span] is not byte[] span)
        {
            return intent is "" && subject is "" ? null : "the span is gone, but its intent or subject is still there";
        }
        if (ContentHash.Of(span) != parsed.Hash)
        {
            return "the span is not the one that was admitted: it does not have the entry's hash (E3)";
        }
        if (!CanonicalJson.TryView(span, out var json))
        {
            return "the span is not canonical";
        }
        Span = new AuditedSpan(json);
        if (Span.This != parsed.This)
        {
            return $"the span calls itself {Span.This}, the entry {parsed.This}";
        }
        return Span.Intent == intent && Span.Subject == subject ? null : "intent or subject of the row are not those of the span";
    }
}

/// <summary>Places of the columns of <c>entries</c>.</summary>
internal sealed record EntryColumns(int Index, int Entry, int Span, int Tenant, int This, int Intent, int Subject, int RunId)
{
    /// <summary>Null when one is missing.</summary>
    public static EntryColumns? Of(RowTable table)
    {
        var columns = new EntryColumns(
            table.Place("idx"), table.Place("entry"), table.Place("span"), table.Place("tenant"), table.Place("this"), table.Place("intent"), table.Place("subject"), table.Place("run_id"));
        return new[] { columns.Index, columns.Entry, columns.Span, columns.Tenant, columns.This, columns.Intent, columns.Subject, columns.RunId }.Contains(-1) ? null : columns;
    }
}
