using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Tdln;

/// <summary>How words are compared: without case and without diacritics, so that "País", "pais" and "PAÍS" are one word.</summary>
internal static class Folding
{
    /// <summary>The folded text: lower case, without non-spacing marks.</summary>
    public static string Fold(ReadOnlySpan<char> text) => Fold(text.ToString());

    /// <inheritdoc cref="Fold(ReadOnlySpan{char})"/>
    public static string Fold(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.ToLowerInvariant();
        }
        var folded = new StringBuilder(text.Length);
        // The runtime refuses to normalise U+FFFE, which no word holds and a context may.
        foreach (var c in text.Replace("\uFFFE", "", StringComparison.Ordinal).Normalize(NormalizationForm.FormD))
        {
            if (CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark)
            {
                folded.Append(char.ToLowerInvariant(c));
            }
        }
        return folded.ToString();
    }

    /// <summary>Runs of white space become one space, none is left at the ends.</summary>
    public static string Collapse(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
