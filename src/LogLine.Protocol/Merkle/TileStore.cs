namespace LogLine.Protocol.Merkle;

/// <summary>
/// Full tiles read back through the caller's delegate, the least recently used dropped beyond a fixed number. Safe for several threads,
/// since snapshots of one tree share it.
/// </summary>
internal sealed class TileStore(Func<TileId, byte[]?> readFullTile)
{
    // 16 KiB each with inner nodes: 1 MiB in all.
    private const int Capacity = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<TileId, LinkedListNode<(TileId Id, TileNodes Nodes)>> _byId = [];
    private readonly LinkedList<(TileId Id, TileNodes Nodes)> _byUse = [];

    /// <summary>A tile that <see cref="Keep"/> was given, or null.</summary>
    internal TileNodes? Find(TileId id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out var kept))
            {
                return null;
            }
            _byUse.Remove(kept);
            _byUse.AddFirst(kept);
            return kept.Value.Nodes;
        }
    }

    /// <summary>Reads a full tile. Whether its hashes are the right ones is for the caller to see.</summary>
    /// <exception cref="InvalidDataException">The tile is missing or does not have 8,192 bytes.</exception>
    internal TileNodes Read(TileId id)
    {
        var hashes = readFullTile(id) ?? throw new InvalidDataException($"The ledger's {id.Path()} is missing.");
        if (hashes.Length != TileId.FullBytes)
        {
            throw new InvalidDataException($"The ledger's {id.Path()} has {hashes.Length} bytes where a full tile has {TileId.FullBytes}.");
        }
        return TileNodes.FromHashes(hashes);
    }

    internal void Keep(TileId id, TileNodes nodes)
    {
        lock (_lock)
        {
            if (_byId.ContainsKey(id))
            {
                return;
            }
            _byId[id] = _byUse.AddFirst((id, nodes));
            if (_byId.Count > Capacity)
            {
                _byId.Remove(_byUse.Last!.Value.Id);
                _byUse.RemoveLast();
            }
        }
    }

    /// <summary>Forgets every tile: after a rollback those beyond the old size would be of entries that never were.</summary>
    internal void Clear()
    {
        lock (_lock)
        {
            _byId.Clear();
            _byUse.Clear();
        }
    }
}
