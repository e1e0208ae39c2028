using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace LogLine.Protocol.Crypto.Edwards;

/// <summary>
/// A public key A under which many signatures are verified. The multiples of −A and of the base point B lie ready, so that R = S·B − h·A is a sum of ready points, four of them
/// at a time; libsodium, which knows nothing of the key before, takes four times as long.
/// </summary>
/// <remarks>It only ever says yes: whatever it does not confirm libsodium decides (<see cref="Ed25519.Verify"/>). A mistake in the arithmetic costs time, not trust.</remarks>
internal sealed class KnownKey
{
    /// <summary>Bytes of the longest message that is looked at here.</summary>
    public const int LongestMessage = 256;

    private const int KeyBits = 4; // 70 KiB a key
    private const int BaseBits = 8;
    private const int Lanes = 4;
    private const int MostDigits = 128;

    private static readonly Lazy<PointTable> OfBase = new(() => new PointTable(EdwardsPoint.Base, BaseBits));

    /// <summary>The order L of the base point, in words of 64 bits, the lowest first.</summary>
    private static readonly ulong[] Order = [0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000];

    private readonly byte[] _publicKey;
    private readonly PointTable _minusKey;

    private KnownKey(byte[] publicKey, PointTable minusKey) => (_publicKey, _minusKey) = (publicKey, minusKey);

    /// <summary>True where the machine can do it.</summary>
    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>The key with its table, which takes as long as some verifications; null when it is no point. Only for keys that libsodium has accepted: small order is not looked for.</summary>
    public static KnownKey? Of(ReadOnlySpan<byte> publicKey) =>
        EdwardsPoint.Read(publicKey) is { } point ? new KnownKey(publicKey.ToArray(), new PointTable(-point, KeyBits)) : null;

    /// <summary>True when the signature surely verifies. False says nothing.</summary>
    public bool Confirms(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        var r = signature[..32];
        var s = signature[32..];
        if (message.Length > LongestMessage || !IsBelowOrder(s))
        {
            return false;
        }
        Span<byte> h = stackalloc byte[32];
        Challenge(r, message, h);
        Span<byte> found = stackalloc byte[32];
        Sum(s, h).Write(found);
        return found.SequenceEqual(r) && !IsOfSmallOrder(found);
    }

    /// <summary>h = SHA-512(R ‖ A ‖ message) modulo the order.</summary>
    private unsafe void Challenge(ReadOnlySpan<byte> r, ReadOnlySpan<byte> message, Span<byte> h)
    {
        Span<byte> text = stackalloc byte[64 + LongestMessage];
        r.CopyTo(text);
        _publicKey.CopyTo(text[32..]);
        message.CopyTo(text[64..]);
        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        SHA512.HashData(text[..(64 + message.Length)], hash);
        fixed (byte* reduced = h, whole = hash)
        {
            Sodium.crypto_core_ed25519_scalar_reduce(reduced, whole);
        }
    }

    /// <summary>S·B − h·A.</summary>
    private EdwardsPoint Sum(ReadOnlySpan<byte> s, ReadOnlySpan<byte> h)
    {
        var ofBase = OfBase.Value;
        Span<int> places = stackalloc int[MostDigits];
        Span<long> signs = stackalloc long[MostDigits];
        ofBase.Find(s, places, signs);
        _minusKey.Find(h, places[ofBase.Digits..], signs[ofBase.Digits..]);
        var lanes = new LaneSums();
        lanes.Add(ofBase, places, signs, ofBase.Digits);
        lanes.Add(_minusKey, places[ofBase.Digits..], signs[ofBase.Digits..], _minusKey.Digits);
        return lanes.Total();
    }

    private static bool IsBelowOrder(ReadOnlySpan<byte> s)
    {
        for (var word = Order.Length - 1; word >= 0; word--)
        {
            var own = BinaryPrimitives.ReadUInt64LittleEndian(s[(8 * word)..]);
            if (own != Order[word])
            {
                return own < Order[word];
            }
        }
        return false;
    }

    /// <summary>The eight points of small order have five values of y. Signatures with such an R libsodium refuses, and here they are left to it.</summary>
    private static bool IsOfSmallOrder(ReadOnlySpan<byte> point)
    {
        Span<byte> y = stackalloc byte[32];
        point.CopyTo(y);
        y[31] &= 0x7f;
        foreach (var small in SmallOrders)
        {
            if (y.SequenceEqual(small))
            {
                return true;
            }
        }
        return false;
    }

    private static readonly byte[][] SmallOrders = MakeSmallOrders();

    private static byte[][] MakeSmallOrders() =>
    [
        Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        Convert.FromHexString("0000000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];

    /// <summary>Four running sums, one in each lane.</summary>
    private struct LaneSums
    {
        private FieldVector _x = FieldVector.OfSmall(0);
        private FieldVector _y = FieldVector.OfSmall(1);
        private FieldVector _z = FieldVector.OfSmall(1);
        private FieldVector _t = FieldVector.OfSmall(0);

        public LaneSums()
        {
        }

        /// <summary>Adds the multiples at these places, four at a time.</summary>
        public unsafe void Add(PointTable table, ReadOnlySpan<int> places, ReadOnlySpan<long> signs, int count)
        {
            var rows = table.Rows;
            for (var i = 0; i < count; i += Lanes)
            {
                var four = places.Slice(i, Lanes);
                var sum = FieldVector.OfRows(rows, four);
                var difference = FieldVector.OfRows(rows + FieldVector.Limbs, four);
                var product = FieldVector.OfRows(rows + (2 * FieldVector.Limbs), four);
                var negative = Vector256.Create(signs.Slice(i, Lanes));
                Add(FieldVector.Select(negative, sum, difference), FieldVector.Select(negative, difference, sum), FieldVector.Negate(negative, product));
            }
            GC.KeepAlive(table);
        }

        private void Add(in FieldVector sum, in FieldVector difference, in FieldVector product)
        {
            var a = (_y - _x) * difference;
            var b = (_y + _x) * sum;
            var c = _t * product;
            var d = _z + _z;
            var (e, f, g, h) = (b - a, d - c, d + c, b + a);
            (_x, _y, _z, _t) = (e * f, g * h, f * g, e * h);
        }

        /// <summary>All four together.</summary>
        public readonly EdwardsPoint Total()
        {
            var total = Lane(0);
            for (var lane = 1; lane < Lanes; lane++)
            {
                total += Lane(lane);
            }
            return total;
        }

        private readonly EdwardsPoint Lane(int lane) => new(Lane(_x, lane), Lane(_y, lane), Lane(_z, lane), Lane(_t, lane));

        private static FieldElement Lane(in FieldVector vector, int lane)
        {
            Span<long> limbs = stackalloc long[FieldVector.Limbs];
            vector.Lane(lane, limbs);
            return FieldElement.OfHalves(limbs);
        }
    }
}
