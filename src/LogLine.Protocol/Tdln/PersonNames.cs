using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Names of people: how they are written, and the slug of their subject.
/// <list type="bullet">
/// <item>Each word begins with a capital, and so does each part after a hyphen or apostrophe: "ana-maria o'neill" is "Ana-Maria O'Neill".</item>
/// <item>The particles da, das, de, del, della, der, di, do, dos, du, e, la, van, von, y stay small, unless they come first: "JOÃO DOS SANTOS" is "João dos Santos".</item>
/// <item>A word that already mixes capitals into small letters is left alone ("McDonald", "DiCaprio"), and so is a Roman numeral after the first word ("João Paulo II").</item>
/// </list>
/// </summary>
internal static class PersonNames
{
    private const int MaxSlug = 63;
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

    /// <summary>
    /// Last part of <c>urn:registry:person/…</c>: up to two words joined by "_", else first word, initials of the middle ones, last word
    /// ("Joana Maria Silva" is joana_m_silva), without diacritics. A name that has nothing in the Latin alphabet gets "p_" and 16 hex digits of its BLAKE3.
    /// </summary>
    public static string Slug(string name)
    {
        var words = name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Latin).Where(word => word.Length > 0).ToArray();
        if (words.Length == 0)
        {
            return "p_" + Blake3.HashHex(Encoding.UTF8.GetBytes(name))[..16];
        }
        var parts = words.Length <= 2 ? words : [words[0], .. words[1..^1].Select(word => word[..1]), words[^1]];
        var slug = string.Join('_', parts);
        return slug.Length <= MaxSlug ? slug : slug[..MaxSlug];
    }

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

    private static string Latin(string word)
    {
        var latin = new StringBuilder(word.Length);
        foreach (var c in Folding.Fold(word))
        {
            _ = c switch
            {
                >= 'a' and <= 'z' or >= '0' and <= '9' => latin.Append(c),
                'ß' => latin.Append("ss"),
                'æ' => latin.Append("ae"),
                'œ' => latin.Append("oe"),
                'ø' => latin.Append('o'),
                'ł' => latin.Append('l'),
                'đ' or 'ð' => latin.Append('d'),
                'þ' => latin.Append("th"),
                'ı' => latin.Append('i'),
                _ => latin,
            };
        }
        return latin.ToString();
    }
}
