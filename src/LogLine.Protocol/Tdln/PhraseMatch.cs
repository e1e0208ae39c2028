namespace LogLine.Protocol.Tdln;

/// <summary>A phrase that matches, and how well: values that can be read first, then more words, then values that nothing else looks like.</summary>
/// <param name="Phrase">The phrase.</param>
/// <param name="Intent">Its intent.</param>
/// <param name="Captures">What it captured.</param>
/// <param name="Next">Where reading goes on.</param>
/// <param name="Rank">What decides between several; equal ranks of different intents are ambiguous.</param>
internal sealed record PhraseMatch(Phrase Phrase, IntentGrammar Intent, IReadOnlyList<Capture> Captures, int Next, (bool IsRead, int Words, int Distinctive) Rank)
{
    /// <summary>Tries a phrase at a token. What a phrase captures must name something: "criar pessoa algo" is no match.</summary>
    public static PhraseMatch? Try(Sentence sentence, Phrase phrase, IntentGrammar intent, int start, string? country)
    {
        var next = start;
        if (phrase.Match(sentence, intent.Names, ref next) is not { } captures)
        {
            return null;
        }
        var (isRead, distinctive) = (true, 0);
        foreach (var capture in captures.Where(capture => capture.End > capture.Start))
        {
            if (IsIndefinite(sentence, capture))
            {
                return null;
            }
            var reads = FieldReading.CanRead(sentence, intent, capture, country);
            isRead &= reads;
            distinctive += reads && intent.Normalisers[capture.Field].Distinctive ? 1 : 0;
        }
        return new PhraseMatch(phrase, intent, captures, next, (isRead, phrase.Parts.Count(part => part.Words is not null), distinctive));
    }

    /// <summary>True for "algo", "alguma coisa", "pessoa algo": the last word names nothing.</summary>
    private static bool IsIndefinite(Sentence sentence, Capture capture) => sentence.Has(capture.End - 1, WordRoles.Indefinite);
}
