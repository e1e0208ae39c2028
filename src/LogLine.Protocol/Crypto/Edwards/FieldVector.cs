using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LogLine.Protocol.Crypto.Edwards;

/// <summary>
/// Four numbers modulo 2^255 − 19 side by side, each in ten signed limbs of 26 and 25 bits in turns (Bernstein, "Curve25519"; the bounds are those of its implementation
/// "ref10": a product's limbs are below 1.01 · 2^25 and 2^24, a factor's may be three times that). Needs AVX2.
/// </summary>
internal struct FieldVector
{
    public const int Limbs = 10;

    private Vector256<long> _0, _1, _2, _3, _4, _5, _6, _7, _8, _9;

    /// <summary>The same limbs in every lane.</summary>
    public static FieldVector OfSmall(long value) => new() { _0 = Vector256.Create(value) };

    /// <summary>
    /// From four places in memory, a place for each lane. Of each limb only the lower 32 bits are right: it is for the second factor of a product and nothing else. Two more limbs than ten
    /// are read, and dropped.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe FieldVector OfRows(int* rows, ReadOnlySpan<int> places)
    {
        int* a = rows + places[0], b = rows + places[1], c = rows + places[2], d = rows + places[3];
        FieldVector vector;
        (vector._0, vector._1, vector._2, vector._3) = Columns(a, b, c, d);
        (vector._4, vector._5, vector._6, vector._7) = Columns(a + 4, b + 4, c + 4, d + 4);
        (vector._8, vector._9, _, _) = Columns(a + 8, b + 8, c + 8, d + 8);
        return vector;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe (Vector256<long>, Vector256<long>, Vector256<long>, Vector256<long>) Columns(int* a, int* b, int* c, int* d)
    {
        // Rows a and c, b and d: [a0 a1 a2 a3 | c0 c1 c2 c3], so that 64-bit pieces of both interleave into [a0a1 b0b1 | c0c1 d0d1].
        var ac = Vector256.Create(Vector128.Load(a), Vector128.Load(c)).AsInt64();
        var bd = Vector256.Create(Vector128.Load(b), Vector128.Load(d)).AsInt64();
        var low = Avx2.UnpackLow(ac, bd);
        var high = Avx2.UnpackHigh(ac, bd);
        return (low, Vector256.ShiftRightLogical(low, 32), high, Vector256.ShiftRightLogical(high, 32));
    }

    /// <summary>The limbs of one lane.</summary>
    public readonly void Lane(int lane, Span<long> limbs)
    {
        ReadOnlySpan<Vector256<long>> all = [_0, _1, _2, _3, _4, _5, _6, _7, _8, _9];
        for (var i = 0; i < all.Length; i++)
        {
            limbs[i] = all[i].GetElement(lane);
        }
    }

    public static FieldVector operator +(in FieldVector x, in FieldVector y) => new()
    {
        _0 = x._0 + y._0, _1 = x._1 + y._1, _2 = x._2 + y._2, _3 = x._3 + y._3, _4 = x._4 + y._4,
        _5 = x._5 + y._5, _6 = x._6 + y._6, _7 = x._7 + y._7, _8 = x._8 + y._8, _9 = x._9 + y._9,
    };

    public static FieldVector operator -(in FieldVector x, in FieldVector y) => new()
    {
        _0 = x._0 - y._0, _1 = x._1 - y._1, _2 = x._2 - y._2, _3 = x._3 - y._3, _4 = x._4 - y._4,
        _5 = x._5 - y._5, _6 = x._6 - y._6, _7 = x._7 - y._7, _8 = x._8 - y._8, _9 = x._9 - y._9,
    };

    /// <summary>In the lanes of the mask the second, in the others the first.</summary>
    public static FieldVector Select(Vector256<long> mask, in FieldVector first, in FieldVector second) => new()
    {
        _0 = Vector256.ConditionalSelect(mask, second._0, first._0), _1 = Vector256.ConditionalSelect(mask, second._1, first._1),
        _2 = Vector256.ConditionalSelect(mask, second._2, first._2), _3 = Vector256.ConditionalSelect(mask, second._3, first._3),
        _4 = Vector256.ConditionalSelect(mask, second._4, first._4), _5 = Vector256.ConditionalSelect(mask, second._5, first._5),
        _6 = Vector256.ConditionalSelect(mask, second._6, first._6), _7 = Vector256.ConditionalSelect(mask, second._7, first._7),
        _8 = Vector256.ConditionalSelect(mask, second._8, first._8), _9 = Vector256.ConditionalSelect(mask, second._9, first._9),
    };

    /// <summary>
    /// The product, row by row, so that the ten sums stay in registers. The limbs i and j make limb i + j, twice where both are of the shorter kind, and from ten on nineteen times.
    /// </summary>
    public static FieldVector operator *(in FieldVector x, in FieldVector y)
    {
        var nineteen = Vector256.Create(19L);
        var (y0, y1, y2, y3, y4, y5, y6, y7, y8, y9) = (y._0, y._1, y._2, y._3, y._4, y._5, y._6, y._7, y._8, y._9);
        var (n1, n2, n3, n4, n5) = (M(y1, nineteen), M(y2, nineteen), M(y3, nineteen), M(y4, nineteen), M(y5, nineteen));
        var (n6, n7, n8, n9) = (M(y6, nineteen), M(y7, nineteen), M(y8, nineteen), M(y9, nineteen));
        var x0 = x._0;
        var z0 = M(x0, y0); var z1 = M(x0, y1); var z2 = M(x0, y2); var z3 = M(x0, y3); var z4 = M(x0, y4);
        var z5 = M(x0, y5); var z6 = M(x0, y6); var z7 = M(x0, y7); var z8 = M(x0, y8); var z9 = M(x0, y9);
        var x1 = x._1; var d1 = x1 + x1;
        z0 += M(d1, n9); z1 += M(x1, y0); z2 += M(d1, y1); z3 += M(x1, y2); z4 += M(d1, y3);
        z5 += M(x1, y4); z6 += M(d1, y5); z7 += M(x1, y6); z8 += M(d1, y7); z9 += M(x1, y8);
        var x2 = x._2;
        z0 += M(x2, n8); z1 += M(x2, n9); z2 += M(x2, y0); z3 += M(x2, y1); z4 += M(x2, y2);
        z5 += M(x2, y3); z6 += M(x2, y4); z7 += M(x2, y5); z8 += M(x2, y6); z9 += M(x2, y7);
        var x3 = x._3; var d3 = x3 + x3;
        z0 += M(d3, n7); z1 += M(x3, n8); z2 += M(d3, n9); z3 += M(x3, y0); z4 += M(d3, y1);
        z5 += M(x3, y2); z6 += M(d3, y3); z7 += M(x3, y4); z8 += M(d3, y5); z9 += M(x3, y6);
        var x4 = x._4;
        z0 += M(x4, n6); z1 += M(x4, n7); z2 += M(x4, n8); z3 += M(x4, n9); z4 += M(x4, y0);
        z5 += M(x4, y1); z6 += M(x4, y2); z7 += M(x4, y3); z8 += M(x4, y4); z9 += M(x4, y5);
        var x5 = x._5; var d5 = x5 + x5;
        z0 += M(d5, n5); z1 += M(x5, n6); z2 += M(d5, n7); z3 += M(x5, n8); z4 += M(d5, n9);
        z5 += M(x5, y0); z6 += M(d5, y1); z7 += M(x5, y2); z8 += M(d5, y3); z9 += M(x5, y4);
        var x6 = x._6;
        z0 += M(x6, n4); z1 += M(x6, n5); z2 += M(x6, n6); z3 += M(x6, n7); z4 += M(x6, n8);
        z5 += M(x6, n9); z6 += M(x6, y0); z7 += M(x6, y1); z8 += M(x6, y2); z9 += M(x6, y3);
        var x7 = x._7; var d7 = x7 + x7;
        z0 += M(d7, n3); z1 += M(x7, n4); z2 += M(d7, n5); z3 += M(x7, n6); z4 += M(d7, n7);
        z5 += M(x7, n8); z6 += M(d7, n9); z7 += M(x7, y0); z8 += M(d7, y1); z9 += M(x7, y2);
        var x8 = x._8;
        z0 += M(x8, n2); z1 += M(x8, n3); z2 += M(x8, n4); z3 += M(x8, n5); z4 += M(x8, n6);
        z5 += M(x8, n7); z6 += M(x8, n8); z7 += M(x8, n9); z8 += M(x8, y0); z9 += M(x8, y1);
        var x9 = x._9; var d9 = x9 + x9;
        z0 += M(d9, n1); z1 += M(x9, n2); z2 += M(d9, n3); z3 += M(x9, n4); z4 += M(d9, n5);
        z5 += M(x9, n6); z6 += M(d9, n7); z7 += M(x9, n8); z8 += M(d9, n9); z9 += M(x9, y0);
        var c = High(z0, 26);
        z1 += c;
        z0 -= Vector256.ShiftLeft(c, 26);
        c = High(z4, 26);
        z5 += c;
        z4 -= Vector256.ShiftLeft(c, 26);
        c = High(z1, 25);
        z2 += c;
        z1 -= Vector256.ShiftLeft(c, 25);
        c = High(z5, 25);
        z6 += c;
        z5 -= Vector256.ShiftLeft(c, 25);
        c = High(z2, 26);
        z3 += c;
        z2 -= Vector256.ShiftLeft(c, 26);
        c = High(z6, 26);
        z7 += c;
        z6 -= Vector256.ShiftLeft(c, 26);
        c = High(z3, 25);
        z4 += c;
        z3 -= Vector256.ShiftLeft(c, 25);
        c = High(z7, 25);
        z8 += c;
        z7 -= Vector256.ShiftLeft(c, 25);
        c = High(z4, 26);
        z5 += c;
        z4 -= Vector256.ShiftLeft(c, 26);
        c = High(z8, 26);
        z9 += c;
        z8 -= Vector256.ShiftLeft(c, 26);
        c = High(z9, 25);
        z9 -= Vector256.ShiftLeft(c, 25);
        z0 += c + Vector256.ShiftLeft(c, 1) + Vector256.ShiftLeft(c, 4); // 2^255 is 19
        c = High(z0, 26);
        z1 += c;
        z0 -= Vector256.ShiftLeft(c, 26);
        return new() { _0 = z0, _1 = z1, _2 = z2, _3 = z3, _4 = z4, _5 = z5, _6 = z6, _7 = z7, _8 = z8, _9 = z9 };
    }

    /// <summary>What is over <paramref name="bits"/> bits, rounded: it goes to the next limb.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<long> High(Vector256<long> limb, int bits) =>
        // There is no arithmetic shift of 64 bits in AVX2: the number is made positive, and what that added is taken away again.
        Vector256.ShiftRightLogical(limb + Vector256.Create((1L << 62) + (1L << (bits - 1))), bits) - Vector256.Create(1L << (62 - bits));

    /// <summary>Products of the lower 32 bits, with sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<long> M(Vector256<long> x, Vector256<long> y) => Avx2.Multiply(x.AsInt32(), y.AsInt32());

    /// <summary>Negative in the lanes of the mask, for a second factor (<see cref="OfRows"/>).</summary>
    public static FieldVector Negate(Vector256<long> mask, in FieldVector x) => new()
    {
        _0 = Negate(mask, x._0), _1 = Negate(mask, x._1), _2 = Negate(mask, x._2), _3 = Negate(mask, x._3), _4 = Negate(mask, x._4),
        _5 = Negate(mask, x._5), _6 = Negate(mask, x._6), _7 = Negate(mask, x._7), _8 = Negate(mask, x._8), _9 = Negate(mask, x._9),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<long> Negate(Vector256<long> mask, Vector256<long> limb) => ((limb ^ mask).AsInt32() - mask.AsInt32()).AsInt64();
}
