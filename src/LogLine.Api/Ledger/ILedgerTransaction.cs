using LogLine.Protocol.Merkle;

namespace LogLine.Api.Ledger;

/// <summary>
/// One transaction of the writer: everything that a batch changes (architecture, rule 2). From its begin to its end nobody else extends the
/// log. Disposed without a commit it is given up, and nothing of it was ever seen.
/// </summary>
public interface ILedgerTransaction : IAsyncDisposable
{
    /// <summary>Number of entries at its begin. More than the writer knows of: another gateway has been here.</summary>
    long Size { get; }

    /// <summary>Kids of the keys that sign as long as it lasts, in a store that several gateways share; else null.</summary>
    string? SignedBy { get; }

    /// <summary>
    /// Writes the pieces in order, each as a whole or not at all. Those that are written stand one behind the other from <see cref="Size"/>
    /// on; called more than once, the later ones go on behind the earlier.
    /// </summary>
    /// <returns>For every piece the conflict because of which it is not written, or null.</returns>
    ValueTask<IReadOnlyList<AppendConflict?>> WriteAsync(IReadOnlyList<LedgerPiece> pieces);

    /// <summary>Ends it; when this returns, all of it is durable.</summary>
    /// <param name="growth">The tree with the new entries; null when none was written.</param>
    ValueTask CommitAsync(TreeGrowth? growth);
}

/// <summary>What a batch adds to the tree.</summary>
/// <param name="Size">Number of entries now.</param>
/// <param name="Frontier">As in <see cref="LedgerHead"/>.</param>
/// <param name="Tiles">Tiles that filled up.</param>
/// <param name="Note">The signed checkpoint.</param>
/// <param name="Touched">What the batch changed, for other gateways on the same store.</param>
public sealed record TreeGrowth(long Size, byte[] Frontier, IReadOnlyList<(TileId Id, byte[] Hashes)> Tiles, string Note, IReadOnlyList<Touched> Touched);
