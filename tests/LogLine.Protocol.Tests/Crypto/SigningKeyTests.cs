using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class SigningKeyTests
{
    [Fact]
    public void AGeneratedKey_SignsWhatItsPublicHalfVerifies()
    {
        using var key = SigningKey.Generate();
        Assert.True(Ed25519.Verify(key.PublicKey, "span"u8, key.Sign("span"u8)));
        Assert.Equal(Convert.ToHexStringLower(key.PublicKey), key.PublicKeyHex);
    }

    [Fact]
    public void TwoGeneratedKeys_Differ()
    {
        using var one = SigningKey.Generate();
        using var other = SigningKey.Generate();
        Assert.NotEqual(one.PublicKeyHex, other.PublicKeyHex);
        Assert.False(Ed25519.Verify(other.PublicKey, "span"u8, one.Sign("span"u8)));
    }

    [Fact]
    public void AnExportedSeed_IsTheSameKey()
    {
        using var key = SigningKey.Generate();
        using var seed = key.ExportSeed();
        using var again = SigningKey.FromSeed(seed.Reveal());
        Assert.Equal(key.PublicKeyHex, again.PublicKeyHex);
        Assert.Equal(key.Sign("span"u8), again.Sign("span"u8));
    }

    [Fact]
    public void ToString_ShowsThePublicHalfAlone()
    {
        using var key = SigningKey.Generate();
        using var seed = key.ExportSeed();
        Assert.Equal($"Ed25519 key {key.PublicKeyHex}", $"{key}");
        Assert.DoesNotContain(Convert.ToHexStringLower(seed.Reveal()), $"{key}");
    }

    [Fact]
    public void ADisposedKey_SignsNothing()
    {
        var key = SigningKey.Generate();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Sign("span"u8));
        Assert.Throws<ObjectDisposedException>(key.ExportSeed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(64)]
    public void ASeedOfAnotherLength_Throws(int length) => Assert.Throws<ArgumentException>(() => SigningKey.FromSeed(new byte[length]));
}
