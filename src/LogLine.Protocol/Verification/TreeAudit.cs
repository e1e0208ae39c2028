using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Verification;

/// <summary>
/// Grows the tree again, entry by entry, and holds every stored tile and every checkpoint against it (docs/ledger-format.md, L1 to L5, C1 to C3). A tile or
/// checkpoint is told before the entry that completes it.
/// </summary>
internal sealed class TreeAudit(LedgerTrust trust)
{
    private readonly CompactRange _frontier = new();
    private readonly Dictionary<TileId, byte[]> _tiles = [];
    private readonly Dictionary<long, string> _notes = [];
    private readonly List<(string Note, string Origin, IReadOnlyList<byte[]> Keys, long Size)> _unverified = [];

    // Of each level the hashes after its last full tile: 255 at most.
    private readonly List<byte[]>[] _edges = [.. Enumerable.Range(0, 8).Select(_ => new List<byte[]>(TileId.FullWidth))];
    private long _provedSize;
    private string? _last;

    public long Size => _frontier.Size;

    public IReadOnlyList<byte[]> Frontier => _frontier.Hashes;

    public byte[] Root => _frontier.Root();

    /// <summary>Size of the last checkpoint that holds.</summary>
    public long ProvedSize => _provedSize;

    public long Checkpoints { get; private set; }

    public AuditFinding? Add(StoredRow row)
    {
        if (row.Table.Name == "tiles")
        {
            return row["level"] is long level and >= 0 and < 8 && row["idx"] is long index and >= 0 && row["hashes"] is byte[] hashes && _tiles.TryAdd(new TileId((int)level, index), hashes)
                ? null
                : new AuditFinding(null, row.Name, "is no tile, or is there twice");
        }
        return row["tree_size"] is long size && size > _frontier.Size && row["note"] is string note && _notes.TryAdd(size, note)
            ? null
            : new AuditFinding(null, row.Name, "is no checkpoint of a later size than those before it");
    }

    /// <summary>The leaf hash of the next entry, as the tile over it has it, for an entry that is not kept; null when there is no such tile.</summary>
    public byte[]? StoredLeaf() =>
        _tiles.TryGetValue(new TileId(0, _frontier.Size / TileId.FullWidth), out var tile) && tile.Length == TileId.FullBytes
            ? tile.AsSpan((int)(_frontier.Size % TileId.FullWidth) * MerkleHash.Size, MerkleHash.Size).ToArray()
            : null;

    /// <summary>The next leaf, and what it completes.</summary>
    public AuditFinding? Append(byte[] leaf)
    {
        _frontier.Append(leaf);
        if (Complete(0, leaf) is { } tile)
        {
            return tile;
        }
        if (!_notes.Remove(_frontier.Size, out var note))
        {
            return null;
        }
        if (Hold(note) is { } fault)
        {
            return new AuditFinding(_provedSize, $"checkpoint {_frontier.Size}", fault);
        }
        _provedSize = _frontier.Size;
        Checkpoints++;
        return null;
    }

    /// <summary>The signatures of the checkpoints since the last call: each by itself, so that they can be verified at once.</summary>
    public IReadOnlyList<Func<AuditFinding?>> TakeSignatures()
    {
        var checks = _unverified.Select(item => (Func<AuditFinding?>)(() =>
            SignedNote.TryVerifyAny(item.Note, item.Origin, item.Keys, out _)
                ? null
                : new AuditFinding(item.Size - 1, $"checkpoint {item.Size}", $"it carries no valid signature of the log's key under the name {item.Origin} (N4 to N6)"))).ToList();
        _unverified.Clear();
        return checks;
    }

    /// <summary>What is left over at the end of the log.</summary>
    public AuditFinding? Finish()
    {
        if (_tiles.Count > 0)
        {
            return new AuditFinding(null, Name(_tiles.Keys.First()), $"a log of {Size} entries has no such tile (L1)");
        }
        if (_notes.Count > 0)
        {
            return new AuditFinding(null, $"checkpoint {_notes.Keys.Min()}", $"there are {Size} entries only");
        }
        return trust.Pinned is not { } pinned || _last is null || SignedNote.TryVerifyAny(_last, trust.Origin, [pinned], out _)
            ? null
            : new AuditFinding(Size - 1, $"checkpoint {Size}", "it carries no valid signature of the key that you trust. Another log; or its key was replaced since: see 'rotate-key' in docs/operations.md");
    }

    private string? Hold(string note)
    {
        if (!SignedNote.TryParse(note, out var body, out _) || !Checkpoint.TryParse(body, out var checkpoint))
        {
            return "it is no signed note with a checkpoint in it (N1, N2, C4)";
        }
        var keys = trust.LogKeysAt(_frontier.Size);
        if (keys.Count == 0)
        {
            return "no key of the log signs checkpoints of that size";
        }
        if (checkpoint.Origin != keys[0].Origin)
        {
            return $"it is of the log {checkpoint.Origin}, not of {keys[0].Origin} (C1)";
        }
        if (checkpoint.Size != _frontier.Size)
        {
            return $"it is about {checkpoint.Size} entries (C2)";
        }
        if (!checkpoint.Root.AsSpan().SequenceEqual(_frontier.Root()))
        {
            return $"the entries from {_provedSize} on do not add up to its root (C2, C3)";
        }
        _unverified.Add((note, checkpoint.Origin, [.. keys.Select(key => key.PublicKey)], checkpoint.Size));
        _last = note;
        return null;
    }

    private AuditFinding? Complete(int level, byte[] hash)
    {
        var edge = _edges[level];
        edge.Add(hash);
        if (edge.Count < TileId.FullWidth)
        {
            return null;
        }
        var id = new TileId(level, (_frontier.Size >> (TileId.Height * (level + 1))) - 1);
        if (!_tiles.Remove(id, out var stored))
        {
            return new AuditFinding(null, Name(id), "the tile is missing (L1)");
        }
        for (var i = 0; i < edge.Count; i++)
        {
            if (stored.Length != TileId.FullBytes || !stored.AsSpan(i * MerkleHash.Size, MerkleHash.Size).SequenceEqual(edge[i]))
            {
                // In level 0 each hash is an entry's own.
                long? first = level == 0 && stored.Length == TileId.FullBytes ? (id.Index * TileId.FullWidth) + i : null;
                return new AuditFinding(first, Name(id), first is null ? "the tile does not hold the hashes of its subtrees (L3)" : $"the tile does not hold the hash of entry {first} (L5)");
            }
        }
        edge.Clear();
        return level + 1 < _edges.Length ? Complete(level + 1, _frontier.Completed(TileId.Height * (level + 1)).ToArray()) : null;
    }

    private static string Name(TileId id) => id.Path();
}
