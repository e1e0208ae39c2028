using System.Text;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

/// <summary>C2SP tlog-witness, from the witness's side.</summary>
public sealed class WitnessRulesTests : IDisposable
{
    // The example of the specification, add-checkpoint.
    private const string ExampleOfTheSpecification = """
        old 20852014
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

        example.com/behind-the-sofa
        20852163
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=

        """;

    private const string Origin = "logline.example/ledger";

    private readonly SigningKey _key = SignedNoteTests.Key(1);
    private readonly WitnessedLog _log;

    public WitnessRulesTests() => _log = new WitnessedLog(Origin, _key);

    [Fact]
    public void ExampleOfTheSpecification_IsReadAndWrittenAgain()
    {
        Assert.True(AddCheckpoint.TryParse(ExampleOfTheSpecification, out var request, out var checkpoint));
        Assert.Equal((20852014, 4, "example.com/behind-the-sofa", 20852163), (request.OldSize, request.Proof.Count, checkpoint.Origin, checkpoint.Size));
        Assert.Equal(ExampleOfTheSpecification, request.Write());
    }

    [Fact]
    public void LogThatOnlyGrows_IsCosignedStepByStep()
    {
        Checkpoint? latest = null;
        foreach (var size in new[] { 1, 1, 2, 3, 7, 8, 64, 100, 255, 300 })
        {
            Assert.Equal(WitnessVerdict.Cosign, Judge(_log.Request((int)(latest?.Size ?? 0), size).Write(), latest));
            latest = _log.Checkpoint(size);
        }
    }

    [Fact]
    public void ForkOfALog_IsNeverCosigned()
    {
        for (var known = 1; known <= 17; known++)
        {
            for (var forksAt = 0; forksAt < known; forksAt++)
            {
                var fork = new WitnessedLog(Origin, _key, forksAt);
                for (var size = known; size <= 20; size++)
                {
                    Assert.Equal(WitnessVerdict.Inconsistent, Judge(fork.Request(known, size).Write(), _log.Checkpoint(known)));
                    // With the honest log's proof, or none, it is no better.
                    Assert.Equal(WitnessVerdict.Inconsistent, Judge((_log.Request(known, size) with { Note = fork.Note(size) }).Write(), _log.Checkpoint(known)));
                    Assert.Equal(WitnessVerdict.OtherSize, Judge(fork.Request(0, size).Write(), _log.Checkpoint(known)));
                }
            }
        }
    }

    [Fact]
    public void Rollback_IsNeverCosigned()
    {
        for (var size = 1; size < 10; size++)
        {
            Assert.Equal(WitnessVerdict.Malformed, Judge(new AddCheckpoint(10, [], _log.Note(size)).Write(), _log.Checkpoint(10)));
            Assert.Equal(WitnessVerdict.OtherSize, Judge(_log.Request(0, size).Write(), _log.Checkpoint(10)));
            Assert.Equal(WitnessVerdict.OtherSize, Judge(_log.Request(size, size).Write(), _log.Checkpoint(10)));
        }
    }

    [Fact]
    public void WrongSignaturesAndUnknownLogs_AreRefused()
    {
        using var stranger = SignedNoteTests.Key(2);
        var body = _log.Checkpoint(3).Body;
        Assert.Equal(WitnessVerdict.UnknownLog, Judge(new WitnessedLog("other.example/log", _key).Request(0, 3).Write(), null));
        Assert.Equal(WitnessVerdict.NotSigned, Judge(new AddCheckpoint(0, [], SignedNote.Sign(body, Origin, stranger)).Write(), null));
        // A line of a trusted key that does not verify spoils the note, also beside one that does.
        var broken = SignedNote.Sign(_log.Checkpoint(4).Body, Origin, _key).Split("\n\n")[1];
        Assert.True(SignedNote.TryAddLine(_log.Note(3), broken, out var both));
        Assert.Equal(WitnessVerdict.NotSigned, Judge(new AddCheckpoint(0, [], both).Write(), null));
        // Others' lines are passed over.
        Assert.Equal(WitnessVerdict.Cosign, Judge(new AddCheckpoint(0, [], SignedNote.AddSignature(_log.Note(3), Origin, stranger)).Write(), null));
    }

    [Fact]
    public void LogWithTwoKeys_NeedsOneOfThem()
    {
        using var next = SignedNoteTests.Key(2);
        var (old, both, young) = (_log.Note(3), SignedNote.AddSignature(_log.Note(3), Origin, next), SignedNote.Sign(_log.Checkpoint(3).Body, Origin, next));
        foreach (var note in new[] { old, both, young })
        {
            var text = new AddCheckpoint(0, [], note).Write();
            Assert.Equal(WitnessVerdict.Cosign, WitnessRules.Judge(text, _ => [_key.PublicKey.ToArray(), next.PublicKey.ToArray()], _ => null, out _, out _));
        }
    }

    [Fact]
    public void FirstCheckpoint_TakesNoProof_AndTheEmptyLogItsOneRoot()
    {
        Assert.Equal(WitnessVerdict.Inconsistent, Judge(new AddCheckpoint(0, [new byte[32]], _log.Note(3)).Write(), null));
        Assert.Equal(WitnessVerdict.Cosign, Judge(Empty(MerkleHash.EmptyRoot.ToArray()), null));
        Assert.Equal(WitnessVerdict.Inconsistent, Judge(Empty(new byte[32]), null));

        string Empty(byte[] root) => new AddCheckpoint(0, [], SignedNote.Sign(new Checkpoint(Origin, 0, root).Body, Origin, _key)).Write();
    }

    [Fact]
    public void RequestWithOneOtherByte_IsNotCosigned()
    {
        var bytes = Encoding.UTF8.GetBytes(_log.Request(5, 9).Write());
        var latest = _log.Checkpoint(5);
        Assert.Equal(WitnessVerdict.Cosign, Judge(Encoding.UTF8.GetString(bytes), latest));
        for (var at = 0; at < bytes.Length; at++)
        {
            foreach (var flip in new byte[] { 1, 0x20, 0x80 })
            {
                var other = bytes.ToArray();
                other[at] ^= flip;
                Assert.NotEqual(WitnessVerdict.Cosign, Judge(Encoding.UTF8.GetString(other), latest));
            }
            Assert.NotEqual(WitnessVerdict.Cosign, Judge(Encoding.UTF8.GetString(bytes.AsSpan(0, at)), latest));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("old")]
    [InlineData("old 0\n")]
    [InlineData("old 00\n\n")]
    [InlineData("old -1\n\n")]
    [InlineData("old 0 \n\n")]
    [InlineData("old 0\n\n\n")]
    [InlineData("OLD 0\n\n")]
    public void OtherText_IsMalformed(string head) => Assert.Equal(WitnessVerdict.Malformed, Judge(head.EndsWith("\n\n", StringComparison.Ordinal) ? head + _log.Note(3) : head, null));

    [Fact]
    public void MoreThanSixtyThreeHashes_AreMalformed()
    {
        var hashes = Enumerable.Repeat(new byte[32], 63).ToList();
        Assert.Equal(WitnessVerdict.Inconsistent, Judge(new AddCheckpoint(1, hashes, _log.Note(3)).Write(), _log.Checkpoint(1)));
        Assert.Equal(WitnessVerdict.Malformed, Judge(new AddCheckpoint(1, [.. hashes, new byte[32]], _log.Note(3)).Write(), _log.Checkpoint(1)));
    }

    private WitnessVerdict Judge(string text, Checkpoint? latest) =>
        WitnessRules.Judge(text, origin => origin == Origin ? [_key.PublicKey.ToArray()] : null, _ => latest, out _, out _);

    public void Dispose() => _key.Dispose();
}
