using System.Text;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class CosignatureTests
{
    private const string Origin = "logline.example/ledger";
    private const string Witness = "witness.example/w1";
    private const long Time = 1_679_315_147;

    private static readonly string Body = new Checkpoint(Origin, 1, NaiveTree.LeafHash(0)).Body;

    [Fact]
    public void CosignedCheckpoint_VerifiesWithItsTimeAndKeepsTheLogsSignature()
    {
        using var log = SignedNoteTests.Key(1);
        using var witness = SignedNoteTests.Key(2);
        Assert.True(SignedNote.TryAddLine(SignedNote.Sign(Body, Origin, log), Cosignature.Line(Body, Witness, witness, Time), out var note));
        Assert.True(Cosignature.TryVerify(note, Witness, witness.PublicKey, out var time));
        Assert.Equal(Time, time);
        Assert.True(SignedNote.TryVerify(note, Origin, log.PublicKey, out _, out _));
        Assert.False(Cosignature.TryVerify(note, Witness, log.PublicKey, out _));
        Assert.False(Cosignature.TryVerify(note, Origin, log.PublicKey, out _));
        Assert.False(SignedNote.TryVerify(note, Witness, witness.PublicKey, out _, out _));
    }

    [Fact]
    public void CosignatureOfAnotherTimeOrBody_IsRefused()
    {
        using var log = SignedNoteTests.Key(1);
        using var witness = SignedNoteTests.Key(2);
        var note = SignedNote.Sign(Body, Origin, log);
        var line = Cosignature.Line(Body, Witness, witness, Time);
        var bytes = Convert.FromBase64String(line.Split(' ')[2].TrimEnd());
        bytes[11] ^= 1;
        Assert.True(SignedNote.TryAddLine(note, $"— {Witness} {Convert.ToBase64String(bytes)}\n", out var shifted));
        Assert.False(Cosignature.TryVerify(shifted, Witness, witness.PublicKey, out var time));
        Assert.Equal(0, time);
        var forked = SignedNote.Sign(new Checkpoint(Origin, 1, NaiveTree.LeafHash(1)).Body, Origin, log);
        Assert.True(SignedNote.TryAddLine(forked, line, out var moved));
        Assert.False(Cosignature.TryVerify(moved, Witness, witness.PublicKey, out _));
    }

    [Fact]
    public void CosignatureOfATimeBefore1970_IsRefused()
    {
        using var witness = SignedNoteTests.Key(2);
        byte[] time = [255, 255, 255, 255, 255, 255, 255, 255];
        var signature = witness.Sign(Encoding.UTF8.GetBytes($"cosignature/v1\ntime -1\n{Body}"));
        var note = $"{Body}\n{NoteKey.Line(Witness, NoteKey.CosignatureType, witness.PublicKey, [.. time, .. signature])}";
        Assert.False(Cosignature.TryVerify(note, Witness, witness.PublicKey, out _));
    }

    [Fact]
    public void SeveralCosignaturesOfOneWitness_CountWithTheLatestTime()
    {
        using var witness = SignedNoteTests.Key(2);
        var note = $"{Body}\n{Cosignature.Line(Body, Witness, witness, Time + 5)}{Cosignature.Line(Body, Witness, witness, Time)}";
        Assert.True(Cosignature.TryVerify(note, Witness, witness.PublicKey, out var time));
        Assert.Equal(Time + 5, time);
    }

    [Fact]
    public void WitnessKey_IsNotTakenForALogsKey()
    {
        using var witness = SignedNoteTests.Key(2);
        var text = Cosignature.VerifierKey(Witness, witness.PublicKey);
        Assert.True(Cosignature.TryParseVerifierKey(text, out var name, out var publicKey));
        Assert.Equal(Witness, name);
        Assert.Equal(witness.PublicKey, publicKey);
        Assert.False(SignedNote.TryParseVerifierKey(text, out _, out _));
        Assert.False(Cosignature.TryParseVerifierKey(SignedNote.VerifierKey(Witness, witness.PublicKey), out _, out _));
    }

    [Fact]
    public void TextThatIsNoCheckpoint_IsNotCosigned()
    {
        using var witness = SignedNoteTests.Key(2);
        Assert.Throws<ArgumentException>(() => Cosignature.Line("some text\n", Witness, witness, Time));
        Assert.Throws<ArgumentOutOfRangeException>(() => Cosignature.Line(Body, Witness, witness, -1));
        var note = SignedNote.Sign("some text\n", Origin, witness);
        Assert.False(Cosignature.TryVerify(note, Witness, witness.PublicKey, out _));
    }
}
