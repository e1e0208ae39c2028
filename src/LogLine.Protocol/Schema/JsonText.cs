using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>
/// The UTF-8 content of a JSON string or member name, escapes undone. Without escapes it is a view of the document; with them it
/// is in a rented buffer until <see cref="Dispose"/>.
/// </summary>
internal ref struct JsonText
{
    private byte[]? rented;

    private JsonText(ReadOnlySpan<byte> content)
    {
        if (content.IndexOf((byte)'\\') < 0)
        {
            Utf8 = content;
            return;
        }
        rented = ArrayPool<byte>.Shared.Rent(content.Length);
        Utf8 = rented.AsSpan(0, Unescape(content, rented));
    }

    /// <summary>The content; a lone surrogate is there as its three bytes.</summary>
    public ReadOnlySpan<byte> Utf8 { get; }

    public static JsonText Of(JsonElement text) => new(JsonMarshal.GetRawUtf8Value(text)[1..^1]);

    public static JsonText OfName(JsonProperty member) => new(JsonMarshal.GetRawUtf8PropertyName(member));

    public void Dispose()
    {
        if (rented is null)
            return;
        ArrayPool<byte>.Shared.Return(rented);
        rented = null;
    }

    /// <summary>Unicode code points in UTF-8: every byte that does not continue a sequence begins one.</summary>
    public static int CountCodePoints(ReadOnlySpan<byte> utf8)
    {
        if (Ascii.IsValid(utf8))
            return utf8.Length;
        var count = 0;
        foreach (var b in utf8)
            count += (sbyte)b >= -64 ? 1 : 0;
        return count;
    }

    // The escapes were judged by the parser of the document, and what they stand for is never longer than they are.
    private static int Unescape(ReadOnlySpan<byte> content, Span<byte> into)
    {
        var length = 0;
        while (!content.IsEmpty)
        {
            var plain = content.IndexOf((byte)'\\');
            if (plain != 0)
            {
                var run = plain < 0 ? content : content[..plain];
                run.CopyTo(into[length..]);
                length += run.Length;
                content = content[run.Length..];
                continue;
            }
            if (content[1] == 'u')
            {
                length += EncodeEscape(ref content, into[length..]);
                continue;
            }
            into[length++] = content[1] switch
            {
                (byte)'b' => (byte)'\b',
                (byte)'f' => (byte)'\f',
                (byte)'n' => (byte)'\n',
                (byte)'r' => (byte)'\r',
                (byte)'t' => (byte)'\t',
                var same => same,
            };
            content = content[2..];
        }
        return length;
    }

    private static int EncodeEscape(ref ReadOnlySpan<byte> content, Span<byte> into)
    {
        var unit = Hex(content[2..6]);
        content = content[6..];
        if (char.IsHighSurrogate((char)unit) && content.Length >= 6 && content[0] == '\\' && content[1] == 'u'
            && Hex(content[2..6]) is var low && char.IsLowSurrogate((char)low))
        {
            content = content[6..];
            return new Rune((char)unit, (char)low).EncodeToUtf8(into);
        }
        if (Rune.TryCreate((char)unit, out var rune))
            return rune.EncodeToUtf8(into);
        into[0] = (byte)(0xE0 | (unit >> 12));
        into[1] = (byte)(0x80 | ((unit >> 6) & 0x3F));
        into[2] = (byte)(0x80 | (unit & 0x3F));
        return 3;
    }

    private static int Hex(ReadOnlySpan<byte> digits)
    {
        var value = 0;
        foreach (var digit in digits)
            value = (value << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return value;
    }
}
