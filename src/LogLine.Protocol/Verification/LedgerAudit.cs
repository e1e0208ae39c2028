using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Verification;

/// <summary>
/// Verifies a whole ledger from its rows, whoever keeps them and however they came: every entry, the tree with its tiles, every checkpoint, every span and its
/// signature; that no proof was used twice, that a run ended once; and every row beside the log, against its digest and, where the log determines it, against the log.
/// The rules are those of docs/ledger-format.md.
/// </summary>
/// <remarks>
/// Rows come in this order: tiles and checkpoints before the entry that completes them; entries by index; then the other tables, each by its key; <c>head</c> at the end.
/// What is kept in memory grows with the names (16 bytes an entry), keys, proofs and runs of the log, not with its content. One caller; each group of entries
/// is worked on by <paramref name="parallelism"/> threads.
/// </remarks>
/// <param name="trust">Names and keys that the caller trusts.</param>
/// <param name="parallelism">Threads; all cores when it is 0.</param>
public sealed class LedgerAudit(LedgerTrust trust, int parallelism = 0)
{
    // Large enough that threads seldom wait for one another; small enough to be gone before the collector would have to carry it along.
    private const int Group = 256;

    private readonly ParallelOptions _threads = new() { MaxDegreeOfParallelism = parallelism == 0 ? -1 : parallelism };
    private readonly TreeAudit _tree = new(trust);
    private readonly LedgerState _state = new(trust);
    private readonly List<StoredRow> _waiting = new(Group);
    private EntryColumns? _columns;
    private StoredRow? _before;
    private AuditFinding? _finding;
    private bool _complete;
    private long _minimum;
    private long _signatures;
    private long _rows;

    /// <summary>Entries that are verified so far.</summary>
    public long Entries => _tree.Size;

    /// <summary>Takes the next row. After a finding there is nothing more to take.</summary>
    /// <returns>The first thing that does not hold, or null.</returns>
    public AuditFinding? Add(StoredRow row)
    {
        if (_finding is not null)
        {
            return _finding;
        }
        if (_complete)
        {
            return _finding = new AuditFinding(null, row.Name, "comes after the head, which is the end");
        }
        return _finding = row.Table.Name switch
        {
            "entries" => AddEntry(row),
            "tiles" or "checkpoints" => HasDigest(row) ? _tree.Add(row) : new AuditFinding(null, row.Name, DigestFault),
            _ => Verify() ?? AddRow(row),
        };
    }

    /// <summary>Ends the verification: what is missing is found now.</summary>
    public AuditReport Finish()
    {
        _finding ??= Verify() ?? (_complete ? null : new AuditFinding(_tree.Size, "head", "the rows end before the head: something was cut off"));
        return new AuditReport
        {
            Finding = _finding,
            Entries = _tree.Size,
            Root = _tree.Root,
            Signatures = _signatures,
            Checkpoints = _tree.Checkpoints,
            Rows = _rows,
            Erased = _state.Erased,
            Minimum = _minimum,
            Pruned = _state.Pruned.Count,
        };
    }

    private AuditFinding? AddEntry(StoredRow row)
    {
        _columns ??= EntryColumns.Of(row.Table);
        if (_columns is null)
        {
            return new AuditFinding(null, "entries", "the table lacks columns that every ledger has");
        }
        _waiting.Add(row);
        return _waiting.Count < Group ? null : Verify();
    }

    /// <summary>Verifies the entries that wait: each by itself at once, then one after the other against the log so far, then their signatures at once.</summary>
    private AuditFinding? Verify()
    {
        if (_waiting.Count == 0)
        {
            return null;
        }
        var entries = new AuditedEntry[_waiting.Count];
        var digests = new bool[_waiting.Count];
        Parallel.For(0, entries.Length, _threads, i =>
        {
            entries[i] = AuditedEntry.Of(_waiting[i], _columns!);
            digests[i] = HasDigest(_waiting[i]);
        });
        _waiting.Clear();
        AuditFinding? finding = null;
        var sound = 0;
        for (; sound < entries.Length && (finding = Append(entries[sound], digests[sound])) is null; sound++)
        {
        }
        return Signatures(entries.AsMemory(0, sound)) ?? finding;
    }

    private AuditFinding? Append(AuditedEntry entry, bool digestHolds)
    {
        var index = _tree.Size;
        var fault = entry.Index != index ? $"the next entry is number {entry.Index}: entries are missing, or one is there twice (E4)"
            : entry.Fault ?? (digestHolds ? _state.Apply(entry) : DigestFault);
        if (fault is null && (entry.IsPruned ? _tree.StoredLeaf() : entry.Leaf) is { } leaf)
        {
            return _tree.Append(leaf);
        }
        return new AuditFinding(index, $"entry {index}", fault ?? "the entry is missing, and no tile holds its leaf hash (K1)");
    }

    /// <summary>The first of the signatures of these entries, and of the checkpoints over them, that does not hold.</summary>
    private AuditFinding? Signatures(ReadOnlyMemory<AuditedEntry> entries)
    {
        var checkpoints = _tree.TakeSignatures();
        var findings = new AuditFinding?[entries.Length + checkpoints.Count];
        Parallel.For(0, findings.Length, _threads, i =>
        {
            if (i >= entries.Length)
            {
                findings[i] = checkpoints[i - entries.Length]();
            }
            else if (entries.Span[i].SignatureFault() is { } fault)
            {
                findings[i] = new AuditFinding(entries.Span[i].Index, $"entry {entries.Span[i].Index}", fault);
            }
        });
        foreach (var entry in entries.Span)
        {
            _signatures += entry.Key is null ? 0 : 1;
        }
        return findings.Where(found => found is not null).MinBy(found => found!.Index);
    }

    private AuditFinding? AddRow(StoredRow row)
    {
        _rows++;
        var before = _before?.Table.Name == row.Table.Name ? _before : null;
        _before = row;
        if (before is not null && before.CompareKey(row) >= 0)
        {
            return new AuditFinding(null, row.Name, "is there twice, or not in the order of its key");
        }
        if (row.Table.Name == "head")
        {
            return Head(row);
        }
        var fault = HasDigest(row) ? _state.Hold(row) : DigestFault;
        return fault is null ? null : new AuditFinding(null, row.Name, fault);
    }

    private AuditFinding? Head(StoredRow row)
    {
        _complete = true;
        var frontier = row["frontier"] as byte[] ?? [];
        var fault = !HasDigest(row) ? DigestFault
            : !Equals(row["id"], 1L) ? "the head is row 1, and the only one"
            : row["origin"] as string != trust.Origin ? $"the origin is {row["origin"]}, not {trust.Origin} (C1)"
            : !Equals(row["size"], _tree.Size) ? $"the size is {row["size"]}, but there are {_tree.Size} entries (E4)"
            : _tree.ProvedSize != _tree.Size ? $"the last checkpoint is of {_tree.ProvedSize} entries, the head of {_tree.Size}"
            : !frontier.AsSpan().SequenceEqual(_tree.Frontier.SelectMany(hash => hash).ToArray()) ? "the frontier is not that of the entries (T1)"
            : Minimum(row["minimum"] as long? ?? -1);
        return fault is null ? _tree.Finish() ?? _state.Finish() : new AuditFinding(null, "head", fault);
    }

    private string? Minimum(long minimum)
    {
        _minimum = minimum;
        return minimum < 0 || minimum > _tree.Size || minimum % TileId.FullWidth != 0 ? $"the minimum index {minimum} is not the beginning of a tile of this tree (K1)"
            : minimum != _state.Minimum ? $"the minimum index is {minimum}, but the log says {_state.Minimum} (K2)"
            : _state.Pruned.Last >= minimum ? $"entry {_state.Pruned.Last} is missing, and the minimum index is {minimum} (K1)"
            : null;
    }

    private static bool HasDigest(StoredRow row) => row.Digest is { } digest ? digest == RowDigest.Of(row) : !RowDigest.IsNeeded(row.Table.Name);

    private const string DigestFault = "the row is not the one that was written: it does not have its digest";
}
