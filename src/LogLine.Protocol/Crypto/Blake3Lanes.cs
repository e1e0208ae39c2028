using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LogLine.Protocol.Crypto;

/// <summary>
/// Neighbouring nodes of one level: up to eight side by side, where the machine has AVX2, word i of all of them in one vector (section 5.3).
/// Elsewhere one after the other.
/// </summary>
internal static class Blake3Lanes
{
    /// <summary>Nodes that are computed side by side.</summary>
    public const int Count = 8;

    /// <summary>Eight lanes take about as long as this many chains, so that fewer nodes than this go one by one.</summary>
    private const int Worthwhile = 3;

    /// <summary>The chaining values of the chunks of <paramref name="input"/>, the last of which may be short; the result is their number.</summary>
    public static int Chunks(Blake3Mode mode, ReadOnlySpan<byte> input, ulong chunk, Span<byte> output)
    {
        var count = Nodes(mode, input, Blake3Tree.ChunkSize, chunk, 1, Blake3Flags.Chunk, output);
        var rest = input[(count * Blake3Tree.ChunkSize)..];
        if (rest.Length > 0)
        {
            Blake3Chain.Run(mode, rest, chunk + (ulong)count, Blake3Flags.Chunk, output[(count * Blake3Tree.ValueSize)..]);
            count++;
        }
        return count;
    }

    /// <summary>
    /// Joins each pair of <paramref name="values"/> into its parent; one without a neighbour rises as it is. The result is the number of values left.
    /// The output may be the beginning of the input.
    /// </summary>
    public static int Parents(Blake3Mode mode, ReadOnlySpan<byte> values, Span<byte> output)
    {
        var count = Nodes(mode, values, Blake3Chain.BlockSize, 0, 0, Blake3Flags.Parent, output);
        var rest = values[(count * Blake3Chain.BlockSize)..];
        if (rest.Length > 0)
        {
            rest.CopyTo(output[(count * Blake3Tree.ValueSize)..]);
            count++;
        }
        return count;
    }

    /// <summary>All nodes of exactly <paramref name="size"/> bytes that the input begins with. The counter grows by <paramref name="step"/> from node to node.</summary>
    private static int Nodes(Blake3Mode mode, ReadOnlySpan<byte> input, int size, ulong counter, uint step, Blake3Flags flags, Span<byte> output)
    {
        var count = input.Length / size;
        var done = 0;
        while (Avx2.IsSupported && count - done >= Worthwhile)
        {
            var taken = Math.Min(count - done, Count);
            RunVector(mode, input.Slice(done * size, taken * size), size, counter + ((ulong)done * step), step, flags, output[(done * Blake3Tree.ValueSize)..]);
            done += taken;
        }
        for (; done < count; done++)
        {
            Blake3Chain.Run(mode, input.Slice(done * size, size), counter + ((ulong)done * step), flags, output[(done * Blake3Tree.ValueSize)..]);
        }
        return count;
    }

    /// <summary>Three to eight nodes at once. Lanes without a node repeat the last one, and what they compute is dropped.</summary>
    private static void RunVector(Blake3Mode mode, ReadOnlySpan<byte> input, int size, ulong counter, uint step, Blake3Flags flags, Span<byte> output)
    {
        var count = input.Length / size;
        Span<Vector256<uint>> values = stackalloc Vector256<uint>[8];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Vector256.Create(mode.Key[i]);
        }
        Span<uint> low = stackalloc uint[Count];
        Span<uint> high = stackalloc uint[Count];
        for (var i = 0; i < Count; i++)
        {
            var own = counter + ((ulong)i * step);
            (low[i], high[i]) = ((uint)own, (uint)(own >> 32));
        }
        Span<Vector256<uint>> message = stackalloc Vector256<uint>[16];
        for (var at = 0; at < size; at += Blake3Chain.BlockSize)
        {
            Load(input[at..], size, count, message);
            var flag = mode.Flag | flags.Of(at == 0, at + Blake3Chain.BlockSize == size);
            Compress(values, message, Vector256.Create(low), Vector256.Create(high), Vector256.Create(flag));
        }
        Store(values, count, output);
    }

    /// <summary>One block of each node, turned so that a vector holds the same word of all.</summary>
    private static void Load(ReadOnlySpan<byte> input, int size, int count, Span<Vector256<uint>> message)
    {
        for (var i = 0; i < message.Length; i += 4)
        {
            var from = input[(i * sizeof(uint))..];
            (message[i], message[i + 1], message[i + 2], message[i + 3]) =
                Transpose(Rows(from, size, 0, count), Rows(from, size, 1, count), Rows(from, size, 2, count), Rows(from, size, 3, count));
        }
    }

    /// <summary>The chaining values of the first <paramref name="count"/> lanes, turned back.</summary>
    private static void Store(ReadOnlySpan<Vector256<uint>> values, int count, Span<byte> output)
    {
        Span<Vector256<uint>> rows = stackalloc Vector256<uint>[8];
        (rows[0], rows[1], rows[2], rows[3]) = Transpose(values[0], values[1], values[2], values[3]);
        (rows[4], rows[5], rows[6], rows[7]) = Transpose(values[4], values[5], values[6], values[7]);
        for (var lane = 0; lane < count; lane++)
        {
            var value = output.Slice(lane * Blake3Tree.ValueSize, Blake3Tree.ValueSize);
            Half(rows[lane % 4], lane).CopyTo(value);
            Half(rows[4 + (lane % 4)], lane).CopyTo(value[16..]);
        }
    }

    private static Vector128<byte> Half(Vector256<uint> v, int lane) => (lane < 4 ? v.GetLower() : v.GetUpper()).AsByte();

    /// <summary>Four words of the node <paramref name="lane"/> and four of the node that is four further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Rows(ReadOnlySpan<byte> from, int size, int lane, int count) =>
        Vector256.Create(
            Vector128.Create(from[(Math.Min(lane, count - 1) * size)..]),
            Vector128.Create(from[(Math.Min(lane + 4, count - 1) * size)..])).AsUInt32();

    /// <summary>Turns rows into columns, in either half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<uint>, Vector256<uint>, Vector256<uint>, Vector256<uint>) Transpose(
        Vector256<uint> r0, Vector256<uint> r1, Vector256<uint> r2, Vector256<uint> r3)
    {
        var low01 = Avx2.UnpackLow(r0, r1).AsUInt64();
        var high01 = Avx2.UnpackHigh(r0, r1).AsUInt64();
        var low23 = Avx2.UnpackLow(r2, r3).AsUInt64();
        var high23 = Avx2.UnpackHigh(r2, r3).AsUInt64();
        return (
            Avx2.UnpackLow(low01, low23).AsUInt32(), Avx2.UnpackHigh(low01, low23).AsUInt32(),
            Avx2.UnpackLow(high01, high23).AsUInt32(), Avx2.UnpackHigh(high01, high23).AsUInt32());
    }

    private static void Compress(Span<Vector256<uint>> value, ReadOnlySpan<Vector256<uint>> m, Vector256<uint> low, Vector256<uint> high, Vector256<uint> flags)
    {
        var iv = Blake3Chain.InitialValue;
        Vector256<uint> a0 = value[0], a1 = value[1], a2 = value[2], a3 = value[3];
        Vector256<uint> b0 = value[4], b1 = value[5], b2 = value[6], b3 = value[7];
        Vector256<uint> c0 = Vector256.Create(iv[0]), c1 = Vector256.Create(iv[1]), c2 = Vector256.Create(iv[2]), c3 = Vector256.Create(iv[3]);
        Vector256<uint> d0 = low, d1 = high, d2 = Vector256.Create((uint)Blake3Chain.BlockSize), d3 = flags;
        for (var order = Blake3Chain.Schedule; order.Length >= 16; order = order[16..])
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
    private static void Mix(
        ref Vector256<uint> a, ref Vector256<uint> b, ref Vector256<uint> c, ref Vector256<uint> d, Vector256<uint> x, Vector256<uint> y)
    {
        a = a + x + b;
        d = Avx2.Shuffle((d ^ a).AsByte(), Vector256.Create(Blake3Chain.Turn16)).AsUInt32();
        c += d;
        b ^= c;
        b = (b >>> 12) | (b << 20);
        a = a + y + b;
        d = Avx2.Shuffle((d ^ a).AsByte(), Vector256.Create(Blake3Chain.Turn8)).AsUInt32();
        c += d;
        b ^= c;
        b = (b >>> 7) | (b << 25);
    }
}
