using System.Text;

namespace LogLine.Fuzz.Mutation;

/// <summary>Changes that know no grammar: bits, bytes, pieces.</summary>
internal static class Bytes
{
    private static readonly byte[][] Ugly =
    [
        [0], [0xFF], [0xEF, 0xBB, 0xBF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], "\\ud800"u8.ToArray(), "\\udc00"u8.ToArray(), "\\u0000"u8.ToArray(), "\\"u8.ToArray(), "\""u8.ToArray(),
        "{"u8.ToArray(), "}"u8.ToArray(), "["u8.ToArray(), "]"u8.ToArray(), ","u8.ToArray(), ":"u8.ToArray(), "null"u8.ToArray(), "-"u8.ToArray(), "1e9999"u8.ToArray(), "0."u8.ToArray(), "//"u8.ToArray(), "\r\n\r\n"u8.ToArray(),
    ];

    /// <summary>One to eight changes.</summary>
    public static byte[] Change(ReadOnlySpan<byte> input, ReadOnlySpan<byte> other, Random random)
    {
        var bytes = input.ToArray();
        for (var changes = 1 + random.Next(random.Next(1, 9)); changes > 0; changes--)
        {
            bytes = One(bytes, other, random);
        }
        return bytes;
    }

    private static byte[] One(byte[] bytes, ReadOnlySpan<byte> other, Random random)
    {
        var at = random.Next(bytes.Length + 1);
        var end = Math.Min(bytes.Length, at + Length(random));
        switch (random.Next(9))
        {
            case 0 when at < bytes.Length:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1 when at < bytes.Length:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
                return [.. bytes[..at], .. bytes[end..]];
            case 3:
                return [.. bytes[..end], .. bytes[at..]];
            case 4:
                return [.. bytes[..at], .. Ugly[random.Next(Ugly.Length)], .. bytes[at..]];
            case 5:
                return [.. bytes[..at], .. Encoding.UTF8.GetBytes(Words.Any(random)), .. bytes[at..]];
            case 6 when other.Length > 0:
                var from = random.Next(other.Length);
                return [.. bytes[..at], .. other[from..Math.Min(other.Length, from + Length(random))], .. bytes[at..]];
            case 7 when random.Next(4) == 0:
                return bytes[..at];
            default:
                return at < bytes.Length ? [.. bytes[..at], (byte)random.Next(256), .. bytes[(at + 1)..]] : bytes;
        }
    }

    // Mostly short, now and then long.
    private static int Length(Random random) => 1 + random.Next(random.Next(8) == 0 ? 256 : 8);
}
