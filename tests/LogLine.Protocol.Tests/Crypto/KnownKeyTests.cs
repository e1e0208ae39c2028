using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Crypto.Edwards;

namespace LogLine.Protocol.Tests.Crypto;

/// <summary>The arithmetic that verifies under known keys, held against big integers and against libsodium.</summary>
public sealed class KnownKeyTests
{
    private static readonly BigInteger Prime = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger Order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    /// <summary>Numbers at which carries go wrong, and as many that are like any other.</summary>
    private static readonly BigInteger[] Numbers =
    [
        0, 1, 2, 19, 38, Prime - 1, Prime - 2, Prime - 19, Prime / 2, BigInteger.Pow(2, 51) - 1, BigInteger.Pow(2, 51), BigInteger.Pow(2, 102) - 1, BigInteger.Pow(2, 204) - 1,
        BigInteger.Pow(2, 254), BigInteger.Pow(2, 254) - 1, Limbs(26, 25, ones: true), Limbs(26, 25, ones: false),
        .. Enumerable.Range(0, 40).Select(i => new BigInteger(SHA256.HashData([(byte)i]), isUnsigned: true) % Prime),
    ];

    [Fact]
    public void Field_ComputesAsBigIntegersDo()
    {
        foreach (var x in Numbers)
        {
            Assert.Equal(x.IsZero ? 0 : BigInteger.ModPow(x, Prime - 2, Prime), Value(Element(x).Inverted()));
            Assert.Equal(BigInteger.ModPow(x, 1 << 7, Prime), Value(Element(x).Squared(7)));
            Assert.Equal(!(x % Prime).IsEven, Element(x).IsOdd);
            foreach (var y in Numbers)
            {
                Assert.Equal(x * y % Prime, Value(Element(x) * Element(y)));
                Assert.Equal((x + y) % Prime, Value(Element(x) + Element(y)));
                Assert.Equal((x - y + Prime) % Prime, Value(Element(x) - Element(y)));
                // The largest that a factor can be: sums and differences of products, as the sum of points has them.
                var (sum, difference) = ((x * y) + (y * y), (x * y) - (x * x));
                Assert.Equal(((sum * difference % Prime) + Prime) % Prime, Value(((Element(x) * Element(y)) + Element(y).Squared()) * ((Element(x) * Element(y)) - Element(x).Squared())));
            }
        }
        Assert.Equal(Prime - 1, Value(FieldElement.RootOfMinusOne.Squared()));
    }

    [Theory]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", 0)] // the modulus itself
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", 1)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", 18)]
    [InlineData("01000000000000000000000000000000000000000000000000000000000000ff", 1)] // 2^255 is not read, the bits below it are
    public void WhatIsNotBelowTheModulus_IsWrittenBelowIt(string bytes, int low)
    {
        var read = FieldElement.Read(Convert.FromHexString(bytes));
        var expected = new BigInteger(Convert.FromHexString(bytes), isUnsigned: true) % BigInteger.Pow(2, 255) % Prime;
        Assert.Equal(expected, Value(read));
        Assert.Equal(low, (int)(Value(read) % 256));
    }

    [Fact]
    public void FourLanes_ComputeAsOne()
    {
        Require();
        for (var i = 0; i < Numbers.Length - 8; i++)
        {
            var (x, y) = (Lanes(i), Lanes(i + 4));
            var product = x * y;
            // Three products added up are the most that a factor is.
            var large = (product + product + product) * (product - y * x - product);
            for (var lane = 0; lane < 4; lane++)
            {
                var (a, b) = (Numbers[i + lane], Numbers[i + 4 + lane]);
                Assert.Equal(a * b % Prime, Value(Lane(product, lane)));
                Assert.Equal(((3 * a * b * -(a * b) % Prime) + Prime) % Prime, Value(Lane(large, lane)));
            }
        }
    }

    [Fact]
    public void Points_AreReadAndWrittenAndAddedUp()
    {
        Assert.Equal("5866666666666666666666666666666666666666666666666666666666666666", Hex(EdwardsPoint.Base));
        // L·B is neutral: by doubling and adding.
        var (sum, power) = (EdwardsPoint.Neutral, EdwardsPoint.Base);
        for (var bit = 0; bit < 253; bit++, power += power)
        {
            sum = (Order >> bit & 1).IsOne ? sum + power : sum;
        }
        Assert.Equal(Hex(EdwardsPoint.Neutral), Hex(sum));
        for (var i = 0; i < 20; i++)
        {
            using var key = SigningKey.FromSeed(SHA256.HashData([(byte)i]));
            Assert.Equal(key.PublicKeyHex, Hex(EdwardsPoint.Read(key.PublicKey)!.Value));
        }
        var none = Convert.FromHexString("0200000000000000000000000000000000000000000000000000000000000000");
        Assert.Null(EdwardsPoint.Read(none));
        Assert.False(Ed25519.VerifyWithSodium(none, [], new byte[64]));
    }

    [Fact]
    public void EverySignature_IsConfirmed_AndNoneWithAChangedBit()
    {
        Require();
        for (var i = 0; i < 24; i++)
        {
            using var key = SigningKey.FromSeed(SHA256.HashData([1, (byte)i]));
            var known = KnownKey.Of(key.PublicKey)!;
            for (var length = 0; length <= KnownKey.LongestMessage; length += 1 + (length / 4))
            {
                var message = SHA512.HashData([(byte)i, (byte)length]).Concat(new byte[KnownKey.LongestMessage]).Take(length).ToArray();
                var signature = key.Sign(message);
                Assert.True(known.Confirms(message, signature));
                for (var bit = length % 7; bit < 512; bit += 7)
                {
                    signature[bit / 8] ^= (byte)(1 << (bit % 8));
                    Assert.False(known.Confirms(message, signature));
                    signature[bit / 8] ^= (byte)(1 << (bit % 8));
                }
                if (length > 0)
                {
                    message[length / 2] ^= 0x10;
                    Assert.False(known.Confirms(message, signature));
                }
            }
        }
    }

    [Fact]
    public void AnSOfTheOrderOrMore_IsNotConfirmed()
    {
        Require();
        using var key = SigningKey.FromSeed(new byte[32]);
        var known = KnownKey.Of(key.PublicKey)!;
        var signature = key.Sign([1, 2, 3]);
        Assert.True(known.Confirms([1, 2, 3], signature));
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true) + Order;
        Assert.True(s.TryWriteBytes(signature.AsSpan(32), out _, isUnsigned: true));
        Assert.False(known.Confirms([1, 2, 3], signature));
        Assert.False(Ed25519.Verify(key.PublicKey, [1, 2, 3], signature));
    }

    [Fact]
    public void OfTheVectors_AllThatAreValidAreConfirmed_AndNothingElse()
    {
        Require();
        var confirmed = 0;
        foreach (var (publicKey, message, signature) in Vectors())
        {
            if (KnownKey.Of(publicKey) is not { } known || signature.Length != Ed25519.SignatureSize || IsOfSmallOrder(publicKey))
            {
                continue; // no key that libsodium would ever have accepted
            }
            var valid = Ed25519.VerifyWithSodium(publicKey, message, signature);
            Assert.Equal(valid && message.Length <= KnownKey.LongestMessage, known.Confirms(message, signature));
            confirmed += valid ? 1 : 0;
        }
        Assert.True(confirmed > 50, $"{confirmed} were confirmed");
    }

    [Fact]
    public void AKeyThatIsUsedOften_KeepsItsVerdicts()
    {
        using var key = SigningKey.Generate();
        var signature = key.Sign("span"u8);
        var changed = key.Sign("span"u8);
        changed[40] ^= 1;
        for (var i = 0; i < 3 * KnownKeys.Worthwhile; i++)
        {
            Assert.True(Ed25519.Verify(key.PublicKey, "span"u8, signature));
            Assert.False(Ed25519.Verify(key.PublicKey, "span"u8, changed));
            Assert.False(Ed25519.Verify(key.PublicKey, "spam"u8, signature));
        }
        Assert.Equal(KnownKey.IsSupported, KnownKeys.Confirm(key.PublicKey, "span"u8, signature));
    }

    private static IEnumerable<(byte[] PublicKey, byte[] Message, byte[] Signature)> Vectors()
    {
        using var wycheproof = Read("wycheproof_ed25519_test.json");
        foreach (var group in wycheproof.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            foreach (var one in group.GetProperty("tests").EnumerateArray())
            {
                yield return (Bytes(group.GetProperty("publicKey"), "pk"), Bytes(one, "msg"), Bytes(one, "sig"));
            }
        }
        using var speccheck = Read("speccheck_cases.json");
        foreach (var one in speccheck.RootElement.EnumerateArray())
        {
            yield return (Bytes(one, "pub_key"), Bytes(one, "message"), Bytes(one, "signature"));
        }
    }

    private static bool IsOfSmallOrder(byte[] publicKey)
    {
        var point = EdwardsPoint.Read(publicKey)!.Value;
        var (twice, neutral) = (point + point, Hex(EdwardsPoint.Neutral));
        var four = twice + twice;
        return Hex(four + four) == neutral;
    }

    private static BigInteger Limbs(int even, int odd, bool ones)
    {
        var (value, shift) = (BigInteger.Zero, 0);
        for (var limb = 0; limb < FieldVector.Limbs; limb++)
        {
            var bits = limb % 2 == 0 ? even : odd;
            value += (ones == (limb % 2 == 0) ? (BigInteger.One << bits) - 1 : 0) << shift;
            shift += bits;
        }
        return value % Prime;
    }

    private static unsafe FieldVector Lanes(int first)
    {
        var rows = new int[4 * 16];
        for (var lane = 0; lane < 4; lane++)
        {
            Element(Numbers[first + lane]).WriteHalves(rows.AsSpan(lane * 16));
        }
        fixed (int* all = rows)
        {
            // Clean in all 64 bits, which the first factor of a product has to be: one times it.
            return FieldVector.OfSmall(1) * FieldVector.OfRows(all, [0, 16, 32, 48]);
        }
    }

    private static FieldElement Lane(in FieldVector vector, int lane)
    {
        Span<long> limbs = stackalloc long[FieldVector.Limbs];
        vector.Lane(lane, limbs);
        return FieldElement.OfHalves(limbs);
    }

    private static FieldElement Element(BigInteger value)
    {
        Span<byte> bytes = stackalloc byte[32];
        bytes.Clear();
        Assert.True(value.TryWriteBytes(bytes, out _, isUnsigned: true));
        return FieldElement.Read(bytes);
    }

    private static BigInteger Value(FieldElement element)
    {
        Span<byte> bytes = stackalloc byte[32];
        element.Write(bytes);
        return new BigInteger(bytes, isUnsigned: true);
    }

    private static string Hex(EdwardsPoint point)
    {
        Span<byte> bytes = stackalloc byte[32];
        point.Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    private static byte[] Bytes(JsonElement one, string name) => Convert.FromHexString(one.GetProperty(name).GetString()!);

    private static JsonDocument Read(string file) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Tests.Vectors.Folder("ed25519"), file)));

    private static void Require()
    {
        if (!KnownKey.IsSupported)
        {
            throw Prerequisite.Missing("AVX2; without it libsodium verifies everything");
        }
    }
}
