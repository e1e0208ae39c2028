using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class Blake3Tests
{
    [Fact]
    public void OfficialVectors_Hold()
    {
        foreach (var (input, hash, _) in Cases())
        {
            Assert.Equal(hash, Blake3.HashHex(input));
            Assert.Equal(hash, Convert.ToHexStringLower(Blake3.Hash(input)));
            Assert.Equal(hash, Streamed(input));
            Assert.Equal(hash, Convert.ToHexStringLower(Blake3Reference.Hash(Blake3Mode.Hash, input)));
        }
    }

    [Fact]
    public void OfficialKeyedVectors_Hold()
    {
        var key = Encoding.ASCII.GetBytes("whats the Elvish word for friend");
        var words = Enumerable.Range(0, 8).Select(i => BitConverter.ToUInt32(key, 4 * i)).ToArray();
        var keyed = new byte[Blake3.HashSize];
        foreach (var (input, _, expected) in Cases())
        {
            Blake3.KeyedHash(key, input, keyed);
            Assert.Equal(expected, Convert.ToHexStringLower(keyed));
            Assert.Equal(expected, Convert.ToHexStringLower(Blake3Reference.Hash(Blake3Mode.Keyed(words), input)));
        }
    }

    [Fact]
    public void EveryLengthUpToFourChunks_EqualsTheReference()
    {
        var input = Bytes(seed: 1, 4 * 1024 + 1);
        for (var length = 0; length <= input.Length; length++)
        {
            var data = input.AsSpan(0, length);
            Assert.Equal(Blake3Reference.Hash(Blake3Mode.Hash, data), Blake3.Hash(data));
        }
    }

    [Fact]
    public void RandomSplits_HashAsOneCall()
    {
        var random = new Random(2);
        var hasher = new Blake3Hasher();
        var hash = new byte[Blake3.HashSize];
        for (var round = 0; round < 300; round++)
        {
            var input = Bytes(round, random.Next(1 << random.Next(1, 18)));
            var longest = 1 << random.Next(1, 18);
            for (var at = 0; at < input.Length;)
            {
                var taken = Math.Min(random.Next(longest), input.Length - at);
                hasher.Update(input.AsSpan(at, taken));
                at += taken;
            }
            hasher.Finish(hash);
            Assert.Equal(Blake3.Hash(input), hash);
            hasher.Reset();
        }
    }

    [Fact]
    public void FinishInTheMiddle_IsTheHashSoFarAndTheStreamGoesOn()
    {
        var input = Bytes(seed: 3, 40 * 1024);
        var hasher = new Blake3Hasher();
        var hash = new byte[Blake3.HashSize];
        for (var at = 0; at < input.Length; at += 512)
        {
            hasher.Finish(hash);
            Assert.Equal(Blake3.Hash(input.AsSpan(0, at)), hash);
            hasher.Update(input.AsSpan(at, 512));
        }
    }

    [Fact]
    public void ALongDestination_GetsTheFirst32BytesAlone()
    {
        var destination = new byte[40];
        Blake3.Hash(Bytes(seed: 5, 5000), destination);
        Assert.Equal(Blake3.Hash(Bytes(seed: 5, 5000)), destination[..32]);
        Assert.Equal(new byte[8], destination[32..]);
    }

    [Fact]
    public void AShortDestination_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Blake3.Hash([], new byte[31]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Blake3.KeyedHash(new byte[32], [], new byte[31]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Blake3Hasher().Finish(new byte[31]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void AKeyOfAnotherLength_Throws(int length) =>
        Assert.Throws<ArgumentException>(() => Blake3.KeyedHash(new byte[length], [], new byte[32]));

    internal static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Streamed(byte[] input)
    {
        var hasher = new Blake3Hasher();
        hasher.Update(input);
        var hash = new byte[Blake3.HashSize];
        hasher.Finish(hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Input, hash and keyed hash of each official case. The file's outputs are longer; the first 32 bytes are ours.</summary>
    private static IEnumerable<(byte[] Input, string Hash, string Keyed)> Cases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Vectors.Folder("blake3"), "test_vectors.json")));
        var cases = document.RootElement.GetProperty("cases");
        Assert.Equal(35, cases.GetArrayLength());
        foreach (var one in cases.EnumerateArray())
        {
            var input = new byte[one.GetProperty("input_len").GetInt32()];
            for (var i = 0; i < input.Length; i++)
            {
                input[i] = (byte)(i % 251);
            }
            yield return (input, First32(one, "hash"), First32(one, "keyed_hash"));
        }
    }

    private static string First32(JsonElement one, string column) => one.GetProperty(column).GetString()![..(2 * Blake3.HashSize)];
}
