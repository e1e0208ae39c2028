using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class SealedBoxTests : IDisposable
{
    private static readonly byte[] DataKey = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private readonly BoxKey _runner = BoxKey.FromSeed(new byte[32]);

    public void Dispose() => _runner.Dispose();

    [Fact]
    public void ASealedMessage_OpensWithTheKey()
    {
        var box = SealedBox.Seal(_runner.PublicKey, DataKey);
        Assert.Equal(DataKey.Length + SealedBox.Overhead, box.Length);
        Assert.True(_runner.TryOpen(box, out var message));
        Assert.Equal(DataKey, message);
    }

    [Fact]
    public void AnEmptyMessage_Opens()
    {
        Assert.True(_runner.TryOpen(SealedBox.Seal(_runner.PublicKey, []), out var message));
        Assert.Empty(message);
    }

    [Fact]
    public void TheSameMessageTwice_GivesTwoBoxes() =>
        Assert.NotEqual(SealedBox.Seal(_runner.PublicKey, DataKey), SealedBox.Seal(_runner.PublicKey, DataKey));

    [Fact]
    public void TheSameSeed_IsTheSameKey()
    {
        using var again = BoxKey.FromSeed(new byte[32]);
        Assert.True(again.TryOpen(SealedBox.Seal(_runner.PublicKey, DataKey), out _));
    }

    [Fact]
    public void AnotherKey_OpensNothing()
    {
        using var other = BoxKey.FromSeed(DataKey);
        Assert.False(other.TryOpen(SealedBox.Seal(_runner.PublicKey, DataKey), out var message));
        Assert.Empty(message);
    }

    [Fact]
    public void AChangedByteAnywhere_OpensNothing()
    {
        var box = SealedBox.Seal(_runner.PublicKey, DataKey);
        for (var i = 0; i < box.Length; i++)
        {
            box[i] ^= 1;
            Assert.False(_runner.TryOpen(box, out var message));
            Assert.Empty(message);
            box[i] ^= 1;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(SealedBox.Overhead - 1)]
    [InlineData(SealedBox.Overhead)]
    public void ABoxOfZeros_OpensNothing(int length) => Assert.False(_runner.TryOpen(new byte[length], out _));

    [Fact]
    public void ADisposedKey_OpensNothing()
    {
        var key = BoxKey.FromSeed(new byte[32]);
        var box = SealedBox.Seal(key.PublicKey, DataKey);
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.TryOpen(box, out _));
    }

    [Fact]
    public void APublicKeyOfLowOrder_Throws() => Assert.Throws<ArgumentException>(() => SealedBox.Seal(new byte[32], DataKey));

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void AKeyOfAnotherLength_Throws(int length)
    {
        Assert.Throws<ArgumentException>(() => SealedBox.Seal(new byte[length], DataKey));
        Assert.Throws<ArgumentException>(() => BoxKey.FromSeed(new byte[length]));
    }
}
