using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

/// <summary>What the machine computes with vectors, it computes in plain arithmetic too; the counters cross the border of their 32-bit halves.</summary>
public sealed class Blake3PathTests
{
    private const ulong NearTheCarry = uint.MaxValue - 3UL;

    private static readonly uint[] Key = [1, 0xFFFFFFFF, 3, 0x80000000, 5, 6, 7, 0xDEADBEEF];

    [Fact]
    public void AChainInVectors_EqualsThePortableOne()
    {
        var input = Blake3Tests.Bytes(seed: 1, 1024);
        var (portable, vector) = (new byte[32], new byte[32]);
        for (var length = 0; length <= input.Length; length++)
        {
            var counter = NearTheCarry + (ulong)length;
            Blake3Chain.RunPortable(Blake3Mode.Keyed(Key), input.AsSpan(0, length), counter, Blake3Flags.Chunk.Root, portable);
            Blake3Chain.RunVector(Blake3Mode.Keyed(Key), input.AsSpan(0, length), counter, Blake3Flags.Chunk.Root, vector);
            Assert.Equal(portable, vector);
        }
    }

    [Fact]
    public void ChunksSideBySide_EqualThoseOneByOne()
    {
        for (var count = 1; count <= 20; count++)
        {
            foreach (var missing in (int[])[0, 1, 1023])
            {
                var input = Blake3Tests.Bytes(count, (count * 1024) - missing);
                var (expected, values) = (new byte[count * 32], new byte[count * 32]);
                for (var i = 0; i < count; i++)
                {
                    var chunk = input.AsSpan(i * 1024, Math.Min(1024, input.Length - (i * 1024)));
                    Blake3Chain.RunPortable(Blake3Mode.Keyed(Key), chunk, NearTheCarry + (ulong)i, Blake3Flags.Chunk, expected.AsSpan(i * 32));
                }
                Assert.Equal(count, Blake3Lanes.Chunks(Blake3Mode.Keyed(Key), input, NearTheCarry, values));
                Assert.Equal(expected, values);
            }
        }
    }

    [Fact]
    public void ParentsSideBySide_EqualThoseOneByOne()
    {
        for (var count = 1; count <= 33; count++)
        {
            var values = Blake3Tests.Bytes(count, count * 32);
            var expected = new byte[(count + 1) / 2 * 32];
            for (var i = 0; i < count / 2; i++)
            {
                Blake3Chain.RunPortable(Blake3Mode.Hash, values.AsSpan(i * 64, 64), 0, Blake3Flags.Parent, expected.AsSpan(i * 32));
            }
            if (count % 2 == 1)
            {
                values.AsSpan()[^32..].CopyTo(expected.AsSpan()[^32..]);
            }
            Assert.Equal((count + 1) / 2, Blake3Lanes.Parents(Blake3Mode.Hash, values, values));
            Assert.Equal(expected, values[..expected.Length]);
        }
    }
}
