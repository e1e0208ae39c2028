namespace LogLine.Protocol.Tdln;

/// <summary>A part of a phrase: a word with its alternatives, or the capture of a field.</summary>
/// <param name="Words">Numbers of the words, any of which matches; null for a capture.</param>
/// <param name="Field">Index of the captured field in its intent; −1 for a word.</param>
internal readonly record struct PhrasePart(int[]? Words, int Field);

/// <summary>What a phrase captured: tokens from <paramref name="Start"/> to before <paramref name="End"/>.</summary>
internal readonly record struct Capture(int Field, int Start, int End);

/// <summary>A phrase of one intent, compiled.</summary>
internal sealed class Phrase
{
    private Phrase(TdlnLanguage? language, PhrasePart[] parts, string text) => (Language, Parts, Text) = (language, parts, text);

    /// <summary>Its language; null for the intent's name, which is the same in all.</summary>
    public TdlnLanguage? Language { get; }

    /// <summary>Its parts; the first is a word.</summary>
    public PhrasePart[] Parts { get; }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>The phrase that an intent's name is.</summary>
    public static Phrase OfName(string intent, Vocabulary vocabulary) => new(null, [new([vocabulary.Add(intent, WordRoles.FieldName)], -1)], intent);

    /// <summary>Compiles a phrase.</summary>
    /// <exception cref="TdlnGrammarException">It does not begin with a word, two captures stand side by side, or one names no field.</exception>
    public static Phrase Of(TdlnPhrase phrase, TdlnIntent intent, Vocabulary vocabulary)
    {
        var role = phrase.Language == TdlnLanguage.Portuguese ? WordRoles.Portuguese : WordRoles.English;
        var parts = new List<PhrasePart>();
        foreach (var piece in phrase.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (piece is not ['{', .. var name, '}'])
            {
                parts.Add(new([.. piece.Split('|').Select(word => vocabulary.Add(word, role))], -1));
                continue;
            }
            var field = intent.Fields.ToList().FindIndex(field => field.Name == name);
            if (field < 0)
            {
                throw new TdlnGrammarException(
                    $"the phrase '{phrase.Text}' of {intent.Name} names the field '{name}', which a sentence cannot give; there are {string.Join(", ", intent.Fields.Select(known => known.Name))}");
            }
            if (parts.Count == 0 || parts[^1].Words is null)
            {
                throw new TdlnGrammarException($"the phrase '{phrase.Text}' of {intent.Name} needs a word before {{{name}}}");
            }
            parts.Add(new(null, field));
        }
        return parts.Count > 0 ? new Phrase(phrase.Language, [.. parts], phrase.Text) : throw new TdlnGrammarException($"{intent.Name} has an empty phrase");
    }

    /// <summary>Tries the phrase at a token.</summary>
    /// <param name="sentence">The text.</param>
    /// <param name="fields">Field names of the phrase's intent, at which the last capture ends.</param>
    /// <param name="at">Where the phrase begins; where it ends, when it matches.</param>
    /// <returns>What it captured, or null when it does not match.</returns>
    public List<Capture>? Match(Sentence sentence, FieldNames fields, ref int at)
    {
        var captures = new List<Capture>(2);
        var next = at;
        for (var i = 0; i < Parts.Length; i++)
        {
            var part = Parts[i];
            if (part.Words is not null)
            {
                if (!TryWord(sentence, part.Words, ref next))
                {
                    return null;
                }
                continue;
            }
            var start = fields.SkipOwnName(sentence, next, part.Field);
            var end = i == Parts.Length - 1 ? fields.EndOfValue(sentence, start, out next) : next = EndBefore(sentence, fields, Parts[i + 1].Words!, start);
            if (end < 0)
            {
                return null;
            }
            captures.Add(new Capture(part.Field, start, end));
        }
        at = next;
        return captures;
    }

    /// <summary>Reads a word of the phrase, passing over articles before it.</summary>
    private static bool TryWord(Sentence sentence, int[] words, ref int at)
    {
        while (at < sentence.Count)
        {
            if (words.Contains(sentence[at].Word))
            {
                at++;
                return true;
            }
            if (!sentence.Has(at, WordRoles.Article))
            {
                return false;
            }
            at++;
        }
        return false;
    }

    /// <summary>Where the phrase's next word stands; −1 when a break or a field's name comes first.</summary>
    private static int EndBefore(Sentence sentence, FieldNames fields, int[] words, int start)
    {
        for (var at = start; !sentence.IsBreak(at); at++)
        {
            if (words.Contains(sentence[at].Word))
            {
                return at;
            }
            if (fields.At(sentence, at).Field >= 0)
            {
                return -1;
            }
        }
        return -1;
    }
}
