using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LogLine.Api.Runs;

/// <summary>Output of a command or container as text that fits into a result.</summary>
public static class ResultText
{
    /// <summary>The most that one text takes in a result, in bytes of JSON; two of them and the rest stay below <see cref="PrimitiveResult.MaxBytes"/>.</summary>
    public const int MaxBytes = 120 * 1024;

    /// <summary>The end of <paramref name="utf8"/> that fits; what is no UTF-8 becomes U+FFFD.</summary>
    public static string Fit(ReadOnlySpan<byte> utf8, out bool truncated)
    {
        var text = Encoding.UTF8.GetString(utf8);
        truncated = false;
        int bytes;
        while ((bytes = JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.Length) > MaxBytes)
        {
            truncated = true;
            var keep = (int)Math.Min((long)text.Length * MaxBytes / bytes, text.Length - 1);
            var from = text.Length - keep;
            text = text[(char.IsLowSurrogate(text[from]) ? from + 1 : from)..];
        }
        return text;
    }
}
