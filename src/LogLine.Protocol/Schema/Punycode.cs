using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>The decoder of RFC 3492, section 6.2.</summary>
internal static class Punycode
{
    private const int Base = 36;
    private const int MinThreshold = 1;
    private const int MaxThreshold = 26;
    private const int Skew = 38;
    private const int Damp = 700;
    private const int FirstBias = 72;
    private const int FirstCode = 128;

    /// <summary>The number of code points decoded, upper-case letters made lower-case; −1 when it does not decode or does not fit.</summary>
    public static int Decode(ReadOnlySpan<byte> text, Span<int> into)
    {
        var length = Math.Max(0, text.LastIndexOf((byte)'-'));
        for (var i = 0; i < length; i++)
            into[i] = text[i] | (char.IsAsciiLetterUpper((char)text[i]) ? 0x20 : 0);
        var rest = text[(length > 0 ? length + 1 : 0)..];
        var (code, index, bias, first) = (FirstCode, 0L, FirstBias, true);
        while (!rest.IsEmpty)
        {
            var before = index;
            if (!TryReadDelta(ref rest, bias, ref index) || length == into.Length)
                return -1;
            length++;
            bias = Adapt(index - before, length, first);
            first = false;
            var next = code + index / length;
            index %= length;
            if (!Rune.IsValid((int)Math.Min(next, int.MaxValue)))
                return -1;
            code = (int)next;
            into[(int)index..(length - 1)].CopyTo(into[((int)index + 1)..]);
            into[(int)index++] = code;
        }
        return length;
    }

    private static bool TryReadDelta(ref ReadOnlySpan<byte> text, int bias, ref long index)
    {
        long weight = 1;
        for (var k = Base; ; k += Base)
        {
            var digit = text.IsEmpty ? -1 : Digit(text[0]);
            if (digit < 0)
                return false;
            text = text[1..];
            index += digit * weight;
            if (index > int.MaxValue)
                return false;
            var threshold = Math.Clamp(k - bias, MinThreshold, MaxThreshold);
            if (digit < threshold)
                return true;
            weight *= Base - threshold;
            if (weight > int.MaxValue)
                return false;
        }
    }

    private static int Digit(byte b) => b switch
    {
        >= (byte)'a' and <= (byte)'z' => b - 'a',
        >= (byte)'A' and <= (byte)'Z' => b - 'A',
        >= (byte)'0' and <= (byte)'9' => b - '0' + 26,
        _ => -1,
    };

    private static int Adapt(long delta, int points, bool first)
    {
        delta = first ? delta / Damp : delta / 2;
        delta += delta / points;
        var k = 0;
        for (; delta > (Base - MinThreshold) * MaxThreshold / 2; k += Base)
            delta /= Base - MinThreshold;
        return k + (int)((Base - MinThreshold + 1) * delta / (delta + Skew));
    }
}
