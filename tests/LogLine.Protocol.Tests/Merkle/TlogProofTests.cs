using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class TlogProofTests
{
    private const string Origin = "logline.example/ledger";

    [Fact]
    public void CheckpointOfTwoEntries_HasItsGoldenText()
    {
        var tree = Tree(2);
        var checkpoint = new Checkpoint(Origin, 2, tree.Root());
        Assert.Equal("logline.example/ledger\n2\nDENvtpGJxmjZYPMDQxYbp/9xaNLlvc09xAYhyhft24A=\n", checkpoint.Body);
        Assert.True(Checkpoint.TryParse(checkpoint.Body, out var parsed));
        Assert.Equal(checkpoint, parsed);
        Assert.NotEqual(checkpoint, parsed with { Root = new byte[32] });
    }

    [Fact]
    public void CheckpointThatWouldBeReadAsAnother_HasNoText()
    {
        Assert.Throws<InvalidOperationException>(() => new Checkpoint("origin\n7", 1, new byte[32]).Body);
        Assert.Throws<InvalidOperationException>(() => new Checkpoint("", 1, new byte[32]).Body);
        Assert.Throws<InvalidOperationException>(() => new Checkpoint(Origin, -1, new byte[32]).Body);
        Assert.Throws<InvalidOperationException>(() => new Checkpoint(Origin, 1, new byte[31]).Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("o\n2\n")]
    [InlineData("o\n2\n{root}")]
    [InlineData("\n2\n{root}\n")]
    [InlineData("o\n02\n{root}\n")]
    [InlineData("o\n+2\n{root}\n")]
    [InlineData("o\n-2\n{root}\n")]
    [InlineData("o\n2 \n{root}\n")]
    [InlineData("o\n٢\n{root}\n")]
    [InlineData("o\n9223372036854775808\n{root}\n")]
    [InlineData("o\n2\n{root}=\n")]
    [InlineData("o\n2\nAAAA\n")]
    [InlineData("o\n2\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n")]
    [InlineData("o\n2\n{root}\n\n")]
    [InlineData("o\n2\n{root}\n\nx\n")]
    [InlineData("o\n2\r\n{root}\n")]
    public void TextThatIsNoCheckpoint_IsRefused(string body) =>
        Assert.False(Checkpoint.TryParse(body.Replace("{root}", Convert.ToBase64String(new byte[32]), StringComparison.Ordinal), out _));

    [Fact]
    public void CheckpointWithExtensionLines_IsRead()
    {
        Assert.True(Checkpoint.TryParse($"an origin + more\n9223372036854775807\n{Convert.ToBase64String(new byte[32])}\nextension\n", out var checkpoint));
        Assert.Equal(("an origin + more", long.MaxValue), (checkpoint.Origin, checkpoint.Size));
    }

    [Fact]
    public void ProofOfEveryEntry_RoundTripsAndVerifies()
    {
        using var key = SignedNoteTests.Key(3);
        var tree = Tree(20);
        var note = SignedNote.Sign(new Checkpoint(Origin, 20, tree.Root()).Body, Origin, key);
        for (var index = 0; index < 20; index++)
        {
            var entry = NaiveTree.Entry(index);
            var text = TlogProof.Write(index % 2 == 0 ? entry : null, index, tree.InclusionProof(index, 20), note);
            Assert.True(TlogProof.TryParse(text, out var proof));
            Assert.Equal(text, TlogProof.Write(proof.Extra, proof.Index, proof.Hashes, proof.Checkpoint));
            Assert.Equal(index % 2 == 0 ? entry : null, proof.Extra);
            Assert.True(proof.TryVerify(entry, Origin, key.PublicKey, out var checkpoint));
            Assert.Equal(20, checkpoint.Size);
            Assert.False(proof.TryVerify(NaiveTree.Entry(index + 1), Origin, key.PublicKey, out _));
            Assert.False((proof with { Index = (index + 1) % 20 }).TryVerify(entry, Origin, key.PublicKey, out _));
        }
    }

    [Fact]
    public void ProofUnderACheckpointOfAnotherKeyOrOrigin_DoesNotVerify()
    {
        using var key = SignedNoteTests.Key(3);
        using var other = SignedNoteTests.Key(4);
        var tree = Tree(1);
        var foreign = SignedNote.Sign(new Checkpoint("other.example", 1, tree.Root()).Body, Origin, key);
        var proof = new TlogProof(null, 0, [], foreign);
        Assert.False(proof.TryVerify(NaiveTree.Entry(0), Origin, key.PublicKey, out _));
        var own = proof with { Checkpoint = SignedNote.Sign(new Checkpoint(Origin, 1, tree.Root()).Body, Origin, key) };
        Assert.True(own.TryVerify(NaiveTree.Entry(0), Origin, key.PublicKey, out _));
        Assert.False(own.TryVerify(NaiveTree.Entry(0), Origin, other.PublicKey, out _));
    }

    [Fact]
    public void ProofText_IsTheSpecifications()
    {
        var text = Text("index 0\n");
        Assert.True(TlogProof.TryParse(text, out _));
        Assert.True(TlogProof.TryParse(Text("extra aGk=\nindex 0\n"), out var proof));
        Assert.Equal("hi"u8.ToArray(), proof.Extra);
    }

    [Theory]
    [InlineData("")]
    [InlineData("index 00\n")]
    [InlineData("index -1\n")]
    [InlineData("index 0 \n")]
    [InlineData("Index 0\n")]
    [InlineData("index 0\nextra aGk=\n")]
    [InlineData("extra aGk\nindex 0\n")]
    [InlineData("extra aGl=\nindex 0\n")]
    [InlineData("extra aGk=\nextra aGk=\nindex 0\n")]
    [InlineData("index 0\nAAAA\n")]
    [InlineData("index 0\nindex 1\n")]
    [InlineData("index 0\n\n")]
    [InlineData("index 0\r\n")]
    public void ProofSpeltInAnotherWay_IsRefused(string head) => Assert.False(TlogProof.TryParse(Text(head), out _));

    [Fact]
    public void ProofBeyondItsLimits_IsRefused()
    {
        var note = Note();
        var hash = new byte[32];
        Assert.True(TlogProof.TryParse(TlogProof.Write(new byte[TlogProof.MaxExtraBytes], 0, [.. Enumerable.Repeat(hash, 63)], note), out _));
        Assert.Throws<ArgumentException>(() => TlogProof.Write(new byte[TlogProof.MaxExtraBytes + 1], 0, [], note));
        Assert.Throws<ArgumentException>(() => TlogProof.Write(null, 0, [.. Enumerable.Repeat(hash, 64)], note));
        Assert.Throws<ArgumentException>(() => TlogProof.Write(null, -1, [], note));
        Assert.Throws<ArgumentException>(() => TlogProof.Write(null, 0, [new byte[31]], note));
        Assert.Throws<ArgumentException>(() => TlogProof.Write(null, 0, [], "no note"));
        Assert.False(TlogProof.TryParse("c2sp.org/tlog-proof@v2\nindex 0\n\n" + note, out _));
        Assert.False(TlogProof.TryParse("c2sp.org/tlog-proof@v1\nindex 0\n" + note, out _));
    }

    private static string Text(string head) => $"c2sp.org/tlog-proof@v1\n{head}\n{Note()}";

    private static string Note()
    {
        using var key = SignedNoteTests.Key(3);
        return SignedNote.Sign(new Checkpoint(Origin, 1, NaiveTree.LeafHash(0)).Body, Origin, key);
    }

    private static TileTree Tree(int size)
    {
        var tree = new TileTree(_ => null);
        for (var i = 0; i < size; i++)
        {
            tree.Append(NaiveTree.LeafHash(i));
        }
        return tree;
    }
}
