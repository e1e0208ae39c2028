using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Tests.Witness;

/// <summary>A log of at most 255 entries that a witness watches; a fork of it has the same key and other entries from some index on.</summary>
internal sealed class WatchedLog
{
    public const string Origin = "log.example/watched";
    private const int Entries = 255;

    private readonly TileTree _tree = new(_ => null);

    public WatchedLog(int forksAt = Entries)
    {
        for (var i = 0; i < Entries; i++)
        {
            _tree.Append(MerkleHash.Leaf([(byte)i, (byte)(i < forksAt ? 0 : 1)]));
        }
    }

    public static SigningKey Key { get; } = SigningKey.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);

    public static string VerifierKey => SignedNote.VerifierKey(Origin, Key.PublicKey);

    public string Body(int size) => new Checkpoint(Origin, size, _tree.RootAt(size)).Body;

    public string Note(int size) => SignedNote.Sign(Body(size), Origin, Key);

    public string Request(long oldSize, int size) => new AddCheckpoint(oldSize, oldSize <= size ? _tree.ConsistencyProof(oldSize, size) : [], Note(size)).Write();
}
