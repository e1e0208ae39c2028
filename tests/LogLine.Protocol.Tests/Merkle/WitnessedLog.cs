using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

/// <summary>A log as a witness sees it; a fork of it has the same key and other entries from some index on.</summary>
internal sealed class WitnessedLog(string origin, SigningKey key, int forksAt = int.MaxValue)
{
    private readonly NaiveTree _tree = new();

    public string Origin => origin;

    public Checkpoint Checkpoint(int size)
    {
        Grow(size);
        return new Checkpoint(origin, size, _tree.Root(size));
    }

    public string Note(int size) => SignedNote.Sign(Checkpoint(size).Body, origin, key);

    public AddCheckpoint Request(int oldSize, int size)
    {
        Grow(size);
        return new AddCheckpoint(oldSize, _tree.Proof(oldSize, size), Note(size));
    }

    // Entries of the fork are those of other numbers.
    private void Grow(int size) => _tree.GrowTo(size, forksAt);
}
