using System.Numerics;

namespace LogLine.Protocol.Crypto.Edwards;

/// <summary>
/// Multiples of one point P, so that a multiple of it is a sum of ready ones without a single doubling: for each digit of the factor (some bits, with sign) all values that
/// it can have. Each is kept as y + x, y − x and 2dxy of the affine point, ten limbs each.
/// </summary>
internal sealed class PointTable
{
    /// <summary>Limbs from one multiple to the next: three times ten, and some that are read and dropped (<see cref="FieldVector.OfRows"/>).</summary>
    public const int Stride = 32;

    private const int FactorBits = 253; // below the order of the base point
    private readonly int[] _rows;
    private readonly int _perDigit;

    /// <summary>Makes the table.</summary>
    /// <param name="point">The point.</param>
    /// <param name="bits">Bits of a digit, 2 to 8: the more, the fewer sums and the larger the table.</param>
    public PointTable(EdwardsPoint point, int bits)
    {
        (Bits, Digits, _perDigit) = (bits, (FactorBits / bits) + 1, (1 << (bits - 1)) + 1);
        var multiples = new EdwardsPoint[Digits * _perDigit];
        for (var digit = 0; digit < Digits; digit++)
        {
            var own = multiples.AsSpan(digit * _perDigit, _perDigit);
            own[0] = EdwardsPoint.Neutral;
            for (var value = 1; value < own.Length; value++)
            {
                own[value] = own[value - 1] + point;
            }
            point = own[^1] + own[^1]; // 2^bits of it
        }
        _rows = GC.AllocateUninitializedArray<int>((multiples.Length * Stride) + 8, pinned: true);
        Fill(multiples);
    }

    /// <summary>Bits of a digit.</summary>
    public int Bits { get; }

    /// <summary>Digits of a factor.</summary>
    public int Digits { get; }

    /// <summary>Where the multiples lie; pinned, and kept for as long as the table is.</summary>
    public unsafe int* Rows => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _rows[0]);

    /// <summary>The digits of a factor of 32 bytes, little-endian: where each one's multiple lies, and −1 in <paramref name="signs"/> where its negative is meant.</summary>
    public void Find(ReadOnlySpan<byte> factor, Span<int> places, Span<long> signs)
    {
        Span<byte> room = stackalloc byte[FieldElement.Size + 2]; // a digit is looked for in two bytes
        room[^2..].Clear();
        factor.CopyTo(room);
        var carry = 0;
        for (var digit = 0; digit < Digits; digit++)
        {
            var at = digit * Bits;
            var value = ((room[at / 8] | room[(at / 8) + 1] << 8) >> (at % 8) & ((1 << Bits) - 1)) + carry;
            carry = value > 1 << (Bits - 1) ? 1 : 0;
            value -= carry << Bits;
            places[digit] = ((digit * _perDigit) + Math.Abs(value)) * Stride;
            signs[digit] = value < 0 ? -1 : 0;
        }
    }

    private void Fill(EdwardsPoint[] multiples)
    {
        // One inversion for all of them (Montgomery): of the product of all Z, from which each one's is taken off in turn.
        var products = new FieldElement[multiples.Length];
        var product = FieldElement.One;
        for (var i = 0; i < multiples.Length; i++)
        {
            products[i] = product;
            product *= multiples[i].Z;
        }
        var inverse = product.Inverted();
        for (var i = multiples.Length - 1; i >= 0; i--)
        {
            var z = inverse * products[i];
            inverse *= multiples[i].Z;
            var (x, y) = (multiples[i].X * z, multiples[i].Y * z);
            var row = _rows.AsSpan(i * Stride, Stride);
            (y + x).WriteHalves(row);
            (y - x).WriteHalves(row[FieldVector.Limbs..]);
            (x * y * EdwardsPoint.TwiceD).WriteHalves(row[(2 * FieldVector.Limbs)..]);
        }
    }
}
