using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LogLine.Protocol.Schema;

/// <summary>
/// A fixed set of UTF-8 strings, each with its position. A look-up reads the ends and the length of the name and compares with at
/// most a few candidates, so it costs less than hashing all of it.
/// </summary>
internal sealed class Utf8Names
{
    private readonly byte[][] names;
    private readonly int[] next;
    private readonly int[] heads;
    private readonly int shift;

    public Utf8Names(IReadOnlyList<byte[]> names)
    {
        this.names = [.. names];
        next = new int[names.Count];
        var bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)names.Count + 1)) + 2;
        shift = 64 - bits;
        heads = new int[1 << bits];
        Array.Fill(heads, -1);
        for (var i = names.Count - 1; i >= 0; i--)
        {
            ref var head = ref heads[Slot(names[i])];
            (next[i], head) = (head, i);
        }
    }

    public int Count => names.Length;

    /// <summary>The position of the name, or −1.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        for (var i = heads[Slot(name)]; i >= 0; i = next[i])
        {
            if (name.SequenceEqual(names[i]))
                return i;
        }
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Slot(ReadOnlySpan<byte> name)
    {
        ulong key;
        if (name.Length >= 8)
        {
            key = MemoryMarshal.Read<ulong>(name) * 0x9E3779B97F4A7C15 ^ BitOperations.RotateLeft(MemoryMarshal.Read<ulong>(name[^8..]), 29);
        }
        else if (name.Length >= 4)
        {
            key = MemoryMarshal.Read<uint>(name) | ((ulong)MemoryMarshal.Read<uint>(name[^4..]) << 32);
        }
        else
        {
            key = 0;
            foreach (var b in name)
                key = key << 8 | b;
        }
        return (int)(((key + (uint)name.Length) * 0xC2B2AE3D27D4EB4F) >> shift);
    }
}
