using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class SignedNoteTests
{
    private const string Origin = "logline.example/ledger";
    private const string Body = Origin + "\n2\nL3YckOkNELOPL+KWk1Uf8hY4Dbo3ZZJ9aXzUYWZvHqE=\n";

    // The note, key and signature in the documentation of Go's golang.org/x/mod/sumdb/note, which defined the format.
    private const string GoVerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    private const string GoSeed = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
    private const string GoText = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    private const string GoNote = GoText + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    [Fact]
    public void NoteOfAnotherImplementation_VerifiesAndIsReproduced()
    {
        Assert.True(SignedNote.TryParseVerifierKey(GoVerifierKey, out var name, out var publicKey));
        Assert.True(SignedNote.TryVerify(GoNote, name, publicKey, out var body, out var signature));
        Assert.Equal(GoText, body);
        Assert.Equal(64, signature.Length);
        using var key = SigningKey.FromSeed(Convert.FromBase64String(GoSeed));
        Assert.Equal(GoNote, SignedNote.Sign(GoText, name, key));
        Assert.Equal(GoVerifierKey, SignedNote.VerifierKey(name, key.PublicKey));
    }

    [Fact]
    public void ChangedCharacterAnywhere_IsRefused()
    {
        using var key = Key(1);
        var note = SignedNote.Sign(Body, Origin, key);
        for (var i = 0; i < note.Length; i++)
        {
            var changed = note.Remove(i, 1).Insert(i, ((char)(note[i] ^ 1)).ToString());
            Assert.False(SignedNote.TryVerify(changed, Origin, key.PublicKey, out var body, out _), changed);
            Assert.Empty(body);
            Assert.False(SignedNote.TryVerify(note.Remove(i, 1), Origin, key.PublicKey, out _, out _), note.Remove(i, 1));
            Assert.False(SignedNote.TryVerify(note.Insert(i, "\n"), Origin, key.PublicKey, out _, out _), note.Insert(i, "\n"));
        }
    }

    [Fact]
    public void SignatureOfAnotherKeyOrName_IsNotTaken()
    {
        using var key = Key(1);
        using var other = Key(2);
        var note = SignedNote.Sign(Body, Origin, key);
        Assert.False(SignedNote.TryVerify(note, Origin, other.PublicKey, out _, out _));
        Assert.False(SignedNote.TryVerify(note, Origin + "2", key.PublicKey, out _, out _));
        Assert.False(SignedNote.TryVerify(note, Origin, key.PublicKey[..31], out _, out _));
        Assert.False(SignedNote.TryVerify(note, "", key.PublicKey, out _, out _));
    }

    [Fact]
    public void CosignaturesAndTheSuccessorsSignature_AreKeptAndVerify()
    {
        using var key = Key(1);
        using var successor = Key(2);
        var note = SignedNote.AddSignature(SignedNote.Sign(Body, Origin, key), Origin, successor);
        var line = $"— witness.example/w1 {Convert.ToBase64String(new byte[4 + 8 + 64])}\n";
        Assert.True(SignedNote.TryAddLine(note, line, out var cosigned));
        Assert.Equal(note + line, cosigned);
        Assert.True(SignedNote.TryVerify(cosigned, Origin, key.PublicKey, out var body, out _));
        Assert.True(SignedNote.TryVerify(cosigned, Origin, successor.PublicKey, out _, out _));
        Assert.Equal(Body, body);
        Assert.True(SignedNote.TryParse(cosigned, out _, out var signatures));
        Assert.Equal([Origin, Origin, "witness.example/w1"], signatures.Select(signature => signature.KeyName));
        Assert.Equal(SignedNote.KeyId(Origin, successor.PublicKey), signatures[1].KeyId);
        Assert.Equal(72, signatures[2].Signature.Length);
    }

    [Fact]
    public void SecondLineOfTheSameKeyThatDoesNotVerify_SpoilsTheNote()
    {
        using var key = Key(1);
        var note = SignedNote.Sign(Body, Origin, key);
        var forged = SignedNote.Sign(Body.Replace("\n2\n", "\n3\n", StringComparison.Ordinal), Origin, key);
        Assert.True(SignedNote.TryAddLine(note, forged[forged.IndexOf('—', StringComparison.Ordinal)..], out var spoiled));
        Assert.False(SignedNote.TryVerify(spoiled, Origin, key.PublicKey, out _, out _));
    }

    [Fact]
    public void EmptyLineInTheText_BelongsToTheText()
    {
        using var key = Key(1);
        const string Text = "one\n\ntwo\n";
        Assert.True(SignedNote.TryVerify(SignedNote.Sign(Text, Origin, key), Origin, key.PublicKey, out var body, out _));
        Assert.Equal(Text, body);
    }

    [Theory]
    [InlineData("no newline at the end")]
    [InlineData("")]
    [InlineData("tab\there\n")]
    [InlineData("carriage return\r\n")]
    public void TextThatNoNoteMayHave_IsNotSigned(string text)
    {
        using var key = Key(1);
        Assert.Throws<ArgumentException>(() => SignedNote.Sign(text, Origin, key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("a\u00A0b")]
    [InlineData("a\u2028b")]
    [InlineData("a\nb")]
    public void NameThatNoKeyMayHave_IsRefused(string name)
    {
        using var key = Key(1);
        Assert.Throws<ArgumentException>(() => SignedNote.Sign(Body, name, key));
        Assert.Throws<ArgumentException>(() => SignedNote.VerifierKey(name, key.PublicKey));
        Assert.False(SignedNote.TryParse($"{Body}\n— {name} {Convert.ToBase64String(new byte[68])}\n", out _, out _));
    }

    // Not rows of the theories above: an attribute's text is stored as UTF-8, which has no lone surrogate.
    [Fact]
    public void LoneSurrogate_IsRefusedInTextAndName()
    {
        using var key = Key(1);
        Assert.Throws<ArgumentException>(() => SignedNote.Sign("\uD800 alone\n", Origin, key));
        Assert.Throws<ArgumentException>(() => SignedNote.Sign(Body, "a\uDC00", key));
        Assert.False(SignedNote.TryVerify(SignedNote.Sign(Body, Origin, key) + "\uD800\n", Origin, key.PublicKey, out _, out _));
    }

    [Theory]
    [InlineData("— w AAAAAAA=")]
    [InlineData("— w AAAAAA==\n")]
    [InlineData("— w AAAAAAA\n")]
    [InlineData("— w AAAAAAB=\n")]
    [InlineData("— w AAAA AAA=\n")]
    [InlineData("— w AAAA    AAA=\n")]
    [InlineData("- w AAAAAAA=\n")]
    [InlineData("—w AAAAAAA=\n")]
    [InlineData("— w\n")]
    [InlineData("— w AAAAAAA=\n\n")]
    [InlineData("— w AAAAAAA=\n— v AAAAAAA=\n")]
    [InlineData("\n— w AAAAAAA=\n")]
    [InlineData("— w AAAAAAA=\u2028— v AAAAAAA=\n")]
    [InlineData("")]
    public void LineThatIsNotOneSignature_IsNotAdded(string line)
    {
        using var key = Key(1);
        var note = SignedNote.Sign(Body, Origin, key);
        Assert.False(SignedNote.TryAddLine(note, line, out var unchanged));
        Assert.Equal(note, unchanged);
    }

    [Fact]
    public void NoteBeyondItsLimits_IsRefused()
    {
        using var key = Key(1);
        var line = $"— w {Convert.ToBase64String(new byte[68])}\n";
        var hundred = $"{Body}\n{string.Concat(Enumerable.Repeat(line, SignedNote.MaxSignatures))}";
        Assert.True(SignedNote.TryParse(hundred, out _, out var signatures));
        Assert.Equal(100, signatures.Count);
        Assert.False(SignedNote.TryParse(hundred + line, out _, out _));
        Assert.Throws<ArgumentException>(() => SignedNote.AddSignature(hundred, Origin, key));
        Assert.Throws<ArgumentException>(() => SignedNote.Sign(new string('é', 40_000) + "\n", Origin, key));
        Assert.False(SignedNote.TryParse(new string('x', 70_000) + "\n\n" + line, out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("PeterNeumann")]
    [InlineData("PeterNeumann+c74f20a3")]
    [InlineData("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAA==")]
    [InlineData("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")]
    public void VerifierKeyThatIsNotWhatItSays_IsRefused(string text) => Assert.False(SignedNote.TryParseVerifierKey(text, out _, out _));

    internal static SigningKey Key(byte seed) => SigningKey.FromSeed([.. Enumerable.Repeat(seed, 32)]);
}
