namespace LogLine.Protocol.Verification;

/// <summary>A key with which a gateway signs or signed, and for which part of the log.</summary>
/// <param name="Use"><c>log</c>: checkpoints. <c>span</c>: the gateway's own spans.</param>
/// <param name="Kid">Its id.</param>
/// <param name="PublicKey">Ed25519, 32 bytes.</param>
/// <param name="Origin">The log's name while it signs; a log that was restored goes on under another.</param>
/// <param name="From">A log key signs the checkpoints of more entries than this, a span key spans from this index on.</param>
/// <param name="Until">The largest checkpoint of a log key, the index before which a span key's last span is; null while it signs.</param>
public sealed record LedgerKey(string Use, string Kid, byte[] PublicKey, string Origin, long From, long? Until);

/// <summary>What a verifier knows of a log besides its rows: its name today and the keys that there were.</summary>
/// <param name="Origin">The name today.</param>
/// <param name="Keys">The keys, oldest first.</param>
public sealed record LedgerTrust(string Origin, IReadOnlyList<LedgerKey> Keys)
{
    /// <summary>
    /// The log key that the verifier has from elsewhere; null when the keys themselves are from a source that it trusts. It has to have signed the last checkpoint, whose
    /// root is over everything: so what a foreign list of keys says is worth no more than this one.
    /// </summary>
    public byte[]? Pinned { get; init; }

    /// <summary>The log keys of the checkpoint of that size: two while one takes the other's place.</summary>
    public IReadOnlyList<LedgerKey> LogKeysAt(long size) => [.. Keys.Where(key => key.Use == "log" && key.From < size && !(key.Until < size))];

    /// <summary>The key of that id that signs the gateway's spans at that place of the log, or null.</summary>
    public byte[]? SpanKeyAt(string kid, long index) => Keys.FirstOrDefault(key => key.Use == "span" && key.Kid == kid && key.From <= index && !(key.Until <= index))?.PublicKey;

    /// <summary>The log key in force.</summary>
    public LedgerKey? LogKey => Keys.LastOrDefault(key => key.Use == "log" && key.Until is null);
}

/// <summary>What does not hold.</summary>
/// <param name="Index">The first entry for which it does not; everything before it is proved. Null when it is about a row beside the log.</param>
/// <param name="Where">For people: <c>entry 7</c>, <c>checkpoint 12</c>, <c>keys dev/kid_1</c>.</param>
/// <param name="Message">What is wrong, with the rule of docs/ledger-format.md where one is broken.</param>
public sealed record AuditFinding(long? Index, string Where, string Message);

/// <summary>What a verification looked at.</summary>
public sealed record AuditReport
{
    /// <summary>The first thing that does not hold, or null.</summary>
    public AuditFinding? Finding { get; init; }

    /// <summary>Entries that were verified.</summary>
    public long Entries { get; init; }

    /// <summary>The root of these, 32 bytes.</summary>
    public required byte[] Root { get; init; }

    /// <summary>Signatures of spans.</summary>
    public long Signatures { get; init; }

    /// <summary>Signed checkpoints.</summary>
    public long Checkpoints { get; init; }

    /// <summary>Rows beside entries, tiles and checkpoints.</summary>
    public long Rows { get; init; }

    /// <summary>Entries whose content was erased: their place in the log and their hash are proved, their content and its signature cannot be.</summary>
    public IReadOnlyList<long> Erased { get; init; } = [];

    /// <summary>The log's minimum index: entries below it need not be kept (docs/ledger-format.md, K1). 0 when it was never pruned.</summary>
    public long Minimum { get; init; }

    /// <summary>Entries below it that are not kept: their leaf hashes, names and places are proved, what they said and who signed it cannot be.</summary>
    public long Pruned { get; init; }
}
