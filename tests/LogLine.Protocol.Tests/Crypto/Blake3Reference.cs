using System.Numerics;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

/// <summary>The definition of the tree (section 2.1 of the paper), word for word and in portable arithmetic: slow, and easy to believe.</summary>
internal static class Blake3Reference
{
    public static byte[] Hash(Blake3Mode mode, ReadOnlySpan<byte> input) => Node(mode, input, 0, root: true);

    private static byte[] Node(Blake3Mode mode, ReadOnlySpan<byte> input, ulong chunk, bool root)
    {
        var value = new byte[32];
        if (input.Length <= 1024)
        {
            Blake3Chain.RunPortable(mode, input, chunk, root ? Blake3Flags.Chunk.Root : Blake3Flags.Chunk, value);
            return value;
        }
        var left = 1024 << BitOperations.Log2((uint)(input.Length - 1) / 1024);
        byte[] pair = [.. Node(mode, input[..left], chunk, root: false), .. Node(mode, input[left..], chunk + ((ulong)left / 1024), root: false)];
        Blake3Chain.RunPortable(mode, pair, 0, root ? Blake3Flags.Parent.Root : Blake3Flags.Parent, value);
        return value;
    }
}
