using System.Globalization;
using System.Numerics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

public sealed class NumberTests
{
    [Theory]
    [InlineData("1", "1.0", 0)]
    [InlineData("100", "1e2", 0)]
    [InlineData("-0", "0.000e9", 0)]
    [InlineData("0.1e1", "10E-1", 0)]
    [InlineData("-1", "0", -1)]
    [InlineData("9007199254740993", "9007199254740992", 1)]
    [InlineData("1e400", "1e399", 1)]
    [InlineData("-1e400", "-1e399", -1)]
    [InlineData("12.5", "12.49999999999999999999999999", 1)]
    [InlineData("123", "12.3", 1)]
    public void Numbers_AreComparedByValue(string a, string b, int expected) => Assert.Equal(expected, Read(a).CompareTo(Read(b)));

    /// <summary>Against exact arithmetic on digits times powers of ten.</summary>
    [Fact]
    public void ComparisonAndMultiples_AgreeWithExactArithmetic()
    {
        var number = from digits in Gen.Choose(-9999, 9999) from power in Gen.Choose(-6, 6) from point in Gen.Choose(0, 3) select (digits, power, point);
        var pair = Gen.Two(number).ToArbitrary();
        Check.One(Laws.Choices(5_000), Prop.ForAll(pair, two =>
        {
            var ((a, aText), (b, bText)) = (Spell(two.Item1), Spell(two.Item2));
            var expected = a.CompareTo(b);
            var agree = Read(aText).CompareTo(Read(bText)) == expected && Read(bText).CompareTo(Read(aText)) == -expected;
            if (b > 0 && Read(bText).TryAsDivisor(out var divisor))
                agree &= Read(aText).IsMultipleOf(divisor) == (a % b == 0);
            return agree && Read(aText).IsInteger == (a % Scale == 0);
        }));
    }

    // All values are integers in units of 10^-12.
    private static readonly BigInteger Scale = BigInteger.Pow(10, 12);

    private static (BigInteger Value, string Text) Spell((int Digits, int Power, int Point) n)
    {
        var value = n.Digits * BigInteger.Pow(10, 12 + n.Power - n.Point);
        var text = Math.Abs(n.Digits).ToString(CultureInfo.InvariantCulture).PadLeft(n.Point + 1, '0');
        if (n.Point > 0)
            text = text[..^n.Point] + "." + text[^n.Point..];
        return (value, (n.Digits < 0 ? "-" : "") + text + (n.Power == 0 ? "" : "e" + n.Power.ToString(CultureInfo.InvariantCulture)));
    }

    private static JsonNumber Read(string text) => JsonNumber.Parse(Encoding.UTF8.GetBytes(text));
}
