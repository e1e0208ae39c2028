using System.Text;

namespace LogLine.Fuzz.Mutation;

/// <summary>Changes of a text: its words, its characters, its length.</summary>
internal static class Texts
{
    private const int Long = 5_000;

    /// <summary>One to four changes.</summary>
    public static string Change(string text, Random random)
    {
        for (var changes = 1 + random.Next(4); changes > 0; changes--)
        {
            text = One(text, random);
        }
        return text;
    }

    private static string One(string text, Random random)
    {
        var at = random.Next(text.Length + 1);
        switch (random.Next(11))
        {
            case 0 when text.Length > 0:
                return text.Remove(Math.Min(at, text.Length - 1), 1);
            case 1:
                return text.Insert(at, Words.Hard[random.Next(Words.Hard.Length)]);
            case 2:
                return text.Insert(at, " " + Words.OfSchemas[random.Next(Words.OfSchemas.Length)] + " ");
            case 3:
                return random.Next(2) == 0 ? text.ToUpperInvariant() : text.ToLowerInvariant();
            case 4:
                return text[..at];
            case 5 when text.Length > 0:
                return new StringBuilder(text) { [Math.Min(at, text.Length - 1)] = (char)random.Next(random.Next(4) == 0 ? 0x10000 : 0x80) }.ToString();
            case 6 when random.Next(8) == 0:
                return Repeated(text, random);
            case 7:
                return text.Insert(at, random.Next(2) == 0 ? random.Next(-1000, 100_000).ToString() : random.NextInt64().ToString());
            default:
                return WithOtherWords(text, random);
        }
    }

    // One character, or all of it, up to a little over what a paragraph may have.
    private static string Repeated(string text, Random random)
    {
        var piece = random.Next(3) switch
        {
            0 => Words.Hard[random.Next(Words.Hard.Length)],
            1 when text.Length > 0 => text[random.Next(text.Length)].ToString(),
            _ => text + " ",
        };
        return piece.Length == 0 ? text : text + new StringBuilder().Insert(0, piece, Math.Min(random.Next(Long), 2 * Long / piece.Length));
    }

    private static string WithOtherWords(string text, Random random)
    {
        var words = text.Split(' ').ToList();
        var (one, two) = (random.Next(words.Count), random.Next(words.Count));
        switch (random.Next(4))
        {
            case 0:
                words.RemoveAt(one);
                break;
            case 1:
                (words[one], words[two]) = (words[two], words[one]);
                break;
            case 2:
                words.Insert(one, words[two]);
                break;
            default:
                words[one] = Words.Any(random);
                break;
        }
        return string.Join(' ', words);
    }
}
