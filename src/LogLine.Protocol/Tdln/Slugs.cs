using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Names as the last part of a subject: lower case, without diacritics, words joined by "_". What has nothing in the Latin alphabet gets a letter, "_" and 16 hex
/// digits of its BLAKE3. A slug is its own slug.
/// </summary>
internal static class Slugs
{
    private const int MaxLength = 63;

    /// <summary>
    /// Of a person: up to two words as they are, else first word, initials of the middle ones, last word ("Joana Maria Silva" is joana_m_silva).
    /// </summary>
    public static string OfPerson(string name)
    {
        var words = Words(name);
        return Join(words.Length <= 2 ? words : [words[0], .. words[1..^1].Select(word => word[..1]), words[^1]], "p_", name);
    }

    /// <summary>Of anything else: all its words.</summary>
    public static string Of(string name) => Join(Words(name), "n_", name);

    private static string Join(string[] words, string prefix, string name)
    {
        var slug = words.Length > 0 ? string.Join('_', words) : prefix + Blake3.HashHex(Encoding.UTF8.GetBytes(name))[..16];
        return slug.Length <= MaxLength ? slug : slug[..MaxLength].TrimEnd('_');
    }

    private static string[] Words(string name) =>
        [.. name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(word => Latin(word).Trim('_')).Where(word => word.Length > 0)];

    private static string Latin(string word)
    {
        var latin = new StringBuilder(word.Length);
        foreach (var c in Folding.Fold(word))
        {
            _ = c switch
            {
                (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' => latin.Append(c),
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
