using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LogLine.Protocol.Crypto;

/// <summary>The key and the flag that every block of a hash shares: the initial value, or a caller's key with KEYED_HASH (section 2.3).</summary>
internal readonly ref struct Blake3Mode(ReadOnlySpan<uint> key, uint flag)
{
    /// <summary>Eight words.</summary>
    public readonly ReadOnlySpan<uint> Key = key;

    public readonly uint Flag = flag;

    public static Blake3Mode Hash => new(Blake3Chain.InitialValue, 0);

    public static Blake3Mode Keyed(ReadOnlySpan<uint> key) => new(key, 1 << 4);
}

/// <summary>The flags of a node's blocks (section 2.2): those on every block, and those on its first and on its last alone.</summary>
internal readonly record struct Blake3Flags(uint Every, uint First, uint Last)
{
    /// <summary>CHUNK_START on the first block, CHUNK_END on the last.</summary>
    public static Blake3Flags Chunk => new(0, 1 << 0, 1 << 1);

    /// <summary>PARENT on the one block.</summary>
    public static Blake3Flags Parent => new(1 << 2, 0, 0);

    /// <summary>The same node as the root of its tree.</summary>
    public Blake3Flags Root => this with { Last = Last | (1 << 3) };

    public uint Of(bool first, bool last) => Every | (first ? First : 0) | (last ? Last : 0);
}

/// <summary>One node of the tree: a chain of up to 16 blocks, each compressed with the chaining value of the one before (sections 2.2 and 2.4).</summary>
internal static class Blake3Chain
{
    public const int BlockSize = 64;

    /// <summary>The first words of the fractional parts of the square roots of the first eight primes, as in SHA-256.</summary>
    public static ReadOnlySpan<uint> InitialValue =>
        [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19];

    /// <summary>The order in which each of the seven rounds takes the message words: the permutation of section 2.2, applied again and again.</summary>
    public static ReadOnlySpan<byte> Schedule =>
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8,
        3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1,
        10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6,
        12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4,
        9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7,
        11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13,
    ];

    /// <summary>The order of bytes that rotates each word to the right by 16: a shuffle is cheaper than two shifts.</summary>
    public static Vector128<byte> Turn16 => Vector128.Create((byte)2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);

    /// <summary>As <see cref="Turn16"/>, by 8.</summary>
    public static Vector128<byte> Turn8 => Vector128.Create((byte)1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);

    /// <summary>The chaining value of the node over <paramref name="input"/>, at most one chunk, into 32 bytes. They may be bytes of the input.</summary>
    public static void Run(Blake3Mode mode, ReadOnlySpan<byte> input, ulong counter, Blake3Flags flags, Span<byte> output)
    {
        if (Vector128.IsHardwareAccelerated && BitConverter.IsLittleEndian)
        {
            RunVector(mode, input, counter, flags, output);
        }
        else
        {
            RunPortable(mode, input, counter, flags, output);
        }
    }

    /// <summary>As <see cref="Run"/>, the 4 × 4 state in four vectors of a row each (section 5.3).</summary>
    internal static void RunVector(Blake3Mode mode, ReadOnlySpan<byte> input, ulong counter, Blake3Flags flags, Span<byte> output)
    {
        var a = Vector128.Create(mode.Key);
        var b = Vector128.Create(mode.Key[4..]);
        var flag = mode.Flag | flags.Every | flags.First;
        while (input.Length > BlockSize)
        {
            CompressVector(ref a, ref b, input, Vector128.Create((uint)counter, (uint)(counter >> 32), BlockSize, flag));
            input = input[BlockSize..];
            flag = mode.Flag | flags.Every;
        }
        Span<byte> padded = stackalloc byte[BlockSize]; // zeros behind a short block
        input.CopyTo(padded);
        CompressVector(ref a, ref b, padded, Vector128.Create((uint)counter, (uint)(counter >> 32), (uint)input.Length, flag | flags.Last));
        a.AsByte().CopyTo(output);
        b.AsByte().CopyTo(output[16..]);
    }

    private static void CompressVector(ref Vector128<uint> valueA, ref Vector128<uint> valueB, ReadOnlySpan<byte> block, Vector128<uint> d)
    {
        var (a, b, c) = (valueA, valueB, Vector128.Create(InitialValue));
        // Even and odd words apart: x and y feed the four columns, z and w the four diagonals. The diagonals are numbered by
        // their b, because b is computed last and first used: it stays where it is, and a, c and d turn around it.
        var m0 = Vector128.Create(block).AsUInt64();
        var m1 = Vector128.Create(block[16..]).AsUInt64();
        var m2 = Vector128.Create(block[32..]).AsUInt64();
        var m3 = Vector128.Create(block[48..]).AsUInt64();
        var x = Vector128.Narrow(m0, m1);
        var y = Vector128.Narrow(m0 >> 32, m1 >> 32);
        var z = Vector128.Shuffle(Vector128.Narrow(m2, m3), Vector128.Create(3u, 0, 1, 2));
        var w = Vector128.Shuffle(Vector128.Narrow(m2 >> 32, m3 >> 32), Vector128.Create(3u, 0, 1, 2));
        for (var round = 0; ; round++)
        {
            Mix(ref a, ref b, ref c, ref d, x, y);
            a = Vector128.Shuffle(a, Vector128.Create(3u, 0, 1, 2));
            d = Vector128.Shuffle(d, Vector128.Create(2u, 3, 0, 1));
            c = Vector128.Shuffle(c, Vector128.Create(1u, 2, 3, 0));
            Mix(ref a, ref b, ref c, ref d, z, w);
            a = Vector128.Shuffle(a, Vector128.Create(1u, 2, 3, 0));
            d = Vector128.Shuffle(d, Vector128.Create(2u, 3, 0, 1));
            c = Vector128.Shuffle(c, Vector128.Create(3u, 0, 1, 2));
            if (round == 6)
            {
                break;
            }
            // The permutation of Schedule's second row; an index of 4 leaves a zero for the other vectors to fill.
            (x, y, z, w) = (
                Vector128.Shuffle(x, Vector128.Create(1u, 4, 4, 2)) | Vector128.Shuffle(y, Vector128.Create(4u, 1, 3, 4)),
                Vector128.Shuffle(x, Vector128.Create(3u, 4, 0, 4))
                    | Vector128.Shuffle(z, Vector128.Create(4u, 2, 4, 4)) | Vector128.Shuffle(w, Vector128.Create(4u, 4, 4, 3)),
                Vector128.Shuffle(w, Vector128.Create(0u, 4, 4, 1))
                    | Vector128.Shuffle(y, Vector128.Create(4u, 0, 4, 4)) | Vector128.Shuffle(z, Vector128.Create(4u, 4, 3, 4)),
                Vector128.Shuffle(z, Vector128.Create(1u, 4, 4, 0))
                    | Vector128.Shuffle(w, Vector128.Create(4u, 2, 4, 4)) | Vector128.Shuffle(y, Vector128.Create(4u, 4, 2, 4)));
        }
        valueA = a ^ c;
        valueB = b ^ d;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref Vector128<uint> a, ref Vector128<uint> b, ref Vector128<uint> c, ref Vector128<uint> d, Vector128<uint> x, Vector128<uint> y)
    {
        a = a + x + b;
        d = Vector128.Shuffle((d ^ a).AsByte(), Turn16).AsUInt32();
        c += d;
        b ^= c;
        b = (b >>> 12) | (b << 20);
        a = a + y + b;
        d = Vector128.Shuffle((d ^ a).AsByte(), Turn8).AsUInt32();
        c += d;
        b ^= c;
        b = (b >>> 7) | (b << 25);
    }

    /// <summary>As <see cref="Run"/>, in plain 32-bit arithmetic.</summary>
    internal static void RunPortable(Blake3Mode mode, ReadOnlySpan<byte> input, ulong counter, Blake3Flags flags, Span<byte> output)
    {
        Span<uint> value = stackalloc uint[8];
        Span<byte> padded = stackalloc byte[BlockSize];
        mode.Key.CopyTo(value);
        var first = true;
        bool last;
        do
        {
            var length = Math.Min(input.Length, BlockSize);
            last = length == input.Length;
            padded.Clear();
            input[..length].CopyTo(padded);
            Compress(value, padded, counter, (uint)length, mode.Flag | flags.Of(first, last));
            input = input[length..];
            first = false;
        }
        while (!last);
        for (var i = 0; i < value.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(output[(4 * i)..], value[i]);
        }
    }

    private static void Compress(Span<uint> value, ReadOnlySpan<byte> block, ulong counter, uint length, uint flags)
    {
        Span<uint> m = stackalloc uint[16];
        for (var i = 0; i < m.Length; i++)
        {
            m[i] = BinaryPrimitives.ReadUInt32LittleEndian(block[(4 * i)..]);
        }
        uint a0 = value[0], a1 = value[1], a2 = value[2], a3 = value[3];
        uint b0 = value[4], b1 = value[5], b2 = value[6], b3 = value[7];
        uint c0 = InitialValue[0], c1 = InitialValue[1], c2 = InitialValue[2], c3 = InitialValue[3];
        uint d0 = (uint)counter, d1 = (uint)(counter >> 32), d2 = length, d3 = flags;
        for (var order = Schedule; order.Length > 0; order = order[16..])
        {
            Mix(ref a0, ref b0, ref c0, ref d0, m[order[0]], m[order[1]]);
            Mix(ref a1, ref b1, ref c1, ref d1, m[order[2]], m[order[3]]);
            Mix(ref a2, ref b2, ref c2, ref d2, m[order[4]], m[order[5]]);
            Mix(ref a3, ref b3, ref c3, ref d3, m[order[6]], m[order[7]]);
            Mix(ref a0, ref b1, ref c2, ref d3, m[order[8]], m[order[9]]);
            Mix(ref a1, ref b2, ref c3, ref d0, m[order[10]], m[order[11]]);
            Mix(ref a2, ref b3, ref c0, ref d1, m[order[12]], m[order[13]]);
            Mix(ref a3, ref b0, ref c1, ref d2, m[order[14]], m[order[15]]);
        }
        (value[0], value[1], value[2], value[3]) = (a0 ^ c0, a1 ^ c1, a2 ^ c2, a3 ^ c3);
        (value[4], value[5], value[6], value[7]) = (b0 ^ d0, b1 ^ d1, b2 ^ d2, b3 ^ d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref uint a, ref uint b, ref uint c, ref uint d, uint x, uint y)
    {
        a = a + x + b;
        d = BitOperations.RotateRight(d ^ a, 16);
        c += d;
        b = BitOperations.RotateRight(b ^ c, 12);
        a = a + y + b;
        d = BitOperations.RotateRight(d ^ a, 8);
        c += d;
        b = BitOperations.RotateRight(b ^ c, 7);
    }
}
