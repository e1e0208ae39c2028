namespace LogLine.Protocol.Schema;

/// <summary>
/// A JSON number by value, read in place: sign, significant digits, power of ten. All questions are answered in time linear in the
/// digits and without allocation, so neither <c>1e1000000000</c> nor a million digits cost more than reading them.
/// </summary>
/// <remarks>An exponent beyond ±10^15 counts as ±10^15.</remarks>
internal readonly ref struct JsonNumber
{
    private const long MaxExponent = 1_000_000_000_000_000;

    // From the first to the last digit that is not zero; a decimal point may be among them.
    private readonly ReadOnlySpan<byte> digits;
    private readonly bool negative;
    private readonly long firstPower;
    private readonly long lastPower;

    private JsonNumber(ReadOnlySpan<byte> digits, bool negative, long firstPower, long lastPower)
    {
        this.digits = digits;
        this.negative = negative;
        this.firstPower = firstPower;
        this.lastPower = lastPower;
    }

    /// <summary>No fraction: 1.0 and 1e2 are integers too.</summary>
    public bool IsInteger => IsZero || lastPower >= 0;

    private bool IsZero => digits.IsEmpty;

    private int Sign => IsZero ? 0 : negative ? -1 : 1;

    /// <summary>Reads a number that the parser of the document has accepted.</summary>
    public static JsonNumber Parse(ReadOnlySpan<byte> raw)
    {
        var negative = raw[0] == '-';
        if (negative)
            raw = raw[1..];
        long exponent = 0;
        if (raw.IndexOfAny((byte)'e', (byte)'E') is var e and >= 0)
        {
            exponent = ParseExponent(raw[(e + 1)..]);
            raw = raw[..e];
        }
        var first = raw.IndexOfAnyInRange((byte)'1', (byte)'9');
        if (first < 0)
            return default;
        var last = raw.LastIndexOfAnyInRange((byte)'1', (byte)'9');
        var point = raw.IndexOf((byte)'.');
        if (point < 0)
            point = raw.Length;
        return new(raw[first..(last + 1)], negative, PowerAt(first, point) + exponent, PowerAt(last, point) + exponent);
    }

    /// <summary>Whether the number has no fraction; most have neither point nor exponent, and need not be read for that.</summary>
    public static bool IsIntegerText(ReadOnlySpan<byte> raw)
    {
        foreach (var b in raw)
        {
            if (b is (byte)'.' or (byte)'e' or (byte)'E')
                return Parse(raw).IsInteger;
        }
        return true;
    }

    /// <summary>The value of a plain integer of at most 18 digits: the common case, for the fast way.</summary>
    public static bool TryReadSmall(ReadOnlySpan<byte> raw, out long value)
    {
        value = 0;
        if (raw.Length > 18)
            return false;
        var start = raw[0] == '-' ? 1 : 0;
        for (var i = start; i < raw.Length; i++)
        {
            var digit = raw[i] - '0';
            if ((uint)digit > 9)
                return false;
            value = value * 10 + digit;
        }
        if (start == 1)
            value = -value;
        return true;
    }

    public int CompareTo(JsonNumber other)
    {
        if (Sign != other.Sign || IsZero)
            return Sign.CompareTo(other.Sign);
        var magnitude = firstPower.CompareTo(other.firstPower);
        if (magnitude == 0)
            magnitude = CompareDigits(digits, other.digits);
        return negative ? -magnitude : magnitude;
    }

    /// <summary>Adds the value, not the spelling, to a hash.</summary>
    public void AddTo(ref HashCode hash)
    {
        hash.Add(Sign);
        hash.Add(firstPower);
        foreach (var digit in digits)
        {
            if (digit != '.')
                hash.Add(digit);
        }
    }

    /// <summary>Whether this is an integer times the divisor, exactly.</summary>
    public bool IsMultipleOf(Divisor divisor)
    {
        if (IsZero)
            return true;
        // The digits end in a digit that is not zero, so with fewer powers of ten than the divisor has no factor can be an integer.
        var power = lastPower - divisor.Power;
        if (power < 0)
            return false;
        var rest = Remainder(divisor.Digits);
        return (UInt128)rest * PowerOfTen(power, divisor.Digits) % divisor.Digits == 0;
    }

    /// <summary>This number as a divisor; false for zero, a negative one, and more than 18 significant digits.</summary>
    public bool TryAsDivisor(out Divisor divisor)
    {
        divisor = default;
        if (Sign <= 0 || firstPower - lastPower >= 18)
            return false;
        ulong value = 0;
        foreach (var digit in digits)
        {
            if (digit != '.')
                value = value * 10 + (ulong)(digit - '0');
        }
        divisor = new(value, lastPower);
        return true;
    }

    private ulong Remainder(ulong modulus)
    {
        ulong rest = 0, chunk = 0, scale = 1;
        foreach (var digit in digits)
        {
            if (digit == '.')
                continue;
            (chunk, scale) = (chunk * 10 + (ulong)(digit - '0'), scale * 10);
            if (scale < 1_000_000_000_000_000_000)
                continue;
            rest = (ulong)(((UInt128)rest * scale + chunk) % modulus);
            (chunk, scale) = (0, 1);
        }
        return (ulong)(((UInt128)rest * scale + chunk) % modulus);
    }

    private static ulong PowerOfTen(long power, ulong modulus)
    {
        UInt128 result = 1 % modulus, square = 10 % modulus;
        for (; power > 0; power >>= 1)
        {
            if ((power & 1) == 1)
                result = result * square % modulus;
            square = square * square % modulus;
        }
        return (ulong)result;
    }

    private static int CompareDigits(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        int i = 0, j = 0;
        while (true)
        {
            if (i < a.Length && a[i] == '.')
                i++;
            if (j < b.Length && b[j] == '.')
                j++;
            if (i == a.Length || j == b.Length)
                return (i < a.Length).CompareTo(j < b.Length);
            if (a[i] != b[j])
                return a[i] < b[j] ? -1 : 1;
            i++;
            j++;
        }
    }

    private static long PowerAt(int index, int point) => index < point ? point - index - 1 : point - index;

    private static long ParseExponent(ReadOnlySpan<byte> text)
    {
        var negative = text[0] == '-';
        if (text[0] is (byte)'-' or (byte)'+')
            text = text[1..];
        long value = 0;
        foreach (var digit in text)
            value = Math.Min(value * 10 + digit - '0', MaxExponent);
        return negative ? -value : value;
    }

    /// <summary>A positive number as an integer times a power of ten.</summary>
    public readonly record struct Divisor(ulong Digits, long Power);
}
