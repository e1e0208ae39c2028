using System.Buffers.Text;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// Standard padded base64 (RFC 4648, section 4) with one spelling for each value: no white space, no missing padding, no stray bits
/// in the last character. Two spellings of one signature would be two receipts for one span.
/// </summary>
internal static class StrictBase64
{
    internal static bool TryDecode(ReadOnlySpan<char> text, int maxBytes, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 4 != 0 || text.Length / 4 * 3 > maxBytes + 2 || !Base64.IsValid(text, out var length) || length > maxBytes)
        {
            return false;
        }
        var decoded = new byte[length];
        if (!Convert.TryFromBase64Chars(text, decoded, out var written) || written != length || !text.SequenceEqual(Convert.ToBase64String(decoded)))
        {
            return false;
        }
        bytes = decoded;
        return true;
    }
}
