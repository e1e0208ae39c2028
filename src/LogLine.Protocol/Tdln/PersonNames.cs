using System.Text;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Names of people, as they are written.
/// <list type="bullet">
/// <item>Each word begins with a capital, and so does each part after a hyphen or apostrophe: "ana-maria o'neill" is "Ana-Maria O'Neill".</item>
/// <item>The particles da, das, de, del, della, der, di, do, dos, du, e, la, van, von, y stay small, unless they come first: "JOÃO DOS SANTOS" is "João dos Santos".</item>
/// <item>A word that already mixes capitals into small letters is left alone ("McDonald", "DiCaprio"), and so is a Roman numeral after the first word ("João Paulo II").</item>
/// </list>
/// </summary>
internal static class PersonNames
{
    private static readonly HashSet<string> Particles =
        new(StringComparer.Ordinal) { "da", "das", "de", "del", "della", "der", "di", "do", "dos", "du", "e", "la", "van", "von", "y" };

    /// <summary>The name as it is kept, or null when a character is none of a name (digits, "@", ":", "/" …).</summary>
    public static string? Write(string text)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 0 && text.Any(char.IsLetter) && words.All(IsOfAName)
            ? string.Join(' ', words.Select((word, i) => Word(word, first: i == 0)))
            : null;
    }

    /// <summary>True when each character can stand in a name.</summary>
    public static bool IsOfAName(string text) =>
        text.EnumerateRunes().All(rune => Rune.IsLetter(rune) || IsMark(rune) || Rune.IsWhiteSpace(rune) || rune.Value is '-' or '\'' or '’' or '.' or '·' or 'ª' or 'º');

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark;

    private static string Word(string word, bool first)
    {
        if (IsMixed(word) || (!first && IsRoman(word)))
        {
            return word;
        }
        var lower = word.ToLowerInvariant();
        if (!first && Particles.Contains(lower))
        {
            return lower;
        }
        var written = new StringBuilder(lower);
        for (var i = 0; i < written.Length; i++)
        {
            if (i == 0 || written[i - 1] is '-' or '\'' or '’' or '.')
            {
                written[i] = char.ToUpperInvariant(written[i]);
            }
        }
        return written.ToString();
    }

    /// <summary>"McDonald", but not "jOANA", "JOANA", "Ana-Maria".</summary>
    private static bool IsMixed(string word)
    {
        if (!char.IsUpper(word[0]) || !word.Any(char.IsLower))
        {
            return false;
        }
        for (var i = 1; i < word.Length; i++)
        {
            if (char.IsUpper(word[i]) && char.IsLower(word[i - 1]))
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsRoman(string word) => word is "II" or "III" or "IV" or "V" or "VI" or "VII" or "VIII" or "IX" or "X" or "XI" or "XII";
}
