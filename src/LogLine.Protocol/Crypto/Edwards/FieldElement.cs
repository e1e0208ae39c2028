using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace LogLine.Protocol.Crypto.Edwards;

/// <summary>
/// A number modulo 2^255 − 19, in five limbs of 51 bits. Limbs may grow to 54 bits between operations; <see cref="Write"/> gives the one spelling. Its operations
/// take as long as their operands want: for public values only.
/// </summary>
internal readonly struct FieldElement(ulong a, ulong b, ulong c, ulong d, ulong e)
{
    /// <summary>Bytes of its spelling, little-endian.</summary>
    public const int Size = 32;

    private const ulong Mask = (1UL << 51) - 1;
    private readonly ulong _a = a, _b = b, _c = c, _d = d, _e = e;

    public static FieldElement Zero => default;

    public static FieldElement One => new(1, 0, 0, 0, 0);

    /// <summary>A small number.</summary>
    public static FieldElement Of(uint value) => new(value, 0, 0, 0, 0);

    /// <summary>Reads 255 bits; the highest bit of the last byte is not looked at.</summary>
    public static FieldElement Read(ReadOnlySpan<byte> bytes)
    {
        ulong At(ReadOnlySpan<byte> from, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(from[offset..]);
        return new(At(bytes, 0) & Mask, At(bytes, 6) >> 3 & Mask, At(bytes, 12) >> 6 & Mask, At(bytes, 19) >> 1 & Mask, At(bytes, 24) >> 12 & Mask);
    }

    /// <summary>Ten signed limbs of 26 and 25 bits in turns, as <see cref="FieldVector"/> has them, none of more than 29 bits.</summary>
    public static FieldElement OfHalves(ReadOnlySpan<long> halves)
    {
        // Sixteen times the modulus keeps every limb positive.
        const ulong First = ((1UL << 51) - 19) * 16, Other = Mask * 16;
        return new FieldElement(
            First + (ulong)(halves[0] + (halves[1] << 26)), Other + (ulong)(halves[2] + (halves[3] << 26)), Other + (ulong)(halves[4] + (halves[5] << 26)),
            Other + (ulong)(halves[6] + (halves[7] << 26)), Other + (ulong)(halves[8] + (halves[9] << 26))).Carried();
    }

    /// <summary>The ten limbs of the one spelling.</summary>
    public void WriteHalves(Span<int> halves)
    {
        var whole = Reduced();
        ReadOnlySpan<ulong> limbs = [whole._a, whole._b, whole._c, whole._d, whole._e];
        for (var i = 0; i < limbs.Length; i++)
        {
            halves[2 * i] = (int)(limbs[i] & ((1 << 26) - 1));
            halves[2 * i + 1] = (int)(limbs[i] >> 26);
        }
    }

    /// <summary>Writes the one spelling: below the modulus, 32 bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        var whole = Reduced();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, whole._a | whole._b << 51);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], whole._b >> 13 | whole._c << 38);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], whole._c >> 26 | whole._d << 25);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], whole._d >> 39 | whole._e << 12);
    }

    /// <summary>The lowest bit of the one spelling: what tells a number from its negative.</summary>
    public bool IsOdd => (Reduced()._a & 1) == 1;

    public bool IsZero
    {
        get
        {
            var whole = Reduced();
            return (whole._a | whole._b | whole._c | whole._d | whole._e) == 0;
        }
    }

    public static FieldElement operator +(in FieldElement x, in FieldElement y) => new FieldElement(x._a + y._a, x._b + y._b, x._c + y._c, x._d + y._d, x._e + y._e).Carried();

    public static FieldElement operator -(in FieldElement x, in FieldElement y)
    {
        const ulong First = ((1UL << 51) - 19) * 16, Other = Mask * 16; // no limb goes below zero
        return new FieldElement(x._a + First - y._a, x._b + Other - y._b, x._c + Other - y._c, x._d + Other - y._d, x._e + Other - y._e).Carried();
    }

    public static FieldElement operator -(in FieldElement x) => Zero - x;

    public static FieldElement operator *(in FieldElement x, in FieldElement y)
    {
        var (b19, c19, d19, e19) = (y._b * 19, y._c * 19, y._d * 19, y._e * 19);
        var a = Product(x._a, y._a) + Product(x._b, e19) + Product(x._c, d19) + Product(x._d, c19) + Product(x._e, b19);
        var b = Product(x._a, y._b) + Product(x._b, y._a) + Product(x._c, e19) + Product(x._d, d19) + Product(x._e, c19) + a.Over;
        var c = Product(x._a, y._c) + Product(x._b, y._b) + Product(x._c, y._a) + Product(x._d, e19) + Product(x._e, d19) + b.Over;
        var d = Product(x._a, y._d) + Product(x._b, y._c) + Product(x._c, y._b) + Product(x._d, y._a) + Product(x._e, e19) + c.Over;
        var e = Product(x._a, y._e) + Product(x._b, y._d) + Product(x._c, y._c) + Product(x._d, y._b) + Product(x._e, y._a) + d.Over;
        var low = (a.Low & Mask) + (e.Over * 19);
        return new(low & Mask, (b.Low & Mask) + (low >> 51), c.Low & Mask, d.Low & Mask, e.Low & Mask);
    }

    /// <summary>Squared <paramref name="times"/> times: this to the power of 2^times.</summary>
    public FieldElement Squared(int times = 1)
    {
        var (a, b, c, d, e) = (_a, _b, _c, _d, _e); // in registers
        for (; times > 0; times--)
        {
            var (d19, e19) = (19 * d, 19 * e);
            var a2 = Product(a, a) + Product(2 * b, e19) + Product(2 * c, d19);
            var b2 = Product(2 * a, b) + Product(2 * c, e19) + Product(d, d19) + a2.Over;
            var c2 = Product(2 * a, c) + Product(b, b) + Product(2 * d, e19) + b2.Over;
            var d2 = Product(2 * a, d) + Product(2 * b, c) + Product(e, e19) + c2.Over;
            var e2 = Product(2 * a, e) + Product(2 * b, d) + Product(c, c) + d2.Over;
            a = (a2.Low & Mask) + (e2.Over * 19);
            (b, c, d, e) = ((b2.Low & Mask) + (a >> 51), c2.Low & Mask, d2.Low & Mask, e2.Low & Mask);
            a &= Mask;
        }
        return new(a, b, c, d, e);
    }

    /// <summary>One divided by this; zero for zero. This to the power of p − 2 = (2^250 − 1) · 2^5 + 11.</summary>
    public FieldElement Inverted() => ToLong().Squared(5) * Squared(3) * Squared() * this;

    /// <summary>This to the power of (p − 5) / 8 = (2^250 − 1) · 2^2 + 1: what square roots are made of.</summary>
    public FieldElement ToRoot() => ToLong().Squared(2) * this;

    /// <summary>A square root of −1: 2 to the power of (p − 1) / 4 = (2^250 − 1) · 2^3 + 3.</summary>
    public static FieldElement RootOfMinusOne { get; } = Of(2).ToLong().Squared(3) * Of(8);

    /// <summary>This to the power of 2^250 − 1.</summary>
    private FieldElement ToLong()
    {
        // To the power of 2^n − 1, n = 1, 2, 4, 5, 10, 20, 40, 50, 100, 200, 250.
        var n2 = Squared() * this;
        var n5 = n2.Squared(2) * n2;
        n5 = n5.Squared() * this;
        var n10 = n5.Squared(5) * n5;
        var n20 = n10.Squared(10) * n10;
        var n50 = (n20.Squared(20) * n20).Squared(10) * n10;
        var n100 = n50.Squared(50) * n50;
        return (n100.Squared(100) * n100).Squared(50) * n50;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Wide Product(ulong x, ulong y)
    {
        var high = Math.BigMul(x, y, out var low);
        return new(high, low);
    }

    /// <summary>A sum of products, in 128 bits. The runtime's own type would do, were its sums always inlined.</summary>
    private readonly struct Wide(ulong high, ulong low)
    {
        private readonly ulong _high = high;

        public ulong Low { get; } = low;

        /// <summary>What is over 51 bits.</summary>
        public ulong Over => _high << 13 | Low >> 51;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Wide operator +(Wide x, Wide y)
        {
            var low = x.Low + y.Low;
            return new(x._high + y._high + (low < y.Low ? 1UL : 0), low);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Wide operator +(Wide x, ulong y)
        {
            var low = x.Low + y;
            return new(x._high + (low < y ? 1UL : 0), low);
        }
    }

    /// <summary>The same number with limbs of 51 bits, the lowest of which may have a little more.</summary>
    private FieldElement Carried() => new(
        (_a & Mask) + ((_e >> 51) * 19), (_b & Mask) + (_a >> 51), (_c & Mask) + (_b >> 51), (_d & Mask) + (_c >> 51), (_e & Mask) + (_d >> 51));

    /// <summary>The same number below the modulus.</summary>
    private FieldElement Reduced()
    {
        var x = Carried().Carried();
        // Whether 19 more would carry out of the top: then it is the modulus or more, and is taken away once.
        var over = (x._a + 19) >> 51;
        over = (x._b + over) >> 51;
        over = (x._c + over) >> 51;
        over = (x._d + over) >> 51;
        over = (x._e + over) >> 51;
        var a = x._a + (19 * over);
        var b = x._b + (a >> 51);
        var c = x._c + (b >> 51);
        var d = x._d + (c >> 51);
        var e = x._e + (d >> 51);
        return new(a & Mask, b & Mask, c & Mask, d & Mask, e & Mask);
    }
}
