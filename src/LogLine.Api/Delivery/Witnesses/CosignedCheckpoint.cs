using LogLine.Api.Ledger;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Delivery.Witnesses;

/// <summary>A checkpoint with the lines of those who cosigned it.</summary>
/// <param name="Note">The signed note: the log's own lines first.</param>
/// <param name="Size">Entries in its tree.</param>
/// <param name="Cosignatures">How many there are.</param>
internal sealed record CosignedCheckpoint(string Note, long Size, int Cosignatures)
{
    /// <summary>The one that an earlier process published; null when there is none that this configuration would publish.</summary>
    /// <exception cref="DataFolderException">The ledger is behind it, or is another one: it must not go on under this name (contract, section 9).</exception>
    public static CosignedCheckpoint? Restore(string file, SpanLedger ledger, IReadOnlyList<WitnessState> witnesses, int needed)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        var note = File.ReadAllText(file);
        if (!SignedNote.TryParse(note, out var body, out _) || !Checkpoint.TryParse(body, out var checkpoint) || checkpoint.Origin != ledger.Origin)
        {
            return null; // It holds nothing back: witnesses have it, and are asked again.
        }
        var tree = ledger.Tree;
        if (checkpoint.Size > tree.Size || !checkpoint.Root.AsSpan().SequenceEqual(tree.RootAt(checkpoint.Size)))
        {
            throw new DataFolderException(
                $"The ledger has {tree.Size} entries, but {file} shows that witnesses cosigned {(checkpoint.Size > tree.Size ? checkpoint.Size + " of it" : "another one")}. It is not opened, so that the log does not fork. Restore a newer backup.");
        }
        var cosignatures = witnesses.Count(witness => Cosignature.TryVerify(note, witness.Name, witness.PublicKey, out _));
        return cosignatures >= needed ? new CosignedCheckpoint(note, checkpoint.Size, cosignatures) : null;
    }
}
