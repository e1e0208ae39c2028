using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Ledger;

/// <summary>One row of the log to be, and what it changes.</summary>
public sealed record LedgerRow
{
    /// <summary>The ledger entry.</summary>
    public required LedgerEntry Entry { get; init; }

    /// <summary>Its canonical bytes, which the leaf is made of.</summary>
    public required byte[] EntryBytes { get; init; }

    /// <summary>The leaf hash of it, made by whoever asks for the append, so that the one writer need not.</summary>
    public required byte[] Leaf { get; init; }

    /// <summary>The span as it is stored.</summary>
    public required SpanDocument Span { get; init; }

    /// <summary>What a retry is compared with; null for the gateway's own spans.</summary>
    public byte[]? Fingerprint { get; init; }

    /// <summary>What the Ack says besides the receipt; null for the gateway's own spans.</summary>
    public byte[]? Answer { get; init; }

    /// <summary>The run that it starts or is about.</summary>
    public string? RunId { get; init; }

    /// <summary>Kids that must be active at this point of the log.</summary>
    public IReadOnlyList<string> TrustedKids { get; init; } = [];

    /// <summary>What it changes, in order.</summary>
    public required IReadOnlyList<LedgerEffect> Effects { get; init; }

    /// <summary>True for a span of the request, false for what the gateway says about it.</summary>
    public bool IsSubmitted => Fingerprint is not null;
}

/// <summary>
/// What is written as a whole or not at all: one request, or spans of the gateway's own. A store writes it in this order: nonce; per row the
/// trusted kids, the token that let it in, the row, its effects; the idempotency key. The first thing that comes too late is the conflict.
/// </summary>
public sealed class LedgerPiece
{
    private LedgerPiece(List<LedgerRow> rows, AppendRequest? request) => (Rows, Request) = (rows, request);

    /// <summary>The rows, in the order of the log.</summary>
    public List<LedgerRow> Rows { get; }

    /// <summary>The request, with its nonce and key; null for spans of the gateway's own.</summary>
    public AppendRequest? Request { get; }

    /// <summary>The piece that a request is: each span, and right behind it what the gateway says about it, which is signed here.</summary>
    public static LedgerPiece Of(AppendRequest request, ServerIdentity identity)
    {
        var rows = new List<LedgerRow>(request.Spans.Count);
        foreach (var admitted in request.Spans)
        {
            rows.Add(RowOf(admitted));
            foreach (var sign in admitted.Followers)
            {
                rows.Add(RowOf(sign(identity)));
            }
        }
        return new LedgerPiece(rows, request);
    }

    /// <summary>The piece that spans of the gateway's own are.</summary>
    public static LedgerPiece Of(IReadOnlyList<ServerSpan> spans) => new([.. spans.Select(RowOf)], null);

    /// <summary>Where the spans of the request stand when the piece stands at <paramref name="first"/>; those of the gateway's own for a piece without a request.</summary>
    public List<long> Indexes(long first)
    {
        var indexes = new List<long>(Rows.Count);
        for (var i = 0; i < Rows.Count; i++)
        {
            if (Request is null || Rows[i].IsSubmitted)
            {
                indexes.Add(first + i);
            }
        }
        return indexes;
    }

    /// <summary>What the idempotency key stands for when the piece stands at <paramref name="first"/>; null without a key.</summary>
    public BoundKey? KeyAt(long first)
    {
        if (Request?.Key is not { } key)
        {
            return null;
        }
        var indexes = Indexes(first);
        return new BoundKey(key.Fingerprint, indexes.Count > 0 ? indexes[0] : -1, key.Items is null ? null : KeyItems.Write(key.Items, indexes));
    }

    private static LedgerRow RowOf(AdmittedSpan span)
    {
        var entry = span.Entry.ToUtf8();
        return new LedgerRow
        {
            Entry = span.Entry,
            EntryBytes = entry,
            Leaf = MerkleHash.Leaf(entry),
            Span = span.Span,
            RunId = span.RunId,
            Effects = span.Effects,
            Fingerprint = span.Fingerprint,
            Answer = span.Answer,
            TrustedKids = span.TrustedKids,
        };
    }

    private static LedgerRow RowOf(ServerSpan span)
    {
        var entry = span.Entry.ToUtf8();
        return new LedgerRow { Entry = span.Entry, EntryBytes = entry, Leaf = MerkleHash.Leaf(entry), Span = span.Span, RunId = span.RunId, Effects = span.Effects };
    }
}
