using System.Security.Cryptography;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class ShortSha256Tests
{
    private static readonly byte[] Text = [.. Enumerable.Range(0, 9000).Select(i => (byte)(i * 31))];

    [Fact]
    public void EveryLength_HashesAsTheLibraryDoes()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        foreach (var length in Enumerable.Range(0, 300).Concat([1023, 1024, 4095, 4096, 4097, 9000]))
        {
            ShortSha256.Hash(Text.AsSpan(0, length), hash);
            Assert.Equal(SHA256.HashData(Text.AsSpan(0, length)), hash.ToArray());
        }
    }

    [Fact]
    public void TheHash_MayGoOverTheText()
    {
        var both = Text[..65];
        ShortSha256.Hash(both, both.AsSpan(1));
        Assert.Equal(SHA256.HashData(Text.AsSpan(0, 65)), both[1..33]);
        Assert.Equal(Text[33..65], both[33..]);
    }

    [Fact]
    public void AShorterDestination_IsRefused() => Assert.Throws<ArgumentException>(() => ShortSha256.Hash(Text.AsSpan(0, 65), new byte[31]));

    [Fact]
    public void ManyThreads_GetTheirOwn() => Parallel.For(0, 20_000, i =>
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var text = Text.AsSpan(i % 500, 65);
        ShortSha256.Hash(text, hash);
        Assert.Equal(SHA256.HashData(text), hash.ToArray());
    });
}
