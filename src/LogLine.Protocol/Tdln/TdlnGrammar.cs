using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// The deterministic compiler from a sentence, Portuguese or English, to a span (issue of the gate; docs/tdln.md has the grammar). No model, no clock, no state: the
/// same paragraph and context always give the same span and hash. Safe for many threads at once.
/// </summary>
public sealed class TdlnGrammar
{
    /// <summary>Most characters (Unicode code points) in a paragraph.</summary>
    public const int MaxCharacters = 4_096;

    /// <summary>Most words of courtesy before a phrase.</summary>
    private const int MaxCourtesy = 12;

    private const int MaxExamples = 8;

    private readonly Vocabulary _vocabulary = new();
    private readonly Dictionary<string, IntentGrammar> _intents = new(StringComparer.Ordinal);
    private readonly Dictionary<int, List<(Phrase Phrase, IntentGrammar Intent)>> _phrases = [];
    private readonly List<(HashSet<int> Words, TdlnLanguage Language, string Intent, string Text)> _examples = [];
    private readonly Questions _questions;

    private TdlnGrammar(IEnumerable<TdlnIntent> intents)
    {
        _questions = new Questions(_vocabulary);
        foreach (var intent in intents.OrderBy(intent => intent.Name, StringComparer.Ordinal))
        {
            Add(WithSubject(intent));
        }
    }

    /// <summary>Compiles the intents that clients can send.</summary>
    /// <exception cref="TdlnGrammarException">An annotation is wrong; the message names the intent and the phrase, field or normaliser.</exception>
    public static TdlnGrammar Load(IEnumerable<TdlnIntent> intents) => new(intents);

    /// <summary>
    /// What a paragraph means. It never throws: whatever the text, the answer is a span, a question or a refusal. The cost is linear in the text.
    /// </summary>
    /// <param name="paragraph">The text; at most <see cref="MaxCharacters"/>. Empty is accepted where the context's span has the intent.</param>
    /// <param name="context">What it is compiled with.</param>
    public TdlnResult Compile(string paragraph, TdlnContext context)
    {
        if (Unreadable(paragraph, context) is { } refused)
        {
            return refused;
        }
        var sentence = Sentence.Read(paragraph.Normalize(NormalizationForm.FormC), context.Given, _vocabulary);
        var matches = Matches(sentence, context, out var start);
        var fixedIntent = context.Span.Text("intent");
        var given = fixedIntent ?? context.IntentHint;
        if (given is not null && !_intents.ContainsKey(given))
        {
            return Refuse(sentence, TdlnRefusal.UnknownIntent, language => Replies.UnknownIntent(given, language), examples: true);
        }
        if (matches.Count == 0)
        {
            return WithoutPhrase(sentence, context, start, given);
        }
        var best = matches.Where(match => match.Rank.CompareTo(matches[0].Rank) == 0).DistinctBy(match => match.Intent).ToList();
        if (given is not null)
        {
            var wanted = matches.FirstOrDefault(match => match.Intent.Definition.Name == given);
            return wanted is not null ? Compiled(sentence, context, wanted) : Refuse(
                sentence,
                fixedIntent is null ? TdlnRefusal.Ambiguous : TdlnRefusal.Contradiction,
                language => Replies.AnotherIntent(best[0].Intent.Definition.Name, given, fixedIntent is null ? "intent_hint" : "span.intent", language));
        }
        return best.Count == 1 ? Compiled(sentence, context, best[0]) : Ambiguous(sentence, best);
    }

    /// <summary>What keeps a text from being read at all.</summary>
    private TdlnResult.NotUnderstood? Unreadable(string paragraph, TdlnContext context)
    {
        const TdlnLanguage unknown = TdlnLanguage.English;
        if (paragraph.Length > MaxCharacters && (paragraph.Length > 2 * MaxCharacters || paragraph.EnumerateRunes().Count() > MaxCharacters))
        {
            return new(unknown, TdlnRefusal.TooLong, Replies.TooLong(paragraph.EnumerateRunes().Count(), unknown), []);
        }
        if (!IsWhole(paragraph))
        {
            return new(unknown, TdlnRefusal.Unreadable, Replies.NotCharacters, []);
        }
        return context.Span.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.Object
            ? null
            : Refuse(Sentence.Read(paragraph.Normalize(NormalizationForm.FormC), null, _vocabulary), TdlnRefusal.Unreadable, Replies.NotASpan);
    }

    /// <summary>False for half of a surrogate pair and for U+FFFE, which is no character: neither has a normal form.</summary>
    private static bool IsWhole(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\ufffe' || (char.IsSurrogate(text[i]) && !(char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[++i]))))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Everything that matches, best first. <paramref name="start"/> is the first token that is more than courtesy.</summary>
    private List<PhraseMatch> Matches(Sentence sentence, TdlnContext context, out int start)
    {
        var matches = new List<PhraseMatch>();
        for (start = 0; start < sentence.Count && start <= MaxCourtesy; start++)
        {
            if (_phrases.TryGetValue(sentence[start].Word, out var phrases))
            {
                foreach (var (phrase, intent) in phrases)
                {
                    if (PhraseMatch.Try(sentence, phrase, intent, start, context.Country) is { } match)
                    {
                        matches.Add(match);
                    }
                }
            }
            if (!sentence.Has(start, WordRoles.Courtesy) && sentence[start].Kind != SentenceTokenKind.Separator)
            {
                break;
            }
        }
        // Of phrases that rank equally inside one intent the order of the file decides; the sort is stable.
        return [.. matches.OrderByDescending(match => match.Rank)];
    }

    private TdlnResult WithoutPhrase(Sentence sentence, TdlnContext context, int start, string? given)
    {
        if (context.Span.ValueKind != JsonValueKind.Object && _questions.Find(sentence, start) is { } question)
        {
            return question;
        }
        if (given is not null)
        {
            var language = LanguageOf(sentence, null);
            var reading = FieldReading.Read(sentence, _intents[given], language, CountryOf(context), [], Math.Min(start, sentence.Count));
            return SpanAssembly.Assemble(_intents[given], context, language, reading);
        }
        return Enumerable.Range(0, sentence.Count).All(sentence.IsBreak)
            ? Refuse(sentence, TdlnRefusal.Empty, Replies.Empty, examples: true)
            : Refuse(sentence, TdlnRefusal.UnknownIntent, language => Replies.Unknown(sentence.Text.Trim(), language), examples: true);
    }

    private TdlnResult Compiled(Sentence sentence, TdlnContext context, PhraseMatch match)
    {
        var language = LanguageOf(sentence, match.Phrase.Language);
        var reading = FieldReading.Read(sentence, match.Intent, language, CountryOf(context), match.Captures, match.Next);
        return SpanAssembly.Assemble(match.Intent, context, language, reading);
    }

    private TdlnResult.NotUnderstood Ambiguous(Sentence sentence, List<PhraseMatch> best)
    {
        var language = LanguageOf(sentence, best[0].Phrase.Language);
        var names = best.Select(match => match.Intent.Definition.Name).Distinct().ToList();
        var examples = best.Select(match => $"{match.Intent.Definition.Name}: {Replies.Example(match.Phrase, match.Intent.Definition, language)}").ToList();
        return new(language, TdlnRefusal.Ambiguous, Replies.Ambiguous(sentence.Text.Trim(), names, language), examples);
    }

    private TdlnResult.NotUnderstood Refuse(Sentence sentence, TdlnRefusal reason, Func<TdlnLanguage, string> message, bool examples = false)
    {
        var language = LanguageOf(sentence, null);
        return new(language, reason, message(language), examples ? Examples(sentence, language) : []);
    }

    /// <summary>Sentences that are understood, one for each intent: those whose phrase shares most words with the text first; any, where none shares one.</summary>
    private List<string> Examples(Sentence sentence, TdlnLanguage language)
    {
        var words = Enumerable.Range(0, sentence.Count).Where(i => !sentence.Has(i, WordRoles.Link | WordRoles.Courtesy)).Select(i => sentence[i].Word).ToHashSet();
        var known = _examples.Where(example => example.Language == language).ToList();
        var near = known.Where(example => example.Words.Overlaps(words)).OrderByDescending(example => example.Words.Count(words.Contains)).ToList();
        return [.. (near.Count > 0 ? near : known).DistinctBy(example => example.Intent).Take(MaxExamples).Select(example => example.Text)];
    }

    /// <summary>The language in which more of the known words are; a phrase's own counts for three of them. A tie is English.</summary>
    private TdlnLanguage LanguageOf(Sentence sentence, TdlnLanguage? ofPhrase)
    {
        var portuguese = ofPhrase switch { TdlnLanguage.Portuguese => 3, TdlnLanguage.English => -3, _ => 0 };
        for (var i = 0; i < sentence.Count; i++)
        {
            portuguese += (_vocabulary.RolesOf(sentence[i].Word) & (WordRoles.English | WordRoles.Portuguese)) switch
            {
                WordRoles.Portuguese => 1,
                WordRoles.English => -1,
                _ => 0,
            };
        }
        return portuguese > 0 ? TdlnLanguage.Portuguese : TdlnLanguage.English;
    }

    private static string? CountryOf(TdlnContext context) => context.Span.Member("payload").Text("country") ?? context.Country;

    /// <summary>Every intent can be told its subject, unless "subject" is a field of its payload.</summary>
    private static TdlnIntent WithSubject(TdlnIntent intent) => intent.Fields.Any(field => field.Name == "subject")
        ? intent
        : intent with { Fields = [.. intent.Fields, new TdlnField("subject", "urn", ["subject"], ["sujeito", "assunto"]) { IsSlot = true }] };

    private void Add(TdlnIntent intent)
    {
        var normalisers = intent.Fields.Select(field => NormaliserOf(intent, field.Name, field.Normaliser)).ToList();
        foreach (var (slot, source) in intent.Slots)
        {
            NormaliserOf(intent, slot, source.Normaliser);
        }
        var grammar = new IntentGrammar(intent, new FieldNames(intent, _vocabulary), normalisers);
        if (!_intents.TryAdd(intent.Name, grammar))
        {
            throw new TdlnGrammarException($"{intent.Name} is there twice");
        }
        foreach (var phrase in intent.Phrases.Select(phrase => Phrase.Of(phrase, intent, _vocabulary)).Append(Phrase.OfName(intent.Name, _vocabulary)))
        {
            foreach (var (word, opening) in phrase.Parts[0].Words!.Select((word, opening) => (word, opening)).DistinctBy(first => first.word))
            {
                if (!_phrases.TryGetValue(word, out var phrases))
                {
                    _phrases.Add(word, phrases = []);
                }
                phrases.Add((phrase, grammar));
                if (phrase.Language is { } language)
                {
                    _examples.Add(([word, .. phrase.Parts.Skip(1).SelectMany(part => part.Words ?? [])], language, intent.Name, Replies.Example(phrase, intent, language, opening)));
                }
            }
        }
    }

    private static Normaliser NormaliserOf(TdlnIntent intent, string field, string name) => Normaliser.All.GetValueOrDefault(name)
        ?? throw new TdlnGrammarException($"{intent.Name}: '{field}' names the normaliser '{name}'; there are {string.Join(", ", Normaliser.All.Keys.Order(StringComparer.Ordinal))}");
}
