using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class XChaCha20Poly1305Tests
{
    // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    private static readonly byte[] Message = Encoding.ASCII.GetBytes(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.");

    private static readonly byte[] AssociatedData = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
    private static readonly byte[] Key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    private static readonly byte[] Nonce = Convert.FromHexString("404142434445464748494a4b4c4d4e4f5051525354555657");

    private const string Ciphertext =
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452" +
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e";

    private const string Tag = "c0875924c1c7987947deafd8780acf49";

    [Fact]
    public void TheDraftsVector_Holds() =>
        Assert.Equal(Ciphertext + Tag, Convert.ToHexStringLower(XChaCha20Poly1305.Encrypt(Key, Nonce, Message, AssociatedData)));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(64, 12)]
    [InlineData(100_000, 100)]
    public void AnEncryptedMessage_DecryptsAgain(int messageBytes, int associatedBytes)
    {
        var (message, associated) = (Blake3Tests.Bytes(1, messageBytes), Blake3Tests.Bytes(2, associatedBytes));
        var cipher = XChaCha20Poly1305.Encrypt(Key, Nonce, message, associated);
        Assert.Equal(messageBytes + XChaCha20Poly1305.TagSize, cipher.Length);
        Assert.True(XChaCha20Poly1305.TryDecrypt(Key, Nonce, cipher, associated, out var decrypted));
        Assert.Equal(message, decrypted);
    }

    [Fact]
    public void AChangedByteInAnyPart_DecryptsToNothing()
    {
        var (key, nonce, associated) = (Key.ToArray(), Nonce.ToArray(), AssociatedData.ToArray());
        var cipherAndTag = XChaCha20Poly1305.Encrypt(key, nonce, Message, associated);
        foreach (var part in (byte[][])[key, nonce, associated, cipherAndTag])
        {
            for (var i = 0; i < part.Length; i++)
            {
                part[i] ^= 0x80;
                Assert.False(XChaCha20Poly1305.TryDecrypt(key, nonce, cipherAndTag, associated, out var decrypted));
                Assert.Empty(decrypted);
                part[i] ^= 0x80;
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(16)]
    public void ACutCipher_DecryptsToNothing(int length)
    {
        var cipher = XChaCha20Poly1305.Encrypt(Key, Nonce, Message, AssociatedData);
        Assert.False(XChaCha20Poly1305.TryDecrypt(Key, Nonce, cipher.AsSpan(0, length), AssociatedData, out var decrypted));
        Assert.Empty(decrypted);
    }

    [Theory]
    [InlineData(31, 24)]
    [InlineData(33, 24)]
    [InlineData(32, 12)]
    [InlineData(32, 25)]
    public void AKeyOrNonceOfAnotherLength_Throws(int keyBytes, int nonceBytes)
    {
        Assert.Throws<ArgumentException>(() => XChaCha20Poly1305.Encrypt(new byte[keyBytes], new byte[nonceBytes], Message, []));
        Assert.Throws<ArgumentException>(() => XChaCha20Poly1305.TryDecrypt(new byte[keyBytes], new byte[nonceBytes], new byte[32], [], out _));
    }
}
